package database_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

// shelf is the schema of these tests. A loan's foreign key is looked at only at
// COMMIT, so that a group can fail as a whole.
func shelf() fs.FS {
	return fstest.MapFS{
		"shelf/sqlite/00001_shelf.sql": {Data: []byte(`-- +goose Up
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE loan (id INTEGER PRIMARY KEY, book INTEGER NOT NULL REFERENCES book (id) DEFERRABLE INITIALLY DEFERRED) STRICT;
-- +goose StatementBegin
CREATE TRIGGER poison BEFORE INSERT ON book WHEN NEW.title = 'poison'
BEGIN
    SELECT RAISE(ROLLBACK, 'poisoned');
END;
-- +goose StatementEnd
`)},
		"shelf/postgres/00001_shelf.sql": {Data: []byte(`-- +goose Up
CREATE TABLE book (id BIGINT PRIMARY KEY, title TEXT NOT NULL UNIQUE);
CREATE TABLE loan (id BIGINT PRIMARY KEY, book BIGINT NOT NULL REFERENCES book (id) DEFERRABLE INITIALLY DEFERRED);
`)},
	}
}

func sqliteOptions(t testing.TB) database.Options {
	t.Helper()
	return database.Options{Module: "shelf", URL: "sqlite:" + t.TempDir(), Migrations: shelf(), Sets: []string{"shelf"}}
}

func sqliteShelf(t testing.TB) *database.DB {
	t.Helper()
	return databasetest.Open(t, sqliteOptions(t))
}

func postgresShelf(t testing.TB) *database.DB {
	t.Helper()
	options := databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets = []string{"shelf"}
	return databasetest.Open(t, options)
}

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteShelf(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresShelf(t)) })
}

// addBook is the write of most tests.
func addBook(ctx context.Context, tx *database.Tx, id int, title string) error {
	_, err := tx.Exec(ctx, `INSERT INTO book (id, title) VALUES (?, ?)`, id, title)
	return err
}

func titles(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	if err := db.Read().Select(t.Context(), &all, `SELECT title FROM book ORDER BY id`); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestAWriteIsReadBack(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *database.Tx) error {
			if err := addBook(ctx, tx, 1, "Emma"); err != nil {
				return err
			}
			changed, err := tx.Exec(ctx, `UPDATE book SET title = ? WHERE id IN (?, ?)`, "Persuasion", 1, 2)
			if err != nil || changed != 1 {
				t.Errorf("UPDATE changed %d rows, err %v; want 1", changed, err)
			}
			var own string
			if err := tx.Get(ctx, &own, `SELECT title FROM book WHERE id = ?`, 1); err != nil || own != "Persuasion" {
				t.Errorf("inside the transaction: %q, %v", own, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var book struct {
			ID    int64  `db:"id"`
			Title string `db:"title"`
		}
		if err := db.Read().Get(ctx, &book, `SELECT id, title FROM book WHERE title = ?`, "Persuasion"); err != nil || book.ID != 1 {
			t.Errorf("read back %+v, %v", book, err)
		}
		err = db.Read().Get(ctx, &book, `SELECT id, title FROM book WHERE id = ?`, 99)
		if !database.IsNoRows(err) {
			t.Errorf("a missing row: %v, want IsNoRows", err)
		}
	})
}

func TestAFailedWriteKeepsNothing(t *testing.T) {
	refusal := errors.New("changed my mind")
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *database.Tx) error {
			if err := addBook(ctx, tx, 1, "Emma"); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Errorf("err = %v, want fn's own", err)
		}
		if got := titles(t, db); got != "" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestASwallowedFailureStillFailsTheWrite(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *database.Tx) error {
			if err := addBook(ctx, tx, 1, "Emma"); err != nil {
				return err
			}
			clash := addBook(ctx, tx, 2, "Emma")
			if !database.IsUnique(clash) {
				t.Errorf("clash = %v, want IsUnique", clash)
			}
			if err := addBook(ctx, tx, 3, "Persuasion"); !errors.Is(err, clash) {
				t.Errorf("the statement after a failed one: %v, want the same failure", err)
			}
			return nil
		})
		if !database.IsUnique(err) {
			t.Errorf("err = %v, want the clash", err)
		}
		if got := titles(t, db); got != "" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestConstraintsAreRecognised(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		write := func(query string) error {
			return db.Write(ctx, func(tx *database.Tx) error {
				_, err := tx.Exec(ctx, query)
				return err
			})
		}
		if err := write(`INSERT INTO book (id, title) VALUES (1, 'Emma')`); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what, query         string
			unique, foreign, ok bool
		}{
			{what: "primary key", query: `INSERT INTO book (id, title) VALUES (1, 'Other')`, unique: true},
			{what: "unique column", query: `INSERT INTO book (id, title) VALUES (2, 'Emma')`, unique: true},
			{what: "not null", query: `INSERT INTO book (id, title) VALUES (3, NULL)`},
			{what: "foreign key, at commit", query: `INSERT INTO loan (id, book) VALUES (1, 77)`, foreign: true},
			{what: "no such table", query: `INSERT INTO nothing (id) VALUES (1)`},
			{what: "expected clash", query: `INSERT INTO book (id, title) VALUES (4, 'Emma') ON CONFLICT DO NOTHING`, ok: true},
		} {
			err := write(c.query)
			if database.IsUnique(err) != c.unique || database.IsForeignKey(err) != c.foreign || (err == nil) != c.ok {
				t.Errorf("%s: %v (unique %v, foreign %v)", c.what, err, database.IsUnique(err), database.IsForeignKey(err))
			}
		}
	})
}

