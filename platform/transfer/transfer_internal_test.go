package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/testenv/databasetest"
)

// Every migration makes the same tables in both databases, of types that can be copied.
func TestEveryTableCanBeCopied(t *testing.T) {
	entries, err := fs.ReadDir(migrations.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	shared := []string{"events", "ownership", "once", "jobs"}
	for _, entry := range entries {
		name := entry.Name()
		if slices.Contains(shared, name) { // they are in each module's
			continue
		}
		t.Run(name, func(t *testing.T) {
			var found [2][]table
			for i, db := range []*database.DB{databasetest.SQLite(t, name), databasetest.Postgres(t, name)} {
				options := db.Options()
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				s, err := openSide(t.Context(), []database.Options{options})
				if err != nil {
					t.Fatal(err)
				}
				if found[i], err = s.session(0).tables(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := s.close(); err != nil {
					t.Fatal(err)
				}
			}
			if len(found[0]) == 0 {
				t.Fatal("there are no tables")
			}
			if err := sameTables(name, found[0], found[1]); err != nil {
				t.Error(err)
			}
			for _, one := range found[0] {
				if err := one.requireMovable(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// The tables of the tests have every kind of column, and what differs between the two:
// ids that the database gives, generated columns, foreign keys, NULL.
const (
	sampleSQLite = `-- +goose Up
CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE a_child (
	parent_id INTEGER NOT NULL REFERENCES parent (id), wallet BLOB NOT NULL, share REAL, note TEXT,
	big INTEGER NOT NULL, made INTEGER NOT NULL GENERATED ALWAYS AS (big % 7) STORED,
	PRIMARY KEY (parent_id, wallet)
) STRICT, WITHOUT ROWID;
INSERT INTO parent (id, name) VALUES (1, 'made by the migration');
`
	samplePostgres = `-- +goose Up
CREATE TABLE parent (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE a_child (
	parent_id BIGINT NOT NULL REFERENCES parent (id), wallet BYTEA NOT NULL, share DOUBLE PRECISION, note TEXT,
	big BIGINT NOT NULL, made BIGINT NOT NULL GENERATED ALWAYS AS (big % 7) STORED,
	PRIMARY KEY (parent_id, wallet)
);
INSERT INTO parent (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'made by the migration');
SELECT setval(pg_get_serial_sequence('parent', 'id'), 1);
`
)

func sample(t testing.TB) fs.FS {
	t.Helper()
	files := fstest.MapFS{
		"sample/sqlite/00001_sample.sql":   {Data: []byte(sampleSQLite)},
		"sample/postgres/00001_sample.sql": {Data: []byte(samplePostgres)},
	}
	err := fs.WalkDir(migrations.FS, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.FS, path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// places returns a data folder and a database of PostgreSQL for two modules.
func places(t testing.TB) (files, server []database.Options) {
	t.Helper()
	steps, folder := sample(t), t.TempDir()
	for _, name := range []string{"sample", "twin"} {
		sets := []string{"events", "ownership", "sample"}
		files = append(files, database.Options{Module: name, URL: "sqlite:" + folder, Migrations: steps, Sets: sets})
		there := databasetest.PostgresOptions(t, name, steps)
		there.Sets = sets
		server = append(server, there)
	}
	return files, server
}

func options(from, to []database.Options) Options {
	return Options{From: from, To: to, FromName: "the old place", ToName: "the new place", Now: time.Now()}
}

// write migrates, claims for the trunk, and stores.
func write(t testing.TB, all []database.Options, statements ...string) {
	t.Helper()
	for _, one := range all {
		db := databasetest.Open(t, one)
		if _, err := ownership.Open(t.Context(), db, ownership.Process{Name: "trunk", URL: "http://localhost:1"}); err != nil {
			t.Fatal(err)
		}
		err := db.Write(t.Context(), func(tx *database.Tx) error {
			for _, statement := range statements {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

const aParent = `INSERT INTO parent (name) VALUES ('%s')`

func fillSample(t testing.TB, all []database.Options) {
	t.Helper()
	write(t, all,
		fmt.Sprintf(aParent, "zwölf ☃ '' \" \\ %s ?"), fmt.Sprintf(aParent, ""), fmt.Sprintf(aParent, "deleted"), `DELETE FROM parent WHERE name = 'deleted'`,
		`INSERT INTO a_child (parent_id, wallet, share, note, big) VALUES (2, x'00ff', 0.1, NULL, 9223372036854775807)`,
		`INSERT INTO a_child (parent_id, wallet, share, note, big) VALUES (2, x'', -7.0, '', -9223372036854775808)`,
		`INSERT INTO a_child (parent_id, wallet, share, note, big) VALUES (3, x'01', 9e999, 'infinite', 0)`,
		`INSERT INTO a_child (parent_id, wallet, share, note, big) VALUES (3, x'02', NULL, 'null', 1)`,
		`INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES ('e1', 't', 'k', 1, '', '{}')`,
		`INSERT INTO event_consumer (consumer, topic, txid, id, moved_at) VALUES ('c', 't', 0, 1, 1)`,
	)
}

// startable says which of the places a process can write to.
func startable(t *testing.T, all ...[]database.Options) (open []bool) {
	t.Helper()
	for _, place := range all {
		is := true
		for _, one := range place {
			status, err := database.ReadStatus(t.Context(), one)
			if err != nil {
				t.Fatal(err)
			}
			if !status.Exists {
				is = false
				continue
			}
			db := databasetest.Open(t, one)
			o, err := ownership.Open(t.Context(), db, ownership.Process{Name: "trunk", URL: "http://localhost:1"})
			if err != nil && fault.CodeOf(err) != fault.Conflict {
				t.Fatal(err)
			}
			is = is && err == nil && o.IsOwner()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		open = append(open, is)
	}
	return open
}

func one[T any](t *testing.T, o database.Options, query string) (value T) {
	t.Helper()
	db := databasetest.Open(t, o)
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.Read().Get(t.Context(), &value, query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func TestDataGoesThereAndBack(t *testing.T) {
	files, server := places(t)
	fillSample(t, files)
	report, err := Copy(t.Context(), options(files, server))
	if err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(report, "sample", "a_child"); rows != 4 {
		t.Errorf("%d rows of a_child were copied: %+v", rows, report)
	}
	if open := startable(t, files, server); open[0] || !open[1] {
		t.Fatalf("after the copy these can be written: %v", open)
	}
	if got := one[int64](t, server[0], `SELECT epoch FROM ownership`); got != 3 {
		t.Errorf("the epoch is %d, after 1 in the source", got)
	}
	if got := one[string](t, server[0], `SELECT name FROM parent WHERE id = 2`); got != `zwölf ☃ ' " \ %s ?` {
		t.Errorf("the text is %q", got)
	}
	if got := one[float64](t, server[1], `SELECT share FROM a_child WHERE note = 'infinite'`); !math.IsInf(got, 1) {
		t.Errorf("the number is %v", got)
	}
	if got := one[int64](t, server[1], `SELECT made FROM a_child WHERE note = 'null'`); got != 1 {
		t.Errorf("the generated column is %d", got)
	}
	if a, b := one[string](t, files[0], `SELECT data_id FROM data_identity`), one[string](t, server[0], `SELECT data_id FROM data_identity`); a != b {
		t.Errorf("the data id was %s, and is %s", a, b)
	}
	if _, err := Copy(t.Context(), options(files, server)); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "moved to the new place before") {
		t.Errorf("a second copy: %v", err)
	}
	// An id that was given and deleted is not given again, in either of the two.
	write(t, server, fmt.Sprintf(aParent, "in the server"), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES ('e2', 't', 'k', 1, '', '{}')`)
	if got := one[int64](t, server[0], `SELECT id FROM parent WHERE name = 'in the server'`); got != 5 {
		t.Errorf("the next id is %d", got)
	}
	if _, err := Copy(t.Context(), options(server, files)); err != nil {
		t.Fatal(err)
	}
	if open := startable(t, files, server); !open[0] || open[1] {
		t.Fatalf("after the way back these can be written: %v", open)
	}
	write(t, files, fmt.Sprintf(aParent, "back"), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES ('e3', 't', 'k', 1, '', '{}')`)
	if got := one[int64](t, files[0], `SELECT id FROM parent WHERE name = 'back'`); got != 6 {
		t.Errorf("the next id in the file is %d", got)
	}
	// The consumer gets every event again, and the new one last.
	if got := one[string](t, files[0], `
		SELECT group_concat(event_id, ' ') FROM (SELECT o.event_id FROM event_outbox AS o, event_consumer AS c
		 WHERE (o.txid, o.id) > (c.txid, c.id) ORDER BY o.txid, o.id)`); got != "e1 e2 e3" {
		t.Errorf("the consumer will get %s", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(pathOf(files[0])), ".banyan-*")); err != nil || len(left) > 0 {
		t.Errorf("left in the data folder: %v (%v)", left, err)
	}
}

// A process that was not stopped can write nothing after the copy, and tells its
// callers nothing of where the data is.
func TestARunningProcessIsShutOut(t *testing.T) {
	files, server := places(t)
	db := databasetest.Open(t, server[0])
	if _, err := ownership.Open(t.Context(), db, ownership.Process{Name: "trunk"}); err != nil {
		t.Fatal(err)
	}
	insert := func() error {
		return db.Write(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO parent (name) VALUES (?)`, time.Now().String())
			return err
		})
	}
	write(t, server[1:])
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(t.Context(), options(server, files)); err != nil {
		t.Fatal(err)
	}
	err := insert()
	var refused *fault.Fault
	if !errors.As(err, &refused) || refused.Code != fault.Conflict || !strings.Contains(refused.Message, "was moved to another database") {
		t.Fatalf("a write after the copy: %v", err)
	}
	if text := fmt.Sprint(refused.Message, refused.Fields); strings.Contains(text, "the new place") {
		t.Errorf("it says where the data is: %s", text)
	}
	if got := one[int64](t, files[0], `SELECT COUNT(*) FROM parent`); got != 2 {
		t.Errorf("%d rows arrived", got)
	}
}

func rowsOf(r Report, db, name string) int64 {
	for _, t := range r.Tables {
		if t.Database == db && t.Name == name {
			return t.Rows
		}
	}
	return -1
}

// Whenever the copy ends, at most one place can be written, and the same copy again
// finishes.
func TestAnInterruptedCopyIsFinished(t *testing.T) {
	for _, step := range []string{"arriving", "moved"} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, back %v", step, back), func(t *testing.T) {
				from, to := places(t)
				if back {
					from, to = to, from
				}
				write(t, from, fmt.Sprintf(aParent, "kept"))
				killed := errors.New("killed")
				o := options(from, to)
				o.reached = func(at string) error {
					if at == step {
						return killed
					}
					return nil
				}
				if _, err := Copy(t.Context(), o); !errors.Is(err, killed) {
					t.Fatal(err)
				}
				if step == "arriving" && back { // as if it had ended between two files
					if err := os.Remove(pathOf(to[0])); err != nil {
						t.Fatal(err)
					}
				}
				open := startable(t, from, to)
				if open[1] || open[0] != (step == "arriving") {
					t.Errorf("after the end these can be written: %v", open)
				}
				if open[0] { // life goes on there before somebody tries again
					write(t, from, fmt.Sprintf(aParent, "later"))
				} else {
					o.reached = nil
				}
				if _, err := Copy(t.Context(), options(from, to)); err != nil {
					t.Fatal(err)
				}
				if open := startable(t, from, to); open[0] || !open[1] {
					t.Errorf("at the end these can be written: %v", open)
				}
				want := int64(2)
				if step == "arriving" {
					want = 3
				}
				if got := one[int64](t, to[1], `SELECT COUNT(*) FROM parent`); got != want {
					t.Errorf("%d rows arrived, want %d", got, want)
				}
			})
		}
	}
}

func TestATrialChangesNothing(t *testing.T) {
	files, server := places(t)
	fillSample(t, files)
	o := options(files, server)
	o.Trial = true
	if _, err := Copy(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if open := startable(t, files); !open[0] {
		t.Error("the source is closed")
	}
	if a, b := one[string](t, files[0], `SELECT data_id FROM data_identity`), one[string](t, server[0], `SELECT data_id FROM data_identity`); a == b {
		t.Error("the copy has the data id of the source")
	}
}

func TestWhatCannotBeCopiedIsRefused(t *testing.T) {
	refused := func(name string, code fault.Code, says string, prepare func(t *testing.T, files, server []database.Options)) {
		t.Run(name, func(t *testing.T) {
			files, server := places(t)
			fillSample(t, files)
			prepare(t, files, server)
			if _, err := Copy(t.Context(), options(files, server)); fault.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), says) {
				t.Errorf("%v (%s)", err, fault.CodeOf(err))
			}
			if code != fault.NotFound && !strings.Contains(says, "works with") {
				if open := startable(t, files); !open[0] {
					t.Error("the source is closed")
				}
			}
		})
	}
	refused("a target in use", fault.Conflict, "data that is in use", func(t *testing.T, _, server []database.Options) {
		write(t, server, fmt.Sprintf(aParent, "theirs"))
	})
	refused("a target with rows", fault.Conflict, "has rows already", func(t *testing.T, _, server []database.Options) {
		write(t, server, fmt.Sprintf(aParent, "theirs"), `DELETE FROM ownership`)
	})
	refused("a copy of other data", fault.Conflict, "a copy of other data", func(t *testing.T, _, server []database.Options) {
		others, _ := places(t)
		fillSample(t, others)
		o := options(others, server)
		o.reached = func(string) error { return context.Canceled }
		if _, err := Copy(t.Context(), o); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
	refused("a program that works with it", fault.Conflict, "a program works with", func(t *testing.T, files, _ []database.Options) {
		databasetest.Open(t, files[1])
	})
	refused("a database that is missing", fault.NotFound, "there is no database twin", func(t *testing.T, files, _ []database.Options) {
		if err := os.Remove(pathOf(files[1])); err != nil {
			t.Fatal(err)
		}
	})
	refused("a zero byte", fault.Invalid, "name of the row with id 5 has a zero byte in it", func(t *testing.T, files, _ []database.Options) {
		write(t, files[:1], `INSERT INTO parent (name) VALUES (CAST(x'610062' AS TEXT))`)
	})
	refused("no UTF-8", fault.Invalid, "is not UTF-8", func(t *testing.T, files, _ []database.Options) {
		write(t, files[:1], `INSERT INTO parent (name) VALUES (CAST(x'ff' AS TEXT))`)
	})
}

func TestNotANumberIsRefusedOnTheWayBack(t *testing.T) {
	files, server := places(t)
	write(t, server, `INSERT INTO a_child (parent_id, wallet, share, big) VALUES (1, '\x01', 'NaN', 1)`)
	if _, err := Copy(t.Context(), options(server, files)); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "is not a number") {
		t.Errorf("%v", err)
	}
	if open := startable(t, server); !open[0] {
		t.Error("the source is closed")
	}
}

// A copy that is not equal is found: a row that is lost, and a value that changes.
func TestAnUnequalCopyIsRefused(t *testing.T) {
	files, _ := places(t)
	fillSample(t, files)
	for name, spoil := range map[string]func(rows int, values []any) []any{
		"lost":    func(rows int, values []any) []any { return map[bool][]any{false: values}[rows == 2] },
		"changed": func(_ int, values []any) []any { values = slices.Clone(values); values[0] = int64(7); return values },
	} {
		from, err := openSide(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		others, _ := places(t)
		if err := migrate(t.Context(), others); err != nil {
			t.Fatal(err)
		}
		to, err := openSide(t.Context(), others)
		if err != nil {
			t.Fatal(err)
		}
		_, err = copyDatabase(t.Context(), Options{}, "sample", from.session(0), spoiled{to.session(0), spoil}, aboutMoves)
		if err == nil || !strings.Contains(err.Error(), "the copy is not equal") {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(from.close(), to.close()); err != nil {
			t.Fatal(err)
		}
	}
}

type spoiled struct {
	session
	spoil func(rows int, values []any) []any
}

func (s spoiled) load(ctx context.Context, t table, next func() ([]any, error)) error {
	rows := 0
	return s.session.load(ctx, t, func() ([]any, error) {
		for {
			values, err := next()
			if err != nil || values == nil || t.name != "a_child" {
				return values, err
			}
			rows++
			if values = s.spoil(rows, values); values != nil {
				return values, nil
			}
		}
	})
}

// A backup of a server is of one moment while it is written to, and fits both kinds.
func TestAServerIsExportedWhileItIsWrittenTo(t *testing.T) {
	files, server := places(t)
	write(t, server, fmt.Sprintf(aParent, "before"), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES ('e1', 't', 'k', 1, '', '{}')`)
	source, err := openSnapshot(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	write(t, server, fmt.Sprintf(aParent, "after"))
	if err := export(t.Context(), source, server, files); err != nil {
		t.Fatal(err)
	}
	if err := source.close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range files {
		if got := one[string](t, o, `SELECT group_concat(name, ', ') FROM parent`); got != "made by the migration, before" {
			t.Errorf("the export has %s", got)
		}
	}
	if open := startable(t, files, server); !open[0] || !open[1] {
		t.Errorf("these can be written: %v", open)
	}

	if err := Import(t.Context(), files, server, false); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "--force") {
		t.Errorf("over data in use: %v", err)
	}
	if err := Import(t.Context(), files, server, true); err != nil {
		t.Fatal(err)
	}
	if got := one[int64](t, server[0], `SELECT COUNT(*) FROM parent`); got != 2 {
		t.Errorf("after the import there are %d rows", got)
	}
	write(t, server, fmt.Sprintf(aParent, "later"))
	_, empty := places(t)
	if err := Import(t.Context(), files, empty, false); err != nil {
		t.Fatal(err)
	}
	if a, b := one[string](t, files[1], `SELECT data_id FROM data_identity`), one[string](t, empty[1], `SELECT data_id FROM data_identity`); a != b {
		t.Error("the data id changed")
	}
}
