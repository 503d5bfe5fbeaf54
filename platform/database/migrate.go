package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"banyan/platform/fault"
)

// Migration is one step of a schema.
type Migration struct {
	Set     string    `json:"set"` // "events" or the module
	Version int64     `json:"version"`
	Name    string    `json:"name"` // the file's
	Applied bool      `json:"applied"`
	At      time.Time `json:"at,omitzero"` // when it was applied, UTC
}

// Migrate brings the schema up to what this program knows. Any number of
// processes may call it at once: one works, the others wait (a file lock for
// SQLite, an advisory lock for PostgreSQL) and find nothing left to do.
//
// A database that a newer program has migrated is refused with fault.Conflict
// and left as it is.
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

// Status lists every migration this program knows, in the order they are
// applied. It changes nothing, except that goose's own tables of versions are
// made where they are missing.
func (db *DB) Status(ctx context.Context) ([]Migration, error) {
	var all []Migration
	err := db.underLock(ctx, func(pool *sql.DB) error {
		for _, set := range db.options.Sets {
			provider, err := db.provider(pool, set)
			if err != nil || provider == nil {
				return err
			}
			statuses, err := provider.Status(ctx)
			if err != nil {
				return fmt.Errorf("read the migrations of %s: %w", set, db.explain(ctx, err))
			}
			for _, s := range statuses {
				all = append(all, Migration{
					Set: set, Version: s.Source.Version, Name: s.Source.Path,
					Applied: s.State == goose.StateApplied, At: s.AppliedAt.UTC(),
				})
			}
		}
		return nil
	})
	return all, err
}

// migrateSet applies what is missing of one set.
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

// provider is goose for one set; nil when the set has no migrations.
func (db *DB) provider(pool *sql.DB, set string) (*goose.Provider, error) {
	if db.options.Migrations == nil {
		return nil, nil
	}
	folder, err := fs.Sub(db.options.Migrations, set+"/"+string(db.dialect))
	if err != nil {
		return nil, fmt.Errorf("find the migrations of %s: %w", set, err)
	}
	dialect := goose.DialectSQLite3
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, pool, folder,
		goose.WithTableName("goose_"+strings.ReplaceAll(set, "-", "_")),
		goose.WithDisableGlobalRegistry(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil, fault.Newf(fault.Invalid, "there are no migrations in %s/%s: add the module's folder to migrations/", set, db.dialect)
	}
	if err != nil {
		return nil, fmt.Errorf("read the migrations of %s: %w", set, err)
	}
	return provider, nil
}

// underLock runs fn while no other process migrates this database. SQLite gets
// a connection of its own, because the writer's belongs to the writer.
func (db *DB) underLock(ctx context.Context, fn func(pool *sql.DB) error) error {
	if db.dialect == SQLite {
		unlock, err := lockFile(ctx, db.path+".lock")
		if err != nil {
			return err
		}
		defer unlock()
		pool := sqlitePool(db.path, false, 1)
		defer func() { _ = pool.Close() }() // every statement has been answered
		return fn(pool.DB)
	}
	conn, err := db.readers.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate %s: %w", db.options.Module, db.explain(ctx, err))
	}
	// The lock belongs to the session: a connection thrown away lets it go,
	// whatever state this one is in.
	defer func() { _ = conn.Close() }()
	defer discard(conn)
	const lock = `SELECT pg_advisory_lock(hashtextextended($1, 0))`
	if _, err := conn.ExecContext(ctx, lock, "banyan migrate "+db.options.Schema); err != nil {
		return fmt.Errorf("wait for another process that migrates %s: %w", db.options.Module, db.explain(ctx, err))
	}
	// Even to read a status: goose keeps its table of versions in the schema.
	if _, err := conn.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{db.options.Schema}.Sanitize()); err != nil {
		return fmt.Errorf("create the schema of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	return fn(db.readers.DB)
}
