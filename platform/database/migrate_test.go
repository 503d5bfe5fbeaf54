package database_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

// newerShelf is what a later release would bring.
func newerShelf() fs.FS {
	newer := fstest.MapFS{}
	for name, file := range shelf().(fstest.MapFS) {
		newer[name] = file
		next := strings.Replace(name, "00001_shelf", "00002_shop", 1)
		newer[next] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE shop (id BIGINT PRIMARY KEY);\n")}
	}
	for name, file := range newer {
		if strings.Contains(name, "/sqlite/00002") {
			file.Data = []byte("-- +goose Up\nCREATE TABLE shop (id INTEGER PRIMARY KEY) STRICT;\n")
		}
	}
	return newer
}

func TestANewerDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		options := db.Options()
		options.Migrations = newerShelf()
		databasetest.Open(t, options)
		err := db.Migrate(ctx)
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("err = %v, want a conflict that names the newer program", err)
		}
		var n int
		if err := db.Read().Get(ctx, &n, `SELECT COUNT(*) FROM shop`); err != nil {
			t.Errorf("the newer schema was touched: %v", err)
		}
	})
}

func TestStatusTellsWhatIsApplied(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		options := db.Options()
		options.Migrations = newerShelf()
		got, err := database.ReadStatus(t.Context(), options)
		checkHalfMigrated(t, got, err)
	})
}

func checkHalfMigrated(t *testing.T, s database.Status, err error) {
	t.Helper()
	if err != nil || !s.Exists || !s.Pending() || len(s.Migrations) != 2 {
		t.Fatalf("status %+v, %v", s, err)
	}
	first, second := s.Migrations[0], s.Migrations[1]
	if !first.Applied || time.Since(first.At).Abs() > time.Hour || second.Applied || !second.At.IsZero() || second.Name != "00002_shop.sql" || second.Set != "shelf" {
		t.Errorf("status %+v", s)
	}
}

// pendingOptions are those of a database that does not exist yet.
var pendingOptions = map[string]func(t *testing.T) database.Options{
	"sqlite": func(t *testing.T) database.Options {
		o := sqliteOptionsOf(t)
		o.URL += "/new/folder"
		return o
	},
	"postgres": func(t *testing.T) database.Options { return databasetest.PostgresOptions(t, "shelf", shelf()) },
}

func TestTheStatusOfNoDatabaseMakesNone(t *testing.T) {
	for name, options := range pendingOptions {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			o.Sets = []string{"shelf"}
			for range 2 { // the second would see what the first has made
				got, err := database.ReadStatus(t.Context(), o)
				if err != nil || got.Exists || len(got.Migrations) != 1 || got.Migrations[0].Applied {
					t.Fatalf("status %+v, %v", got, err)
				}
			}
			if folder, is := strings.CutPrefix(o.URL, "sqlite:"); is {
				if _, err := os.Stat(filepath.Dir(folder)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the folder was made: %v", err)
				}
			}
			databasetest.Open(t, o)
			if got, err := database.ReadStatus(t.Context(), o); err != nil || !got.Exists || got.Pending() {
				t.Errorf("migrated: %+v, %v", got, err)
			}
		})
	}
}

