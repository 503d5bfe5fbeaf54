// Package databasetest opens an empty, migrated database of one module for a test:
// a file in the test's folder, or a schema in the test server that is dropped
// afterwards. It is imported by tests only.
package databasetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/testenv/testneeds"
)

// timeout bounds the set-up and the clean-up; no test asserts it.
const timeout = time.Minute

// Each runs a sub-test on SQLite and one on PostgreSQL.
func Each(t *testing.T, module string, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, module)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t, module)) })
}

// SQLite opens a new file, with the module's migrations applied.
func SQLite(t testing.TB, module string) *database.DB {
	t.Helper()
	return Open(t, database.Options{Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: migrations.Sets(module)})
}

// Postgres opens a new schema, with the module's migrations applied. Without a
// server the test is skipped, or fails if BANYAN_TEST_REQUIRE names postgres.
func Postgres(t testing.TB, module string) *database.DB {
	t.Helper()
	options := PostgresOptions(t, module, migrations.FS)
	options.Sets = migrations.Sets(module)
	return Open(t, options)
}

// Open opens and migrates, and closes at the end of the test.
func Open(t testing.TB, options database.Options) *database.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	db, err := database.Open(ctx, options)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the test database: %v", err)
		}
	})
	if err := db.Migrate(ctx); err != nil {
		t.Fatalf("migrate the test database: %v", err)
	}
	return db
}

// Again opens a second handle of the same database, as another process would.
func Again(t testing.TB, db *database.DB) *database.DB {
	t.Helper()
	return Open(t, db.Options())
}

// PostgresOptions returns the options of a new schema, which is dropped at the end of
// the test, for tests with their own migrations. With BANYAN_TEST_PGBOUNCER=session,
// or transaction, it is reached through a PgBouncer of its own in that mode.
func PostgresOptions(t testing.TB, module string, steps fs.FS) database.Options {
	t.Helper()
	server := testneeds.PostgresURL()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	config, err := pgx.ParseConfig(withoutSync(t, server))
	if err != nil {
		t.Fatalf("BANYAN_TEST_POSTGRES is not a PostgreSQL URL: %v", err)
	}
	pool := stdlib.OpenDB(*config)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close() // it never connected
		testneeds.Missing(t, testneeds.Postgres, "PostgreSQL cannot be reached (start it, or set BANYAN_TEST_POSTGRES): "+err.Error())
	}
	schema := "test_" + strings.ReplaceAll(module, "-", "_") + "_" + randomHex(t)
	t.Cleanup(func() { dropSchema(t, pool, schema) })
	if mode := os.Getenv("BANYAN_TEST_PGBOUNCER"); mode != "" {
		server, _ = PgBouncer(t, mode)
	}
	return database.Options{
		Module: module, URL: withoutSync(t, server), Schema: schema, Migrations: steps,
		Connections: 8, // test servers allow 100, and packages are tested in parallel
	}
}

// withoutSync turns off the server's wait for its disk: tests kill programs, not
// servers.
func withoutSync(t testing.TB, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("BANYAN_TEST_POSTGRES is not a URL: %v", err)
	}
	query := u.Query()
	query.Set("synchronous_commit", "off")
	u.RawQuery = query.Encode()
	return u.String()
}

// dropSchema runs after the databases are closed: cleanups run last in, first out.
func dropSchema(t testing.TB, pool *sql.DB, schema string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if _, err := pool.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+pgx.Identifier{schema}.Sanitize()+` CASCADE`); err != nil {
		t.Errorf("drop the test schema %s: %v", schema, err)
	}
	if err := pool.Close(); err != nil {
		t.Errorf("close the connection to the test server: %v", err)
	}
}

func randomHex(t testing.TB) string {
	t.Helper()
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatalf("name a test schema: %v", err)
	}
	return hex.EncodeToString(b[:])
}
