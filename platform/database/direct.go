package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"

	"banyan/platform/fault"
)

// DirectFile is one connection to a SQLite file, past the module's writer and its
// fence: for what copies a database as a whole.
type DirectFile struct {
	*sql.Conn
	pool *sql.DB
}

// OpenDirectFile connects to the file of a module, which exists. Foreign keys are not
// checked, so that tables can be filled in any order.
func OpenDirectFile(ctx context.Context, options Options) (*DirectFile, error) {
	path, err := sqlitePath(options)
	if err != nil {
		return nil, err
	}
	pool, conn, err := openFile(ctx, path, url.Values{"mode": {"rw"}, "_synchronous": {"FULL"}, "_busy_timeout": {strconv.Itoa(busyMilliseconds)}})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, ExplainFile(err))
	}
	return &DirectFile{Conn: conn, pool: pool}, nil
}

// Close closes the connection.
func (f *DirectFile) Close() error { return errors.Join(f.Conn.Close(), f.pool.Close()) }

// OpenDirectPostgres connects as OpenDirectFile does: to the database of the options,
// with no schema on the search path. Nothing is prepared beyond a transaction, as
// poolers want it.
func OpenDirectPostgres(ctx context.Context, options Options) (*pgx.Conn, error) {
	db, err := newDB(options)
	if err != nil {
		return nil, err
	}
	if db.dialect != Postgres {
		return nil, fault.New(fault.Invalid, "the database is not in PostgreSQL: this works with a postgres:// URL in database.url only")
	}
	config, err := db.postgresConfig()
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", db.explain(ctx, err))
	}
	return conn, nil
}
