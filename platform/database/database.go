// Package database stores the rows of a module: one small API over
// SQLite (a file per module) and PostgreSQL (a schema per module), so that a
// module's SQL is written once.
//
//	db, err := database.Open(ctx, database.Options{Module: "airdrop", URL: "sqlite:./data", Migrations: migrations.FS})
//	err = db.Migrate(ctx)
//	err = db.Write(ctx, func(tx *database.Tx) error {
//		_, err := tx.Exec(ctx, `INSERT INTO campaign (id, title) VALUES (?, ?)`, id, title)
//		return err
//	})
//	err = db.Read().Get(ctx, &title, `SELECT title FROM campaign WHERE id = ?`, id)
//
// Reading order: database.go, reading.go, tx.go; group.go is SQLite's writer,
// postgres.go the other one; fence.go refuses writes of a process that is not the
// owner; migrate.go and status.go are about the schema; stats.go and metrics.go
// report on the writer and the connections.
//
// What holds on both:
//
//   - Write returned nil: the write is on disk. Write returned an error: nothing
//     of it is kept, with one exception that its error names (PostgreSQL, when
//     the connection is lost during COMMIT).
//   - fn may run more than once, so it does nothing but use tx and set variables
//     that it sets again on the next run. It never calls Write (one writer: that
//     would wait for itself).
//   - After a failed statement the transaction is over: further statements return
//     the same error, and Write fails even if fn returns nil. Use ON CONFLICT
//     where a conflict is expected; that is not a failure.
//   - Placeholders are ?; times are UTC milliseconds; amounts are decimal TEXT.
package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"banyan/platform/fault"
)

// Dialect names the database behind a DB, and the folder of its migrations.
type Dialect string

// The two dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Options say which database to open.
type Options struct {
	// Module is the module's name as in configuration ("exchange-review"): the
	// name of the SQLite file and of the folder of migrations.
	Module string
	// URL is "sqlite:<folder>" (the file <Module>.db in it) or "postgres://…".
	URL string
	// Schema is the PostgreSQL schema; empty = Module with "-" as "_".
	Schema string
	// Readers is the number of SQLite reading connections; 0 = 8.
	Readers int
	// Connections is the most PostgreSQL connections; 0 = 16, and at least 2,
	// because a migration holds one for its lock.
	Connections int
	// Migrations holds <set>/<dialect>/NNNNN_name.sql.
	Migrations fs.FS
	// Sets are the folders of Migrations that are applied to this database, in order;
	// nil = the shared sets "events", "ownership", "once" and "jobs", and the module's own.
	Sets []string
	// Queue is how many SQLite writes may wait for the writer; 0 = 1,024.
	Queue int
	// Clock is what Tx.Now reads; nil = time.Now.
	Clock func() time.Time
}

// DB is one module's database. It is safe for concurrent use.
type DB struct {
	options Options
	dialect Dialect
	readers *sqlx.DB
	writer  *writer    // SQLite only
	path    string     // SQLite only: the file
	reads   *openReads // SQLite only
	wakers  *wakers
	fence   atomic.Pointer[Fence]

	led        atomic.Pointer[DB] // the database that has the rows; nil = this one (relocate.go)
	relocation relocation
	pace       pace // of the writes of this handle, see Pace
}

