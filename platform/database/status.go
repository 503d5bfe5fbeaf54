package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
)

// Migration is one migration of a schema, and whether it is applied.
type Migration struct {
	Set     string    `json:"set"` // "events" or the module
	Version int64     `json:"version"`
	Name    string    `json:"name"` // the file's
	Applied bool      `json:"applied"`
	At      time.Time `json:"at,omitzero"`       // when it was applied, UTC
	Unknown bool      `json:"unknown,omitempty"` // it is of a newer program, and has no name here
}

// Status is the state of a database's schema.
type Status struct {
	Exists     bool        // the file (SQLite) or the schema (PostgreSQL) exists
	Migrations []Migration // all of this program, in the order in which they are applied
}

// Newer returns the highest version that a newer program has applied, 0 without one.
func (s Status) Newer() (version int64) {
	for _, m := range s.Migrations {
		if m.Unknown {
			version = max(version, m.Version)
		}
	}
	return version
}

// Pending reports whether a migration is not applied yet.
func (s Status) Pending() bool {
	for _, m := range s.Migrations {
		if !m.Applied {
			return true
		}
	}
	return false
}

// ReadStatus reads the state of a database's schema. It creates no folder, file,
// schema or table, and does not wait for other processes.
//
// Fails with fault.Invalid for options that cannot work and fault.Unavailable
// when the database cannot be reached.
func ReadStatus(ctx context.Context, options Options) (Status, error) {
	db, err := newDB(options)
	if err != nil {
		return Status{}, err
	}
	exists := true
	if db.dialect == SQLite {
		exists, err = db.inspectSQLite()
	} else if err = db.openPostgres(ctx); err == nil {
		err = db.readers.GetContext(ctx, &exists, schemaThere, db.options.Schema)
		err = db.explain(ctx, err)
	}
	if db.readers != nil {
		defer func() { _ = db.readers.Close() }() // every statement has been answered
	}
	if err != nil {
		return Status{}, fmt.Errorf("inspect the database of %s: %w", db.options.Module, err)
	}
	return db.status(ctx, exists)
}

// inspectSQLite prepares a connection to the file, if it exists. The connection may
// write, because the last one to close a write-ahead log deletes it, but no
// statement does, and it creates no file.
func (db *DB) inspectSQLite() (exists bool, err error) {
	if db.path, err = sqlitePath(db.options); err != nil {
		return false, err
	}
	_, err = os.Stat(db.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fileFault(err, "cannot inspect the database file "+db.path)
	}
	query := url.Values{"mode": {"rw"}, "_query_only": {"on"}, "_busy_timeout": {strconv.Itoa(busyMilliseconds)}}
	dsn := "file:" + (&url.URL{Path: db.path}).EscapedPath() + "?" + query.Encode()
	db.readers = sqlitePool(sqliteConnector{dsn: dsn}, 1) // connects at the first query
	return err == nil, nil
}

func (db *DB) status(ctx context.Context, exists bool) (Status, error) {
	s := Status{Exists: exists}
	for _, set := range db.options.Sets {
		provider, err := db.provider(db.readers.DB, set)
		if err != nil {
			return Status{}, err
		}
		if provider == nil {
			continue
		}
		applied := map[int64]time.Time{}
		if exists {
			if applied, err = db.applied(ctx, set); err != nil {
				return Status{}, fmt.Errorf("read the migrations of %s: %w", set, db.explain(ctx, err))
			}
		}
		for _, source := range provider.ListSources() {
			at, is := applied[source.Version]
			s.Migrations = append(s.Migrations, Migration{Set: set, Version: source.Version, Name: source.Path, Applied: is, At: at})
			delete(applied, source.Version)
		}
		delete(applied, 0) // goose's own row
		for _, version := range slices.Sorted(maps.Keys(applied)) {
			s.Migrations = append(s.Migrations, Migration{Set: set, Version: version, Applied: true, At: applied[version], Unknown: true})
		}
	}
	return s, nil
}

// applied reads goose's table of a set: the applied versions and the times.
func (db *DB) applied(ctx context.Context, set string) (map[int64]time.Time, error) {
	store, err := goosedb.NewStore(db.gooseDialect(), versionTable(set))
	if err != nil {
		return nil, err
	}
	if there, err := db.hasTable(ctx, versionTable(set)); err != nil || !there {
		return nil, err
	}
	list, err := store.ListMigrations(ctx, db.readers)
	if err != nil {
		return nil, err
	}
	versions := make(map[int64]time.Time, len(list))
	for _, m := range list {
		if !m.IsApplied {
			continue
		}
		one, err := store.GetMigration(ctx, db.readers, m.Version)
		if err != nil {
			return nil, err
		}
		versions[m.Version] = one.Timestamp.UTC()
	}
	return versions, nil
}

func (db *DB) hasTable(ctx context.Context, name string) (there bool, err error) {
	if db.dialect == Postgres {
		err = db.readers.GetContext(ctx, &there, `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2)`, db.options.Schema, name)
		return there, err
	}
	err = db.readers.GetContext(ctx, &there, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)`, name)
	return there, err
}

func (db *DB) gooseDialect() goose.Dialect {
	if db.dialect == Postgres {
		return goose.DialectPostgres
	}
	return goose.DialectSQLite3
}
