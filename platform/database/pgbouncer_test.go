package database_test

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

// behind is shelf's options with the server behind a PgBouncer of two sessions.
func behind(t *testing.T, server string) database.Options {
	t.Helper()
	options := databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets, options.URL = []string{"shelf"}, server
	return options
}

func eachPoolMode(t *testing.T, test func(t *testing.T, server string)) {
	t.Helper()
	for _, mode := range []string{"session", "transaction"} {
		t.Run(mode, func(t *testing.T) {
			// In session mode each client has a session for as long as it is connected.
			server, _ := databasetest.PgBouncer(t, mode, "default_pool_size = "+map[string]string{"session": "40", "transaction": "3"}[mode])
			test(t, server)
		})
	}
}

// Two modules share the sessions of one PgBouncer. Each row must be in the schema
// of its own module, whatever the session did before.
func TestPgBouncerKeepsModulesApart(t *testing.T) {
	eachPoolMode(t, func(t *testing.T, server string) {
		ctx := t.Context()
		one, other := databasetest.Open(t, behind(t, server)), databasetest.Open(t, behind(t, server))
		var callers sync.WaitGroup
		for n := range 16 {
			for db, title := range map[*database.DB]string{one: "one", other: "other"} {
				callers.Go(func() {
					if err := db.Write(ctx, book(t, n, title+strconv.Itoa(n))); err != nil {
						t.Errorf("write: %v", err)
					}
					var kept string
					err := db.Read().Get(ctx, &kept, `SELECT title FROM book WHERE id = ?`, n)
					if err != nil || kept != title+strconv.Itoa(n) {
						t.Errorf("%s%d is read as %q, %v", title, n, kept, err)
					}
					err = db.Snapshot(ctx, func(r database.Reader) error {
						return r.Get(ctx, &kept, `SELECT title FROM book WHERE id = ?`, n)
					})
					if err != nil || kept != title+strconv.Itoa(n) {
						t.Errorf("%s%d is in a snapshot as %q, %v", title, n, kept, err)
					}
				})
			}
		}
		callers.Wait()
		if got := len(strings.Fields(titles(t, one))); got != 16 {
			t.Errorf("%d rows in one schema, want 16", got)
		}
	})
}

// A session goes to other clients of the pooler as it came.
func TestPgBouncerSessionsGoBackAsTheyCame(t *testing.T) {
	ctx := t.Context()
	server, _ := databasetest.PgBouncer(t, "transaction", "default_pool_size = 2")
	db := databasetest.Open(t, behind(t, server))
	if err := db.Write(ctx, book(t, 1, "Emma")); err != nil || titles(t, db) != "Emma" {
		t.Fatalf("%q, %v", titles(t, db), err)
	}
	stranger, err := pgx.Connect(ctx, server+"?default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close(ctx) }()
	for range 4 {
		var path string
		var prepared int
		err := stranger.QueryRow(ctx, `SELECT current_setting('search_path'), (SELECT count(*) FROM pg_prepared_statements)`).Scan(&path, &prepared)
		if err != nil || strings.Contains(path, "shelf") || prepared != 0 {
			t.Errorf("search path %s, %d prepared statements, %v", path, prepared, err)
		}
	}
}

// A failed statement outside Write must not leave a transaction open.
func TestPgBouncerReadsThatFailOrStopEarlyLeaveThePoolClean(t *testing.T) {
	eachPoolMode(t, func(t *testing.T, server string) {
		ctx := t.Context()
		options := behind(t, server)
		options.Connections = 2
		db := databasetest.Open(t, options)
		for range 4 {
			var n int
			if err := db.Read().Get(ctx, &n, `SELECT 1 / (? - 1)`, 1); err == nil {
				t.Fatal("a division by zero has a result")
			}
			rows, err := db.Read().Query(ctx, `SELECT generate_series(1, 1000)`)
			if err != nil || !rows.Next() {
				t.Fatalf("no rows: %v", err)
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
			canceled, cancel := context.WithCancel(ctx)
			cancel()
			_ = db.Read().Get(canceled, &n, `SELECT pg_sleep(10)`)
		}
		if err := db.Write(ctx, book(t, 1, "Emma")); err != nil || titles(t, db) != "Emma" {
			t.Errorf("%q, %v", titles(t, db), err)
		}
	})
}

func TestPgBouncerManyProcessesMigrateOnce(t *testing.T) {
	eachPoolMode(t, func(t *testing.T, server string) {
		options := behind(t, server)
		var processes sync.WaitGroup
		for range 4 {
			processes.Go(func() {
				options := options
				options.Connections = 2
				db, err := database.Open(t.Context(), options)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				defer func() { _ = db.Close() }()
				if err := db.Migrate(t.Context()); err != nil {
					t.Errorf("migrate: %v", err)
				}
			})
		}
		processes.Wait()
	})
}

func TestPgBouncerThatCannotWorkIsToldWhatToChange(t *testing.T) {
	statement, _ := databasetest.PgBouncer(t, "statement")
	transaction, _ := databasetest.PgBouncer(t, "transaction")
	for server, want := range map[string]string{
		statement:                 "pool_mode",
		transaction + "?geqo=off": "geqo",
	} {
		db, err := database.Open(t.Context(), behind(t, server))
		if err == nil {
			_ = db.Close()
		}
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, want) {
			t.Errorf("%s: %v", server, err)
		}
	}
}

// ignore_startup_parameters makes PgBouncer drop the search path without a word.
func TestPgBouncerThatDropsTheSearchPathIsNoticed(t *testing.T) {
	server, _ := databasetest.PgBouncer(t, "transaction", "ignore_startup_parameters = search_path,synchronous_commit")
	db := databasetest.Open(t, behind(t, server))
	if err := db.Write(t.Context(), book(t, 1, "Emma")); err != nil || titles(t, db) != "Emma" {
		t.Errorf("%q, %v", titles(t, db), err)
	}
}

func TestPostgresOverAUnixSocket(t *testing.T) {
	_, socket := databasetest.PgBouncer(t, "session")
	db := databasetest.Open(t, behind(t, socket))
	if err := db.Write(t.Context(), book(t, 1, "Emma")); err != nil || titles(t, db) != "Emma" {
		t.Errorf("%q, %v", titles(t, db), err)
	}
	if _, err := url.Parse(socket); err != nil || strings.Contains(socket, "127.0.0.1") {
		t.Errorf("%s is not a Unix socket", socket)
	}
}
