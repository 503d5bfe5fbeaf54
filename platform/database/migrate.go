package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"banyan/platform/fault"
)

// Migrate applies the migrations that this program has and the database has not. Any number of
// processes may call it at once: one migrates, the others wait (a file lock for
// SQLite, an advisory lock for PostgreSQL) and then have nothing to do.
//
// Fails with fault.Conflict for a database that a newer program has migrated, and
// changes nothing in it.
func (db *DB) Migrate(ctx context.Context) error {
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
			"the database of %s (set %s) is at version %d and this program knows only up to %d: start the newer program, or restore a backup made before the upgrade",
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
	conn, err := db.readers.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate %s: %w", db.options.Module, db.explain(ctx, err))
	}
	// The lock belongs to the session: discarding the
	// connection releases it, whatever its state.
	defer func() { _ = conn.Close() }()
	defer discard(conn)
	const lock = `SELECT pg_advisory_lock(hashtextextended($1, 0))`
	if _, err := conn.ExecContext(ctx, lock, "banyan migrate "+db.options.Schema); err != nil {
		return fmt.Errorf("wait for another process that migrates %s: %w", db.options.Module, db.explain(ctx, err))
	}
	// goose keeps its tables of versions in the schema, too.
	if _, err := conn.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{db.options.Schema}.Sanitize()); err != nil {
		return fmt.Errorf("create the schema of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	return fn(db.readers.DB)
}
