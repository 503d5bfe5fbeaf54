package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"banyan/platform/fault"
)

// stepPages is how many pages are copied between two looks at the context; 4 MiB.
const stepPages = 1024

// FileCopy is one SQLite file and where its copy goes.
type FileCopy struct{ From, To string }

// Snapshot copies SQLite files as they are at one moment, while other processes read
// and write them. All of them are fixed before the first is copied, in the given
// order and within milliseconds; writers do not wait.
//
// Fails with fault.NotFound when a file does not exist, and leaves what it has copied
// by then.
func Snapshot(ctx context.Context, copies []FileCopy) (err error) {
	sources := make([]*sql.Conn, len(copies))
	for i, c := range copies {
		if _, err := os.Stat(c.From); err != nil {
			return fault.Wrap(err, fault.NotFound, "there is no database at "+c.From+": check the setting data")
		}
		pool, conn, err := openFile(ctx, c.From, url.Values{"mode": {"rw"}, "_query_only": {"on"}, "_busy_timeout": {strconv.Itoa(busyMilliseconds)}})
		if err != nil {
			return fmt.Errorf("read %s: %w", c.From, ExplainFile(err))
		}
		defer func() { err = errors.Join(err, conn.Close(), pool.Close()) }()
		sources[i] = conn
	}
	for i, conn := range sources {
		// A read transaction begins with its first read, and then sees one state.
		var tables int
		_, err := conn.ExecContext(ctx, `BEGIN`)
		if err == nil {
			err = conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master`).Scan(&tables)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", copies[i].From, ExplainFile(err))
		}
	}
	for i, c := range copies {
		if err := copyPages(ctx, sources[i], c.To); err != nil {
			return fmt.Errorf("copy %s: %w", c.From, ExplainFile(err))
		}
		if _, err := sources[i].ExecContext(ctx, `ROLLBACK`); err != nil { // the log may be reused from now on
			return fmt.Errorf("read %s: %w", c.From, ExplainFile(err))
		}
	}
	return nil
}

// openFile opens one connection to a file that may not be created.
func openFile(ctx context.Context, path string, query url.Values) (*sql.DB, *sql.Conn, error) {
	pool := sqlitePool(sqliteConnector{dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()}, 1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	return pool.DB, conn, nil
}

// copyPages copies what a connection sees into a new file, and syncs it.
func copyPages(ctx context.Context, from *sql.Conn, to string) error {
	made, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileFault(err, "cannot write the copy "+to)
	}
	defer func() { _ = made.Close() }() // SQLite writes and syncs
	pool, conn, err := openFile(ctx, to, url.Values{"mode": {"rw"}, "_synchronous": {"FULL"}})
	if err != nil {
		return err
	}
	err = conn.Raw(func(into any) error {
		return from.Raw(func(out any) error {
			backup, err := into.(*sqlite3.SQLiteConn).Backup("main", out.(*sqlite3.SQLiteConn), "main")
			if err != nil {
				return err
			}
			for isDone := false; !isDone && err == nil; {
				if err = ctx.Err(); err == nil {
					isDone, err = backup.Step(stepPages)
				}
			}
			return errors.Join(err, backup.Finish())
		})
	})
	return errors.Join(err, conn.Close(), pool.Close())
}

// CheckFile reads a whole SQLite file that nobody uses, and fails with fault.Invalid,
// saying what is wrong, when it is damaged.
func CheckFile(ctx context.Context, path string) (err error) {
	pool, conn, err := openFile(ctx, path, url.Values{"mode": {"rw"}, "_query_only": {"on"}})
	if err != nil {
		return damaged(path, err.Error())
	}
	defer func() { err = errors.Join(err, conn.Close(), pool.Close()) }()
	var found string
	if err := conn.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil || found != "ok" {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			found = err.Error()
		}
		return damaged(path, found)
	}
	var table string
	switch err := conn.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table); {
	case err == nil:
		return damaged(path, "a row of "+table+" refers to one that is not there")
	case !errors.Is(err, sql.ErrNoRows):
		return damaged(path, err.Error())
	}
	return nil
}

// ExplainFile puts what an operator must do before a failure that is about the file.
func ExplainFile(err error) error {
	if known := new(fault.Fault); errors.As(err, &known) {
		return err
	}
	if message := sqliteAdvice(err); message != "" {
		return fault.Wrap(outage{err}, fault.Unavailable, "the database "+message)
	}
	return err
}

func damaged(path, what string) error {
	return fault.Newf(fault.Invalid, "the database file %s is damaged: %s", path, strings.TrimSpace(what))
}

// RequireUnused fails with fault.Conflict when a process has the SQLite file open, and
// brings the file and its log together. A file that does not exist is nobody's.
func RequireUnused(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	pool, conn, err := openFile(ctx, path, url.Values{"mode": {"rw"}, "_busy_timeout": {"0"}})
	if err != nil {
		return fmt.Errorf("open %s: %w", path, ExplainFile(err))
	}
	defer func() { err = errors.Join(err, conn.Close(), pool.Close()) }()
	// The log can be left only when nobody else has the file open.
	var mode string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err != nil || mode != "delete" {
		return fault.Newf(fault.Conflict, "a program works with %s: stop it first", path)
	}
	return nil
}
