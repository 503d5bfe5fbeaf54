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

// errClosed is the cause of a write that is called after Close.
var errClosed = errors.New("the writer has ended")

// IsNoRows reports whether Get found no row.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsForeignKey reports whether a write refers to a row that does not exist, or
// deletes one that is still referred to.
func IsForeignKey(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.ExtendedCode == sqlite3.ErrConstraintForeignKey
	}
	return postgresCode(err) == "23503" // foreign_key_violation
}

// explain wraps a failure that an operator must act on in a fault that says how;
// every other error is returned as it is. When ctx has ended, that is the reason,
// whatever the database called it.
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

// outage marks the cause of a fault as one of the database itself, see IsOutage.
type outage struct{ cause error }

// Error returns the cause's text.
func (o outage) Error() string { return o.cause.Error() }

// Unwrap returns the cause.
func (o outage) Unwrap() error { return o.cause }

// unavailable returns a fault with the message "the database of x …message".
func (db *DB) unavailable(cause error, message string) error {
	f := fault.Wrap(outage{cause}, fault.Unavailable, "the database of "+db.options.Module+" "+message)
	f.RetryAfter = time.Second
	return f
}

// IsOutage reports whether err is about the database and not about the statement:
// it cannot be reached, is full, closed, locked by another process or damaged.
func IsOutage(err error) bool {
	var o outage
	return errors.As(err, &o)
}

// IsStatement reports whether the database works and refused this statement: a
// constraint, a missing table, a wrong value.
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