// An open database that was not migrated has no table of versions to read.
func TestTheStatusOfAnEmptyDatabaseIsPendingAndMakesNoTable(t *testing.T) {
	o := sqliteOptionsOf(t)
	o.Sets = []string{"shelf"}
	db, err := database.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := database.ReadStatus(t.Context(), o); err != nil || !got.Exists || !got.Pending() {
		t.Errorf("status %+v, %v", got, err)
	}
	var tables int
	if err := db.Read().Get(t.Context(), &tables, `SELECT COUNT(*) FROM sqlite_master`); err != nil || tables != 0 {
		t.Errorf("%d tables were made (%v)", tables, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimPrefix(o.URL, "sqlite:")
	if err := os.Remove(filepath.Join(folder, "shelf.db.lock")); err != nil {
		t.Fatal(err)
	}
	if got, err := database.ReadStatus(t.Context(), o); err != nil || !got.Exists || !got.Pending() {
		t.Errorf("status of the closed one: %+v, %v", got, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("beside the file there are now %v (%v)", left, err)
	}
}

func TestAMigrationThatFailsKeepsNothingOfItself(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		options := db.Options()
		broken := fstest.MapFS{}
		for name, file := range shelf().(fstest.MapFS) {
			broken[name] = file
			broken[strings.Replace(name, "00001_shelf", "00002_broken", 1)] = &fstest.MapFile{
				Data: []byte("-- +goose Up\nCREATE TABLE half (id INTEGER);\nCREATE NONSENSE;\n"),
			}
		}
		options.Migrations = broken
		broke, err := database.Open(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = broke.Close() }()
		if err := broke.Migrate(t.Context()); err == nil {
			t.Error("the broken migration passed")
		}
		var n int
		if err := db.Read().Get(t.Context(), &n, `SELECT COUNT(*) FROM half`); err == nil {
			t.Error("half of a migration was kept")
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Errorf("the old program afterwards: %v", err)
		}
	})
}

func TestAModuleWithoutMigrationsIsTold(t *testing.T) {
	options := sqliteOptions(t)
	options.Sets = []string{"missing"}
	db, err := database.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("err = %v", err)
	}
}

// The environment variables by which a test starts itself again as another process.
const (
	childTask   = "DATABASE_TEST_CHILD"
	childURL    = "DATABASE_TEST_URL"
	childSchema = "DATABASE_TEST_SCHEMA"
)

// child prepares this test binary as another process that works on the same database.
func child(t *testing.T, task string, options database.Options) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildProcess$")
	cmd.Env = append(os.Environ(), childTask+"="+task, childURL+"="+options.URL, childSchema+"="+options.Schema)
	return cmd
}

// TestChildProcess is not a test of its own: it is what a child process does.
func TestChildProcess(t *testing.T) {
	task := os.Getenv(childTask)
	if task == "" {
		return
	}
	options := database.Options{
		Module: "shelf", URL: os.Getenv(childURL), Schema: os.Getenv(childSchema),
		Migrations: shelf(), Sets: []string{"shelf"},
	}
	if task == "migrate" {
		options.Migrations, options.Sets = migrations.FS, []string{"events"}
	}
	db := databasetest.Open(t, options) // migrates
	if task == "write" {
		writeUntilKilled(t, db)
	}
}

func TestProcessesThatStartAtOnceMigrateOnce(t *testing.T) {
	for name, options := range map[string]func(t *testing.T) database.Options{
		"sqlite":   sqliteOptionsOf,
		"postgres": func(t *testing.T) database.Options { return databasetest.PostgresOptions(t, "shelf", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			shared := options(t)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if out, err := child(t, "migrate", shared).CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestMigratingWaitsOnlyAsLongAsItsContext(t *testing.T) {
	db := sqliteShelf(t)
	unlock, err := database.LockFile(t.Context(), db.Path()+".lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- db.Migrate(ctx) }()
	cancel()
	if err := <-done; !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
	unlock()
	if err := db.Migrate(t.Context()); err != nil {
		t.Errorf("after the lock is free: %v", err)
	}
}

func sqliteOptionsOf(t *testing.T) database.Options { return sqliteOptions(t) }

// Whoever migrates holds the lock of the schema; another waits for it.
func TestPostgresMigrationsWaitForEachOther(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	name := "banyan migrate " + db.Options().Schema
	held, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Write(ctx, func(tx *database.Tx) error {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, name); err != nil {
				return err
			}
			close(held)
			<-free
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	migrated := make(chan error, 1)
	go func() { migrated <- db.Migrate(ctx) }()
	select { // long enough for many attempts at the lock
	case err := <-migrated:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(free)
	wg.Wait()
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}