func TestAPanicRollsBackAndReachesTheCaller(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		func() {
			defer func() {
				if got := recover(); got != "boom" {
					t.Errorf("recovered %v, want the panic of fn", got)
				}
			}()
			_ = db.Write(ctx, func(tx *database.Tx) error {
				if err := addBook(ctx, tx, 1, "Emma"); err != nil {
					return err
				}
				panic("boom")
			})
			t.Error("Write returned")
		}()
		// The database goes on, without the rolled-back row.
		if err := db.Write(ctx, func(tx *database.Tx) error { return addBook(ctx, tx, 2, "Persuasion") }); err != nil {
			t.Fatal(err)
		}
		if got := titles(t, db); got != "Persuasion" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestATransactionEndsWithItsFunction(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		var kept *database.Tx
		if err := db.Write(ctx, func(tx *database.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := addBook(ctx, kept, 1, "Emma"); err == nil {
			t.Error("a transaction kept after its end was still usable")
		}
	})
}

func TestASnapshotSeesOneState(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		count := func(r database.Queryer) (n int) {
			if err := r.Get(ctx, &n, `SELECT COUNT(*) FROM book`); err != nil {
				t.Error(err)
			}
			return n
		}
		err := db.Snapshot(ctx, func(r database.Reader) error {
			before := count(r)
			if err := db.Write(ctx, func(tx *database.Tx) error { return addBook(ctx, tx, 1, "Emma") }); err != nil {
				return err
			}
			if after := count(r); after != before {
				t.Errorf("the snapshot went from %d to %d books", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := count(db.Read()); got != 1 {
			t.Errorf("after the snapshot: %d books, want 1", got)
		}
	})
}

func TestAReaderCannotWrite(t *testing.T) {
	db := sqliteShelf(t)
	var id int
	err := db.Read().Get(t.Context(), &id, `INSERT INTO book (id, title) VALUES (1, 'Emma') RETURNING id`)
	if !fault.Is(err, fault.Unavailable) || titles(t, db) != "" {
		t.Errorf("writing through a reader: %v, kept %q", err, titles(t, db))
	}
}

func TestRowsAreReadOneByOne(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *database.Tx) error {
			for i, title := range []string{"Emma", "Persuasion", "Ulysses"} {
				if err := addBook(ctx, tx, i, title); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		query, args, err := database.In(`SELECT title FROM book WHERE id IN (?) ORDER BY id`, []int{0, 2})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.Read().Query(ctx, query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var got []string
		for rows.Next() {
			var title string
			if err := rows.Scan(&title); err != nil {
				t.Fatal(err)
			}
			got = append(got, title)
		}
		if err := rows.Err(); err != nil || strings.Join(got, " ") != "Emma Ulysses" {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestSQLiteFilesArePrivateAndDurable(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new #1?") // characters that mean something in a URI
	db := databasetest.Open(t, database.Options{Module: "shelf", URL: "sqlite:" + folder, Migrations: shelf(), Sets: []string{"shelf"}})
	if err := db.Write(t.Context(), func(tx *database.Tx) error { return addBook(t.Context(), tx, 1, "Emma") }); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		folder: 0o700, db.Path(): 0o600, db.Path() + "-wal": 0o600, db.Path() + ".lock": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if filepath.Dir(db.Path()) != folder {
		t.Errorf("the file is %s, want it in %s", db.Path(), folder)
	}
	type pragmas struct {
		Journal     string `db:"journal_mode"`
		Synchronous int    `db:"synchronous"`
		ForeignKeys int    `db:"foreign_keys"`
		ReadOnly    int    `db:"query_only"`
		WALLimit    int    `db:"journal_size_limit"`
	}
	read := func(q database.Queryer) (p pragmas) {
		const query = `SELECT journal_mode, synchronous, foreign_keys, query_only, journal_size_limit
			FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_query_only, pragma_journal_size_limit`
		if err := q.Get(t.Context(), &p, query); err != nil {
			t.Error(err)
		}
		return p
	}
	const full = 2
	var writer pragmas
	if err := db.Write(t.Context(), func(tx *database.Tx) error { writer = read(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := (pragmas{"wal", full, 1, 0, 64 << 20}); writer != want {
		t.Errorf("the writer has %+v, want %+v", writer, want)
	}
	if got, want := read(db.Read()), (pragmas{"wal", full, 1, 1, 64 << 20}); got != want {
		t.Errorf("a reader has %+v, want %+v", got, want)
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what    string
		options database.Options
		code    fault.Code
	}{
		{"no module", database.Options{URL: "sqlite:" + t.TempDir()}, fault.Invalid},
		{"a module that leaves the folder", database.Options{Module: "../x", URL: "sqlite:" + t.TempDir()}, fault.Invalid},
		{"another database", database.Options{Module: "shelf", URL: "mysql://u:secret@h/d"}, fault.Invalid},
		{"no folder", database.Options{Module: "shelf", URL: "sqlite:"}, fault.Invalid},
		{"a file for a folder", database.Options{Module: "shelf", URL: "sqlite:" + file}, fault.Unavailable},
		{"nobody listens", database.Options{Module: "shelf", URL: "postgres://u:secret@127.0.0.1:1/d"}, fault.Unavailable},
		{"a broken URL", database.Options{Module: "shelf", URL: "postgres://u:secret@127.0.0.1:port/d"}, fault.Invalid},
	} {
		db, err := database.Open(t.Context(), c.options)
		if !fault.Is(err, c.code) || db != nil {
			t.Errorf("%s: %v, want %s", c.what, err, c.code)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", c.what, err)
		}
	}
}

// The values that modules keep come back as they went in, on both databases.
func TestValuesComeBackAsTheyWere(t *testing.T) {
	types := map[database.Dialect]string{
		database.SQLite:   `CREATE TABLE kept (wallet BLOB PRIMARY KEY, amount TEXT NOT NULL, at INTEGER NOT NULL, score REAL NOT NULL, note TEXT) STRICT`,
		database.Postgres: `CREATE TABLE kept (wallet BYTEA PRIMARY KEY, amount TEXT NOT NULL, at BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL, note TEXT)`,
	}
	type row struct {
		Wallet wallet.Address `db:"wallet"`
		Amount string         `db:"amount"`
		At     int64          `db:"at"`
		Score  float64        `db:"score"`
		Note   *string        `db:"note"`
	}
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		note := "quote ' and ünïcode \u2028"
		want := []row{
			{wallet.MustParse("0x0000000000000000000000000000000000000001"), "115792089237316195423570985008687907853269984665640564039457584007913129639935", 1 << 53, 0.1, nil},
			{wallet.MustParse("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"), "1", -1, 1e-300, &note},
		}
		err := db.Write(ctx, func(tx *database.Tx) error {
			if _, err := tx.Exec(ctx, types[db.Dialect()]); err != nil {
				return err
			}
			for _, r := range want {
				if _, err := tx.Exec(ctx, `INSERT INTO kept (wallet, amount, at, score, note) VALUES (?, ?, ?, ?, ?)`, r.Wallet, r.Amount, r.At, r.Score, r.Note); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []row
		if err := db.Read().Select(ctx, &got, `SELECT wallet, amount, at, score, note FROM kept ORDER BY wallet`); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		var wallets []wallet.Address
		query, args, err := database.In(`SELECT wallet FROM kept WHERE wallet IN (?)`, []wallet.Address{want[1].Wallet})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Read().Select(ctx, &wallets, query, args...); err != nil || len(wallets) != 1 || wallets[0] != want[1].Wallet {
			t.Errorf("by wallet: %v, %v", wallets, err)
		}
	})
}

func TestCloseAnswersEveryone(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		again := databasetest.Again(t, db)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		err := again.Write(t.Context(), func(*database.Tx) error { return nil })
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("Write after Close: %v", err)
		}
		var one int
		if err := again.Read().Get(t.Context(), &one, `SELECT 1`); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Read after Close: %v", err)
		}
	})
}

func TestACommitWakesWhoListens(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		woken, stop := db.Listen("books")
		defer stop()
		failure := errors.New("no")
		_ = db.Write(ctx, func(tx *database.Tx) error { tx.Wake("books"); return failure })
		if len(woken) != 0 {
			t.Error("a rolled-back write woke the listener")
		}
		for i := range 3 {
			err := db.Write(ctx, func(tx *database.Tx) error { tx.Wake("books"); return addBook(ctx, tx, i, strings.Repeat("x", i)) })
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(woken) != 1 {
			t.Errorf("three commits left %d wakes, want them to be one", len(woken))
		}
		stop()
		<-woken
		if err := db.Write(ctx, func(tx *database.Tx) error { tx.Wake("books"); return nil }); err != nil || len(woken) != 0 {
			t.Errorf("after stop: %d wakes, %v", len(woken), err)
		}
	})
}