// moduleName matches what may become a file and a schema name.
var moduleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,50}$`)

// Open opens the database and, for SQLite, makes its folder (0700) and its
// file (0600). It changes no schema: call Migrate. Close it when done.
//
// Fails with fault.Invalid for options that cannot work and fault.Unavailable
// when the database cannot be reached.
func Open(ctx context.Context, options Options) (*DB, error) {
	db, err := newDB(options)
	if err != nil {
		return nil, err
	}
	open := db.openSQLite
	if db.dialect == Postgres {
		open = db.openPostgres
	}
	if err := open(ctx); err != nil {
		return nil, err
	}
	return db, nil
}

// newDB checks the options and fills in the defaults; it opens nothing.
func newDB(options Options) (*DB, error) {
	if !moduleName.MatchString(options.Module) {
		return nil, fault.Newf(fault.Invalid, "%q cannot be the name of a database: use lower-case letters, digits, - and _", options.Module)
	}
	if options.Schema == "" {
		options.Schema = strings.ReplaceAll(options.Module, "-", "_")
	}
	if options.Sets == nil {
		options.Sets = []string{"events", "ownership", "once", "jobs", options.Module}
	}
	options.Readers = orDefault(options.Readers, 8)
	options.Connections = max(orDefault(options.Connections, 16), 2)
	options.Queue = orDefault(options.Queue, 1024)
	if options.Clock == nil {
		options.Clock = time.Now
	}
	db := &DB{options: options, wakers: new(wakers)}
	switch {
	case strings.HasPrefix(options.URL, "sqlite:"):
		db.dialect = SQLite
	case strings.HasPrefix(options.URL, "postgres://"), strings.HasPrefix(options.URL, "postgresql://"):
		db.dialect = Postgres
	default:
		// The URL may hold a password, so the message does not repeat it.
		return nil, fault.Newf(fault.Invalid,
			"the database URL of %s starts with neither sqlite: nor postgres:// : use sqlite:./data for a folder of files", options.Module)
	}
	return db, nil
}

func orDefault(n, standard int) int {
	if n > 0 {
		return n
	}
	return standard
}

// Dialect returns the kind of database, for the rare statement that differs.
func (db *DB) Dialect() Dialect { return db.now().dialect }

// Module returns the name the database was opened with.
func (db *DB) Module() string { return db.options.Module }

// Options returns what the database was opened with, defaults filled in, so that
// a second handle on the same database can be opened. The URL may hold a password.
func (db *DB) Options() Options { return db.now().options }

// Path is the SQLite file; empty for PostgreSQL.
func (db *DB) Path() string { return db.now().path }

// Ping reports whether the database answers and, for PostgreSQL, takes writes: a
// standby, and a server that was the primary until now, do not.
func (db *DB) Ping(ctx context.Context) error { return db.now().ping(ctx) }

func (db *DB) ping(ctx context.Context) error {
	if db.dialect == SQLite {
		var one int
		return db.Read().Get(ctx, &one, `SELECT 1`)
	}
	refuses := func() (bool, error) {
		var state string
		err := db.Read().Get(ctx, &state, `SELECT current_setting('transaction_read_only')`)
		return state == "on", err
	}
	is, err := refuses()
	if is && err == nil {
		db.dropIdle() // a new connection may find the primary
		is, err = refuses()
	}
	if is && err == nil {
		return db.unavailable(errReadOnly, adviceReadOnly)
	}
	return err
}

// Write runs fn in a transaction and returns when it is on disk; see the
// package comment for what fn may do. An error of fn is returned as it is, and
// rolls back fn's own writes only. A panic in fn rolls back and continues in the
// caller's goroutine.
//
// SQLite: concurrent calls share one transaction, each in a savepoint (group
// commit, see group.go). A ctx that ends while the call waits withdraws it; once
// fn runs, ctx is checked between statements, never in the middle of one.
// PostgreSQL: a transaction of its own (READ COMMITTED; see Tx.Lock for
// read-then-write), run again up to three times after a deadlock or a
// serialization failure.
//
// Faults: Unavailable (queue full until ctx ended, disk full, connection lost,
// closed …: the message says what to do), those of ctx, and what the fence
// refuses with (fence.go). While the data is moved to another database, it waits for
// up to 30 s (relocate.go).
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to %s: %w", db.options.Module, err)
	}
	return db.writeHeld(ctx, fn)
}

func (db *DB) write(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.known(); err != nil {
		return err
	}
	if db.dialect == SQLite {
		return db.writer.write(ctx, fn)
	}
	return db.writePostgres(ctx, fn)
}

// Close lets the writes that wait finish, then closes every connection.
// Later calls fail with fault.Unavailable.
func (db *DB) Close() error {
	db.relocation.mu.Lock()
	defer db.relocation.mu.Unlock()
	var all []error
	for _, one := range append(db.relocation.former, db.led.Load()) {
		if one != nil {
			all = append(all, one.closeOwn())
		}
	}
	db.relocation.former = nil
	return errors.Join(append(all, db.closeOwn())...)
}

func (db *DB) closeOwn() error {
	var writerErr error
	if db.writer != nil {
		writerErr = db.writer.close()
	}
	if err := db.readers.Close(); err != nil {
		return fmt.Errorf("close the database of %s: %w", db.options.Module, err)
	}
	return writerErr
}
