package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jmoiron/sqlx"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

const (
	// postgresRetries is how often a write runs again after a deadlock or a
	// serialization failure.
	postgresRetries = 3
	// commitWait bounds COMMIT and ROLLBACK, which do not end with the caller:
	// the outcome of a COMMIT that is interrupted would be unknown.
	commitWait = 30 * time.Second
	// readOnly is the SQLSTATE of a write to a standby or to a read-only role.
	readOnly = "25006"
)

// begin starts a transaction; postgresConn adds the search path where it must.
const begin = `BEGIN`

// openPostgres connects with the schema as the only one on the search path, and
// finds out whether it goes through a pooler (pooler.go). Otherwise pgx keeps
// prepared statements per connection by itself.
func (db *DB) openPostgres(ctx context.Context) error {
	config, err := db.postgresConfig()
	if err != nil {
		return err
	}
	path := pgx.Identifier{db.options.Schema}.Sanitize()
	config.RuntimeParams["search_path"] = path
	db.readers = db.postgresPool(*config, "")
	pooler, err := db.throughPooler(ctx, path)
	if pooler {
		_ = db.readers.Close() // it has only asked
		err = db.openPooler(ctx, *config, path)
	}
	if err != nil {
		_ = db.readers.Close() // the error that counts is the first
		return fmt.Errorf("open the database of %s: %w", db.options.Module, db.explain(ctx, err))
	}
	return nil
}

// CheckURL fails as Open does for a PostgreSQL URL that cannot work, without
// connecting.
func CheckURL(options Options) error {
	db, err := newDB(options)
	if err != nil {
		return err
	}
	_, err = db.postgresConfig()
	return err
}

// postgresConfig reads the URL. Its errors never hold a password.
func (db *DB) postgresConfig() (*pgx.ConnConfig, error) {
	module := db.options.Module
	config, err := pgx.ParseConfig(db.options.URL)
	if err != nil {
		if _, unreadable := url.Parse(db.options.URL); unreadable != nil {
			// Its text quotes what it stumbled over, which may be the password.
			return nil, fault.Newf(fault.Invalid, "the database URL of %s cannot be read: in a password, write each of # / ? %% @ : as %%23 %%2F %%3F %%25 %%40 %%3A, "+
				"or put the password into database.password, where it stands as it is", module)
		}
		// pgx does not mask a password among the URL's parameters.
		_, masked := pgx.ParseConfig(URL(db.options.URL).String())
		return nil, fault.Wrap(masked, fault.Invalid, "the database URL of "+module+" is not a PostgreSQL URL: use postgres://user:password@host:5432/name")
	}
	if config.RuntimeParams["search_path"] != "" || strings.Contains(config.RuntimeParams["options"], "search_path") {
		return nil, fault.Newf(fault.Invalid, "the database URL of %s (or PGOPTIONS) sets search_path, but each module keeps its rows in a schema of its own, named after the module: take search_path out", module)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "banyan " + module
	}
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &canceller{conn: conn}
	}
	return config, nil
}

// writePostgres runs fn in a transaction, again when PostgreSQL asks for it, and
// once more elsewhere when its server turns out to be read-only, as one that was
// the primary until now is.
func (db *DB) writePostgres(ctx context.Context, fn func(tx *Tx) error) error {
	moved := false
	for run := 0; ; run++ {
		err := db.transact(ctx, true, fn)
		code := postgresCode(err)
		if code == readOnly && !moved {
			moved = true
			db.dropIdle()
			continue
		}
		if run >= postgresRetries || (code != "40001" && code != "40P01") {
			return err
		}
		// Random, so that the writes do not conflict again: 0–20, 0–40, 0–80 ms.
		pause := rand.N(20 * time.Millisecond << run) //nolint:gosec // no secret: only spreads the retries
		if err := periodic.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("write to %s: %w", db.options.Module, err)
		}
	}
}

// transact runs fn once, in one transaction. However fn ends, also by a panic,
// the connection returns to the pool without a transaction or not at all.
func (db *DB) transact(ctx context.Context, fenced bool, fn func(tx *Tx) error) error {
	conn, refused, err := db.beginPostgres(ctx, fenced)
	if err != nil {
		return err
	}
	open, usable := true, true
	defer func() {
		if open && usable {
			rollBack(ctx, conn)
		} else if open {
			discard(conn)
		}
		_ = conn.Close() // back to the pool; a broken one was discarded already
	}()
	if refused != nil {
		return refused
	}
	tx := &Tx{db: db, run: conn}
	defer func() { tx.over = true }()
	err = tx.outcome(fn(tx))
	usable = postgresCode(err) != readOnly && postgresCode(tx.failed) != readOnly
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	if _, err := conn.ExecContext(bounded, `COMMIT`); err != nil {
		if postgresCode(err) == "" {
			return db.unavailable(err,
				"lost its connection during a commit, so the write may or may not be stored: check, or send it again with the same idempotency key")
		}
		return fmt.Errorf("commit a write to %s: %w", db.options.Module, db.explain(ctx, err))
	}
	open = false
	db.wakers.wake(tx.wakes)
	return nil
}

// beginPostgres takes a connection and begins a transaction on it, in which the fence may
// refuse the write. One that was lost while nobody used it is thrown away with all that
// nobody uses, since a server that ended one session has ended the others, and BEGIN is
// sent again.
func (db *DB) beginPostgres(ctx context.Context, fenced bool) (conn *sqlx.Conn, refused, err error) {
	for run := 0; ; run++ {
		conn, err := db.readers.Connx(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("connect to write to %s: %w", db.options.Module, db.explain(ctx, err))
		}
		var refused error
		if fenced {
			err, refused = db.beginFenced(ctx, conn)
		} else {
			_, err = conn.ExecContext(ctx, begin)
		}
		if err == nil {
			return conn, refused, nil
		}
		if !errors.Is(err, driver.ErrBadConn) {
			rollBack(ctx, conn) // whatever came of it, it may have begun
		}
		_ = conn.Close() // back to the pool; a broken one was thrown away already
		if !errors.Is(err, driver.ErrBadConn) || run == postgresRetries {
			return nil, nil, fmt.Errorf("begin to write to %s: %w", db.options.Module, db.explain(ctx, err))
		}
		db.dropIdle()
	}
}

// rollBack ends the transaction, or the connection when that fails.
func rollBack(ctx context.Context, conn *sqlx.Conn) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	if _, err := conn.ExecContext(bounded, `ROLLBACK`); err == nil {
		return
	}
	discard(conn)
}
