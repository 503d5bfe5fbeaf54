package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/fault"
)

// errReadOnly is the cause when Ping finds that the server takes no writes.
var errReadOnly = errors.New("transaction_read_only is on")

// errClosed is the cause when a write comes after Close.
var errClosed = errors.New("the writer has ended")

// IsNoRows tells that Get found no row.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsUnique tells that a write clashed with a row that is there: a UNIQUE or
// PRIMARY KEY constraint, in either dialect.
func IsUnique(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		switch lite.ExtendedCode {
		case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
			return true
		}
		return false
	}
	return postgresCode(err) == "23505" // unique_violation
}

// IsForeignKey tells that a write names a row that is not there, or removes one
// that is still named.
func IsForeignKey(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.ExtendedCode == sqlite3.ErrConstraintForeignKey
	}
	return postgresCode(err) == "23503" // foreign_key_violation
}

// explain gives the failures that an operator must act on a fault that says
// how; everything else stays as it is. When the caller went away, that is the
// reason, whatever the database called it.
func (db *DB) explain(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	var already *fault.Fault
	if errors.As(err, &already) {
		return err
	}
	var message string
	if db.dialect == SQLite {
		message = sqliteAdvice(err)
	} else {
		message = postgresAdvice(err)
	}
	switch {
	case message != "":
	case errors.Is(err, sql.ErrConnDone):
		message = "lost its connection: try again"
	case err.Error() == "sql: database is closed": // database/sql exports no value for it
		message = adviceClosed
	}
	if message == "" {
		return err
	}
	return db.unavailable(err, message)
}

// outage marks the cause of a fault that is the database's own.
type outage struct{ cause error }

// Error gives the cause's text.
func (o outage) Error() string { return o.cause.Error() }

// Unwrap gives the cause.
func (o outage) Unwrap() error { return o.cause }

// unavailable says "the database of x …message".
func (db *DB) unavailable(cause error, message string) error {
	f := fault.Wrap(outage{cause}, fault.Unavailable, "the database of "+db.options.Module+" "+message)
	f.RetryAfter = time.Second
	return f
}

// IsOutage tells that the database, not what was asked of it, is the reason: it
// cannot be reached, is full, closed, held by somebody else or damaged.
func IsOutage(err error) bool {
	var o outage
	return errors.As(err, &o)
}

// IsStatement tells that the database works and refused this write for what it
// says: a constraint, a missing table, a wrong value.
func IsStatement(err error) bool {
	var lite sqlite3.Error
	return !IsOutage(err) && (errors.As(err, &lite) || postgresCode(err) != "")
}

// postgresCode is the SQLSTATE, "" for errors that have none.
func postgresCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
