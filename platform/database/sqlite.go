package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/fault"
)

// busyMilliseconds is how long a statement waits for another process that
// writes to the same file.
const busyMilliseconds = 10_000

// walBytes is the size to which SQLite truncates the write-ahead log when it
// reuses it.
const walBytes = 64 << 20

// checkpointPages is how many pages the write-ahead log has when a commit copies them
// into the database: 32 MB. With SQLite's own 1,000, which is eight times as often, 64
// callers write a third less, and whoever copies the files of a running program is
// more often between the two files when the log begins again.
const checkpointPages = 8192

// sqliteConnector opens connections with one DSN. It replaces the
// registered driver, which would be a global variable.
type sqliteConnector struct {
	dsn string
}

// Connect opens one connection.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(c.dsn)
}

// Driver returns mattn's driver. The DSN has no parameter for the limit on the
// write-ahead log, which would otherwise stay as large as the largest import made it,
// and none for temporary files.
func (c sqliteConnector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		// The triggers that note what a move has to copy must see the rows that REPLACE
		// deletes.
		pragmas := `PRAGMA recursive_triggers = ON; PRAGMA journal_size_limit = ` + strconv.Itoa(walBytes) +
			`; PRAGMA wal_autocheckpoint = ` + strconv.Itoa(checkpointPages)
		if !hasTemporaryFolder(temporaryFolders()) {
			pragmas += `; PRAGMA temp_store = MEMORY`
		}
		_, err := conn.Exec(pragmas, nil)
		return err
	}}
}

// sqliteDSN returns the DSN of a file, the same for every connection but for
// query_only.
// synchronous=FULL is set on each because the driver's default in WAL mode is
// NORMAL, which loses acknowledged writes when the power fails.
func sqliteDSN(path string, readOnly bool) string {
	pragmas := url.Values{
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"},
		"_foreign_keys":    {"on"},
		"_busy_timeout":    {strconv.Itoa(busyMilliseconds)},
		"_txlock":          {"immediate"},
		"_stmt_cache_size": {"256"}, // per connection, least recently used are evicted first
	}
	if readOnly {
		pragmas.Set("_query_only", "on")
		pragmas.Set("_txlock", "deferred") // a snapshot takes no write lock
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	return "file:" + escaped + "?" + pragmas.Encode()
}

// sqlitePool opens at most size connections to a file, and keeps them: the last
// one to close would checkpoint and delete the WAL.
func sqlitePool(connector driver.Connector, size int) *sqlx.DB {
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxLifetime(0)
	pool.SetConnMaxIdleTime(0)
	return sqlx.NewDb(pool, "sqlite3")
}

// sqlitePath is the file's absolute path.
func sqlitePath(options Options) (string, error) {
	folder := strings.TrimPrefix(strings.TrimPrefix(options.URL, "sqlite:"), "//")
	if folder == "" {
		return "", fault.Newf(fault.Invalid, "the database URL of %s has no folder: use sqlite:./data", options.Module)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	return filepath.Join(folder, options.Module+".db"), nil
}

// openSQLite opens the file under its lock, so that two processes that start
// together do not both switch a new file to WAL.
func (db *DB) openSQLite(ctx context.Context) error {
	path, err := sqlitePath(db.options)
	if err != nil {
		return err
	}
	db.path = path
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fileFault(err, "cannot create the data folder "+folder)
	}
	unlock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	// SQLite would make the file with 0644. An existing file is not opened here:
	// closing it again would drop the locks that SQLite holds in this process.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case err == nil:
		err = file.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return fileFault(err, "cannot create the database file "+path)
	}
	pool := sqlitePool(sqliteConnector{dsn: sqliteDSN(path, false)}, 1)
	var mode string
	if err := pool.GetContext(ctx, &mode, `PRAGMA journal_mode`); err != nil {
		_ = pool.Close() // the first error is returned
		return fmt.Errorf("open %s: %w", path, db.explain(ctx, err))
	}
	if mode != "wal" {
		_ = pool.Close() // likewise
		return fault.Newf(fault.Unavailable,
			"%s cannot use a write-ahead log (its journal is %q): set data to a folder on a local disk, not on a network share", path, mode)
	}
	db.reads = newOpenReads()
	db.readers = sqlitePool(readConnector{sqliteConnector{dsn: sqliteDSN(path, true)}, db.reads}, db.options.Readers)
	db.writer = startWriter(db, pool, db.options.Queue)
	return nil
}

// inTransaction reports whether the connection still has a transaction: SQLite
// ends it by itself on a full disk or RAISE(ROLLBACK).
func inTransaction(conn *sqlx.Conn) bool {
	open := false
	err := conn.Raw(func(driverConn any) error {
		lite, ok := driverConn.(*sqlite3.SQLiteConn)
		open = ok && !lite.AutoCommit()
		return nil
	})
	return err == nil && open
}
