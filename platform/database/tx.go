package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Tx is the transaction inside Write. It belongs to the goroutine that fn runs
// in and ends with fn.
type Tx struct {
	db     *DB
	run    statements
	failed error    // the first failed statement; sticky
	over   bool     // fn has returned
	wakes  []string // names to wake after COMMIT
}

// errOver reports a defect of the caller: it used the transaction after fn
// returned.
var errOver = errors.New("the transaction has ended: use tx only inside the function given to Write")

// Dialect returns the kind of database.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// Now returns the time of the database's clock in UTC, truncated to the
// millisecond that is stored.
func (tx *Tx) Now() time.Time { return tx.db.options.Clock().UTC().Truncate(time.Millisecond) }

// Exec runs a statement and returns the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	var changed int64
	err := tx.statement(ctx, func(ctx context.Context) error {
		result, err := tx.run.ExecContext(ctx, tx.db.rebind(query), args...)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// Get reads one row, this transaction's own writes included; see Queryer.
func (tx *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	return tx.statement(ctx, func(ctx context.Context) error {
		return tx.run.GetContext(ctx, dest, tx.db.rebind(query), args...)
	})
}

// Select reads all rows, this transaction's own writes included; see Queryer.
func (tx *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	return tx.statement(ctx, func(ctx context.Context) error {
		return tx.run.SelectContext(ctx, dest, tx.db.rebind(query), args...)
	})
}

// Lock makes writers that lock the same name wait for each other until their
// transactions end. Call it before reading what the write depends on. SQLite has
// one writer, so there it does nothing.
func (tx *Tx) Lock(ctx context.Context, name string) error {
	if tx.db.dialect == SQLite {
		return nil
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, tx.db.options.Schema+"/"+name)
	return err
}

// Wake wakes the listeners to name (DB.Listen) when this transaction is
// committed, and not if it is rolled back.
func (tx *Tx) Wake(name string) { tx.wakes = append(tx.wakes, name) }

// statement runs one statement unless the transaction is over, and remembers
// the first failure. That a query finds no row is not a failure.
func (tx *Tx) statement(ctx context.Context, run func(ctx context.Context) error) error {
	switch {
	case tx.over:
		return errOver
	case tx.failed != nil:
		return tx.failed
	}
	if err := ctx.Err(); err != nil {
		tx.failed = fmt.Errorf("write to %s: %w", tx.db.options.Module, err)
		return tx.failed
	}
	if tx.db.dialect == SQLite {
		// An interrupted statement would roll back the whole group.
		ctx = context.WithoutCancel(ctx)
	}
	err := run(ctx)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	tx.failed = tx.db.explain(ctx, err)
	return tx.failed
}

// outcome returns the result of a run of fn: fn's error, or the failure of
// a statement that fn did not pass on.
func (tx *Tx) outcome(err error) error {
	if err == nil {
		return tx.failed
	}
	return err
}
