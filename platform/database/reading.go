package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Queryer reads. Reader and *Tx are Queryers, so one store function can serve
// a plain read and a read inside a write.
type Queryer interface {
	// Get reads one row into dest (a struct with db tags, or a single value).
	// Without a row it fails with an error for which IsNoRows is true.
	Get(ctx context.Context, dest any, query string, args ...any) error
	// Select reads all rows into dest, a pointer to a slice. The query must
	// bound their number with LIMIT.
	Select(ctx context.Context, dest any, query string, args ...any) error
	// Dialect returns the kind of database.
	Dialect() Dialect
}

// statements is what sqlx.DB, sqlx.Conn and sqlx.Tx have in common.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error)
}

// Reader reads committed rows, concurrently with the writer and without waiting
// for it.
type Reader struct {
	db  *DB
	run statements // of a snapshot; nil = the pool of wherever the rows are
}

func (r Reader) at() (*DB, statements) {
	if r.run != nil {
		return r.db, r.run
	}
	now := r.db.now()
	return now, now.readers
}

// Read returns a Reader on the pool: each call may see a newer state than the
// one before. Snapshot reads one state several times.
func (db *DB) Read() Reader { return Reader{db: db} }

// Dialect returns the kind of database.
func (r Reader) Dialect() Dialect {
	db, _ := r.at()
	return db.dialect
}

// Get reads one row; see Queryer.
func (r Reader) Get(ctx context.Context, dest any, query string, args ...any) error {
	db, run := r.at()
	return db.explain(ctx, run.GetContext(ctx, dest, db.rebind(query), args...))
}

// Select reads all rows; see Queryer.
func (r Reader) Select(ctx context.Context, dest any, query string, args ...any) error {
	db, run := r.at()
	return db.explain(ctx, run.SelectContext(ctx, dest, db.rebind(query), args...))
}

// Query reads rows one by one, for what does not fit in memory. The caller
// closes the rows (an open one holds a connection of the pool) and asks Err
// after the last.
func (r Reader) Query(ctx context.Context, query string, args ...any) (*sqlx.Rows, error) {
	db, run := r.at()
	rows, err := run.QueryxContext(ctx, db.rebind(query), args...)
	return rows, db.explain(ctx, err)
}

// Snapshot runs fn with a Reader that sees one state of the database for as
// long as fn runs. It writes nothing, and holds one connection of the pool.
func (db *DB) Snapshot(ctx context.Context, fn func(r Reader) error) error {
	return db.now().snapshot(ctx, fn)
}

func (db *DB) snapshot(ctx context.Context, fn func(r Reader) error) error {
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if db.dialect == SQLite {
		// The driver has no isolation levels; a SQLite read transaction is a snapshot.
		options = &sql.TxOptions{ReadOnly: true}
	}
	tx, err := db.readers.BeginTxx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin a snapshot of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	return fn(Reader{db: db, run: tx})
}

// rebind turns ? into $1 … for PostgreSQL.
func (db *DB) rebind(query string) string {
	if db.dialect == SQLite {
		return query
	}
	return sqlx.Rebind(sqlx.DOLLAR, query)
}

// In expands the slices among args: "WHERE id IN (?)". A slice must not be empty.
func In(query string, args ...any) (string, []any, error) {
	expanded, flat, err := sqlx.In(query, args...)
	if err != nil {
		return "", nil, fmt.Errorf("expand IN (?): %w", err)
	}
	return expanded, flat, nil
}
