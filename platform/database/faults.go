package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/fault"
)

const adviceClosed = "is closed because the program is stopping: try again in a moment"

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

// sqliteAdvice completes "the database of x …", or is empty for errors that
// are about the statement and not about the database.
func sqliteAdvice(err error) string {
	var lite sqlite3.Error
	if !errors.As(err, &lite) {
		return ""
	}
	switch lite.Code {
	case sqlite3.ErrFull:
		return "cannot grow, its disk is full: free space there; nothing of this write was kept"
	case sqlite3.ErrIoErr:
		return "cannot be read or written, its disk reports an error: check the disk and the system log; nothing of this write was kept"
	case sqlite3.ErrReadonly:
		return "is read-only: make the file and its folder writable for this user; nothing was written"
	case sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrAuth:
		return "cannot be opened: check the owner and permissions of its folder"
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "is locked by another process: stop the other program that writes to it, or try again; nothing was written"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return "is damaged: stop the program, keep a copy of the file and restore a backup"
	case sqlite3.ErrNomem:
		return "is out of memory: let the program use more, or try again; nothing was written"
	}
	return ""
}

func postgresAdvice(err error) string {
	code := postgresCode(err)
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) && !strings.HasPrefix(code, "53") {
		return "cannot be reached: check that PostgreSQL runs, and the settings database.url and database.password"
	}
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return "lost its connection to PostgreSQL: try again"
	}
	switch {
	case code == "40001" || code == "40P01":
		return "had too many changes of the same rows at once: try again"
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"):
		return "lost its connection to PostgreSQL: try again"
	case code == "53100":
		return "cannot grow, PostgreSQL's disk is full: free space there"
	case strings.HasPrefix(code, "53"):
		return "is out of PostgreSQL's resources (connections or memory): try again; lower database.connections, or raise max_connections"
	case code == "25006":
		return "is read-only: connect to the primary"
	}
	return ""
}

// postgresCode is the SQLSTATE, "" for errors that have none.
func postgresCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
