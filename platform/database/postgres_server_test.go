package database_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testneeds"
)

// administrator runs statements as the owner of the test server.
func administrator(t *testing.T, statements ...string) {
	t.Helper()
	ctx := context.Background() // also after the test
	conn, err := pgx.Connect(ctx, testneeds.PostgresURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// asRole is shelf's options as a new role, which is dropped after the test.
func asRole(t *testing.T) (options database.Options, role string) {
	t.Helper()
	options = databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets = []string{"shelf"}
	role = "role_" + options.Schema
	administrator(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'`)
	t.Cleanup(func() { administrator(t, `DROP OWNED BY `+role+` CASCADE`, `DROP ROLE `+role) })
	server, err := url.Parse(options.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.UserPassword(role, "secret")
	options.URL = server.String()
	return options, role
}

func migrates(t *testing.T, options database.Options) error {
	t.Helper()
	db, err := database.Open(t.Context(), options)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Migrate(t.Context())
}

// PostgreSQL asks for CREATE on the database even where CREATE SCHEMA IF NOT
// EXISTS would find the schema.
func TestPostgresARoleWithoutCREATEUsesTheSchemaMadeForIt(t *testing.T) {
	options, role := asRole(t)
	err := migrates(t, options)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "AUTHORIZATION") {
		t.Errorf("without a schema: %v", err)
	}
	administrator(t, `CREATE SCHEMA `+options.Schema)
	err = migrates(t, options)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "GRANT USAGE") {
		t.Errorf("without USAGE: %v", err)
	}
	administrator(t, `ALTER SCHEMA `+options.Schema+` OWNER TO `+role)
	for range 2 { // the second time all is there
		if err := migrates(t, options); err != nil {
			t.Errorf("as the owner: %v", err)
		}
	}
}

func TestPostgresAReadOnlyServerAnswersAndIsNotReady(t *testing.T) {
	options, role := asRole(t)
	administrator(t, `CREATE SCHEMA `+options.Schema+` AUTHORIZATION `+role)
	db := databasetest.Open(t, options)
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	administrator(t, `ALTER ROLE `+role+` SET default_transaction_read_only = on`)
	again, err := database.Open(t.Context(), options)
	if err != nil {
		t.Fatalf("it can be read: %v", err)
	}
	defer func() { _ = again.Close() }()
	if got := titles(t, again); got != "" {
		t.Errorf("read %q", got)
	}
	for what, err := range map[string]error{"ping": again.Ping(t.Context()), "write": again.Write(t.Context(), book(t, 1, "Emma"))} {
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "read-only") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// After a failover the pool's connections lead to a server that takes no writes.
func TestPostgresConnectionsToAFormerPrimaryAreThrownAway(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	demote := func() {
		if err := db.Write(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec(ctx, `SELECT set_config('default_transaction_read_only', 'on', false)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	demote()
	if err := db.Write(ctx, book(t, 1, "Emma")); err != nil || titles(t, db) != "Emma" {
		t.Errorf("%q, %v", titles(t, db), err)
	}
	demote()
	if err := db.Ping(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// A server that restarts ends every session; nothing had begun on the idle ones.
func TestPostgresIdleConnectionsThatTheServerEndedAreReplaced(t *testing.T) {
	ctx := t.Context()
	options := databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets = []string{"shelf"}
	options.URL += "&application_name=" + options.Schema // no other test's sessions
	db := databasetest.Open(t, options)
	end := func() {
		t.Helper()
		together := newBarrier(8)
		var readers sync.WaitGroup
		for range 8 { // fill the pool
			readers.Go(func() {
				_ = db.Snapshot(ctx, func(r database.Reader) error {
					var one int
					err := r.Get(ctx, &one, `SELECT 1`)
					together.wait()
					return err
				})
			})
		}
		readers.Wait()
		administrator(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '`+options.Schema+`'`)
	}
	end()
	if err := db.Write(ctx, book(t, 1, "Emma")); err != nil {
		t.Errorf("write: %v", err)
	}
	db.SetFence(&gate{}) // its read is sent together with BEGIN
	end()
	if err := db.Write(ctx, book(t, 2, "Persuasion")); err != nil {
		t.Errorf("fenced write: %v", err)
	}
	db.SetFence(&gate{query: `SELECT 1 / COUNT(*) FROM book WHERE title = 'none'`})
	if err := db.Write(ctx, book(t, 3, "Sanditon")); err == nil {
		t.Error("a fence that cannot look lets a write pass")
	}
	db.SetFence(nil)
	end()
	if got := titles(t, db); got != "Emma Persuasion" {
		t.Errorf("read %q", got)
	}
	end()
	if err := db.Snapshot(ctx, func(r database.Reader) error {
		var one int
		return r.Get(ctx, &one, `SELECT 1`)
	}); err != nil {
		t.Errorf("snapshot: %v", err)
	}
}

func TestPostgresItselfKeepsPreparedStatements(t *testing.T) {
	if os.Getenv("BANYAN_TEST_PGBOUNCER") != "" {
		t.Skip("BANYAN_TEST_PGBOUNCER: there is a pooler before it")
	}
	options := databasetest.PostgresOptions(t, "shelf", shelf())
	options.Sets, options.Connections = []string{"shelf"}, 2
	db := databasetest.Open(t, options)
	err := db.Snapshot(t.Context(), func(r database.Reader) error { // one connection for both
		var n int
		if err := r.Get(t.Context(), &n, `SELECT COUNT(*) FROM book WHERE id > ?`, 0); err != nil {
			return err
		}
		err := r.Get(t.Context(), &n, `SELECT COUNT(*) FROM pg_prepared_statements`)
		if err == nil && n == 0 {
			t.Error("no statement is prepared")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPostgresURLsThatCannotWorkAreRefusedWithoutTheirPassword(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://app:hunter2/x@db:5432/banyan":                          "password",
		"postgres://app:hunter2%@db:5432/banyan":                           "password",
		"postgres://app@db/banyan?password=hunter2&sslmode=whatever":       "PostgreSQL URL",
		"postgres://app:hunter2@db/banyan?search_path=mine":                "search_path",
		"postgres://app:hunter2@db/banyan?options=-c%20search_path%3Dmine": "search_path",
	} {
		_, err := database.Open(t.Context(), database.Options{Module: "shelf", URL: text})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.From(err).Message, want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
