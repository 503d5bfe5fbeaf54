package database

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
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
	// When ctx ends, the statement is cancelled in the server, so that it neither
	// runs on nor holds its locks; if the server does not react within cancelWait,
	// the connection is closed.
	cancelDelay = 5 * time.Millisecond
	cancelWait  = time.Second
)

// openPostgres connects with the schema as the only one on the search path.
// pgx keeps prepared statements per connection by itself.
func (db *DB) openPostgres(ctx context.Context) error {
	config, err := pgx.ParseConfig(db.options.URL)
	if err != nil {
		// pgx masks the password in this error.
		return fault.Wrap(err, fault.Invalid, "the database URL of "+db.options.Module+" is not a PostgreSQL URL: use postgres://user:password@host:5432/name")
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{db.options.Schema}.Sanitize()
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "banyan " + db.options.Module
	}
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{
			Conn: conn, CancelRequestDelay: cancelDelay, DeadlineDelay: cancelWait,
		}
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(db.options.Connections)
	pool.SetMaxIdleConns(db.options.Connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db.readers = sqlx.NewDb(pool, "pgx")
	if err := db.Ping(ctx); err != nil {
		_ = pool.Close() // the first error is returned
		return fmt.Errorf("open the database of %s: %w", db.options.Module, err)
	}
	return nil
}

// writePostgres runs fn in a transaction, and again after a deadlock or a
// serialization failure.
func (db *DB) writePostgres(ctx context.Context, fn func(tx *Tx) error) error {
	for run := 0; ; run++ {
		err := db.transact(ctx, true, fn)
		code := postgresCode(err)
		if run == postgresRetries || (code != "40001" && code != "40P01") {
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
	conn, err := db.readers.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect to write to %s: %w", db.options.Module, db.explain(ctx, err))
	}
	open := false
	defer func() {
		if open {
			rollBack(ctx, conn)
		}
		_ = conn.Close() // back to the pool; a broken one was discarded already
	}()
	open = true // even if BEGIN fails, it may have begun
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return fmt.Errorf("begin to write to %s: %w", db.options.Module, db.explain(ctx, err))
	}
	if fenced {
		if err := db.checkFence(ctx, conn); err != nil {
			return err
		}
	}
	tx := &Tx{db: db, run: conn}
	defer func() { tx.over = true }()
	if err := tx.outcome(fn(tx)); err != nil {
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

// rollBack ends the transaction, or the connection when that fails.
func rollBack(ctx context.Context, conn *sqlx.Conn) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	if _, err := conn.ExecContext(bounded, `ROLLBACK`); err == nil {
		return
	}
	discard(conn)
}
