package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/periodic"
)

// How SQLite's write lock is waited for when another process, or another
// connection, has it. SQLite's own waiting starts with pauses of 1, 2, 5 and 10
// milliseconds and goes up to 100: it would make each hand-over between two
// processes last that long, and starve beside one that writes group after group,
// which leaves the lock free for tens of microseconds between two of them.
const (
	beginWait  = busyMilliseconds * time.Millisecond
	beginPause = 100 * time.Microsecond
	beginSoon  = 50 * time.Millisecond // after this the other transaction is a long one
	beginLater = 2 * time.Millisecond
)

// beginImmediate executes BEGIN IMMEDIATE as soon as no other writer has the lock.
// It fails with fault.Unavailable after beginWait.
func (db *DB) beginImmediate(ctx context.Context, conn *sqlx.Conn) error {
	// The connection waits for no other lock: those of opening are behind it.
	_, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = 0`)
	for since := time.Now(); err == nil; {
		// A statement that a context interrupts may have begun all the same; with a
		// busy_timeout of 0 there is nothing to interrupt.
		_, err = conn.ExecContext(context.WithoutCancel(ctx), `BEGIN IMMEDIATE`)
		if err == nil {
			return nil
		}
		var lite sqlite3.Error
		waited := time.Since(since)
		if !errors.As(err, &lite) || lite.Code != sqlite3.ErrBusy || waited > beginWait {
			break
		}
		pause := beginPause
		if waited > beginSoon {
			pause = beginLater
		}
		err = periodic.Sleep(ctx, pause)
	}
	return fmt.Errorf("begin to write to %s: %w", db.options.Module, db.explain(ctx, err))
}
