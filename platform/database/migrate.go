package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Migrate applies the migrations that this program has and the database has not. Any number of
// processes may call it at once: one migrates, the others wait (a file lock for
// SQLite, an advisory lock for PostgreSQL) and then have nothing to do.
//
// Fails with fault.Conflict for a database that a newer program has migrated, and
// changes nothing in it.
func (db *DB) Migrate(ctx context.Context) error {
	db = db.now()
	return db.underLock(ctx, func(pool *sql.DB) error {
		for _, set := range db.options.Sets {
			if err := db.migrateSet(ctx, pool, set); err != nil {
				return err
			}
		}
		return nil
	})
}

// migrateSet applies the pending migrations of one set.
func (db *DB) migrateSet(ctx context.Context, pool *sql.DB, set string) error {
	provider, err := db.provider(pool, set)
	if err != nil || provider == nil {
		return err
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version of %s: %w", set, db.explain(ctx, err))
	}
	if current > known {
		return fault.Newf(fault.Conflict,
			"the database of %s (set %s) is at version %d and this program has migrations up to %d: start the newer program, or restore a backup made before the upgrade",
			db.options.Module, set, current, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", set, db.explain(ctx, err))
	}
	return nil
}

// provider returns goose's provider of one set; nil without Options.Migrations.
func (db *DB) provider(pool *sql.DB, set string) (*goose.Provider, error) {
	if db.options.Migrations == nil {
		return nil, nil
	}
	folder, err := fs.Sub(db.options.Migrations, set+"/"+string(db.dialect))
	if err != nil {
		return nil, fmt.Errorf("find the migrations of %s: %w", set, err)
	}
	provider, err := goose.NewProvider(db.gooseDialect(), pool, folder,
		goose.WithTableName(versionTable(set)),
		goose.WithDisableGlobalRegistry(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil, fault.Newf(fault.Invalid, "there are no migrations in %s/%s: add the module's folder to migrations/", set, db.dialect)
	}
	if err != nil {
		return nil, fmt.Errorf("read the migrations of %s: %w", set, err)
	}
	return provider, nil
}

// versionTable is where goose keeps the versions of a set.
func versionTable(set string) string { return "goose_" + strings.ReplaceAll(set, "-", "_") }

// underLock runs fn while no other process migrates this database. SQLite gets
// a connection of its own, because the writer's belongs to the writer.
func (db *DB) underLock(ctx context.Context, fn func(pool *sql.DB) error) error {
	if db.dialect == SQLite {
		unlock, err := lockFile(ctx, db.path+".lock")
		if err != nil {
			return err
		}
		defer unlock()
		pool := sqlitePool(sqliteConnector{dsn: sqliteDSN(db.path, false)}, 1)
		defer func() { _ = pool.Close() }() // every statement has been answered
		return fn(pool.DB)
	}
	conn, err := db.lockPostgres(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // back to the pool, or thrown away already
	defer rollBack(ctx, conn)
	if err := db.createSchema(ctx); err != nil {
		return err
	}
	return fn(db.readers.DB)
}

// lockPostgres returns a connection with a transaction that has the lock. It
// writes nothing and ends with the work; a pooler keeps it in one session. Whoever
// waits has no transaction open: a pooler of few sessions would otherwise have none
// left for the one that works.
func (db *DB) lockPostgres(ctx context.Context) (*sqlx.Conn, error) {
	for {
		conn, _, err := db.beginPostgres(ctx, false)
		if err != nil {
			return nil, err
		}
		_, err = conn.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`)
		locked := false
		if err == nil {
			err = conn.GetContext(ctx, &locked, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))`, "banyan migrate "+db.options.Schema)
		}
		if err == nil && locked {
			return conn, nil
		}
		rollBack(ctx, conn)
		_ = conn.Close() // back to the pool, or thrown away already
		if err == nil {
			err = periodic.Sleep(ctx, lockWait)
		}
		if err != nil {
			return nil, fmt.Errorf("wait for another process that migrates %s: %w", db.options.Module, db.explain(ctx, err))
		}
	}
}

// createSchema makes the schema where it is missing: a role that an administrator
// made the schemas for needs no right to do so. It refuses a schema that the role
// may not use, which PostgreSQL leaves out of the search path without a word.
// goose keeps its tables of versions in the schema, too.
func (db *DB) createSchema(ctx context.Context) error {
	var there bool
	if err := db.readers.GetContext(ctx, &there, schemaThere, db.options.Schema); err != nil {
		return fmt.Errorf("look for the schema of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	name := pgx.Identifier{db.options.Schema}.Sanitize()
	if !there {
		_, err := db.readers.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+name)
		if postgresCode(err) == "42501" { // insufficient_privilege
			return db.unavailable(err, "has no schema "+name+", and its role may not make one: have an administrator run "+
				"CREATE SCHEMA "+name+" AUTHORIZATION the role, or GRANT CREATE ON DATABASE to it")
		}
		if err != nil {
			return fmt.Errorf("create the schema of %s: %w", db.options.Module, db.explain(ctx, err))
		}
	}
	var current string
	if err := db.readers.GetContext(ctx, &current, `SELECT COALESCE(current_schema(), '')`); err != nil {
		return fmt.Errorf("look at the schema of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	if current != db.options.Schema {
		return fault.Newf(fault.Unavailable,
			"the database of %s has a schema %s that its role may not use: have an administrator run ALTER SCHEMA %s OWNER TO the role, or GRANT USAGE, CREATE ON SCHEMA %s to it",
			db.options.Module, name, name, name)
	}
	return nil
}

// schemaThere asks whether a schema exists, whoever may use it.
const schemaThere = `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`
