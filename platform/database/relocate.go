package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"banyan/platform/fault"
)

// relocation is where the rows of a handle are, when not where it was opened.
type relocation struct {
	mu     sync.Mutex
	former []*DB // left, oldest first; nil = the handle's own connections
}

// formerMost is how many databases that were left stay open: reads that began there
// end there.
const formerMost = 2

// Relocate has this handle lead to next from now on, which has the same rows: reads
// and writes that begin later go there, and those that are running end where they
// began. next, which may be nil for the database that the handle was opened with, is
// closed with this handle; nobody else uses it. The caller sees that nobody writes
// meanwhile: the fence, which is next's afterwards.
func (db *DB) Relocate(next *DB) error {
	db.relocation.mu.Lock()
	defer db.relocation.mu.Unlock()
	left := db.led.Load()
	if next != nil {
		next.wakers = db.wakers
	}
	now := next
	if now == nil {
		now = db
	}
	now.fence.Store(db.fenceNow())
	db.led.Store(next)
	if left != nil {
		left.readers.SetMaxIdleConns(0)
	}
	db.relocation.former = append(db.relocation.former, left)
	var err error
	if len(db.relocation.former) > formerMost {
		if oldest := db.relocation.former[0]; oldest != nil {
			err = oldest.closeOwn()
		}
		db.relocation.former = db.relocation.former[1:]
	}
	return err
}

// now is the database that has the rows.
func (db *DB) now() *DB {
	if led := db.led.Load(); led != nil {
		return led
	}
	return db
}

func (db *DB) fenceNow() *Fence { return db.now().fence.Load() }

// Home is the database that the handle was opened with, which is not where its rows
// are while it leads to another: for moving them back. nil while they are there.
func (db *DB) Home() *Options {
	if db.led.Load() == nil {
		return nil
	}
	return &db.options
}

// Held is a refusal of a fence that lasts for a moment, while the data is being moved:
// Write waits until Over is closed and asks again, wherever the rows are then.
type Held struct {
	Over  <-chan struct{}
	Cause error // what the caller gets when it lasts too long
}

// Error implements error.
func (h *Held) Error() string { return h.Cause.Error() }

// Unwrap returns the cause.
func (h *Held) Unwrap() error { return h.Cause }

// heldMost is how long a write waits for one that is held.
const heldMost = 30 * time.Second

// writeHeld writes, and waits where the fence holds writes.
func (db *DB) writeHeld(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.pace.wait(ctx, db.options.Module); err != nil {
		return err
	}
	return db.whileHeld(ctx, func() error { return db.now().write(ctx, fn) })
}

// Admit waits while the fence holds writes, and fails as a write would that began now, for
// what reads much before it writes.
func (db *DB) Admit(ctx context.Context) error {
	return db.whileHeld(ctx, func() error { return db.now().known() })
}

// whileHeld repeats what the fence holds.
func (db *DB) whileHeld(ctx context.Context, do func() error) error {
	var waiting context.Context
	for {
		err := do()
		var held *Held
		if !errors.As(err, &held) {
			return err
		}
		if waiting == nil {
			var cancel context.CancelFunc
			waiting, cancel = context.WithTimeout(ctx, heldMost)
			defer cancel()
		}
		select {
		case <-held.Over:
		case <-waiting.Done():
		}
		if waiting.Err() != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("write to %s while its data is being moved: %w", db.options.Module, ctx.Err())
			}
			return fault.Wrap(held.Cause, fault.Unavailable, "the data of "+db.options.Module+" is being moved, and that takes longer than a write waits: send it again with the same idempotency key")
		}
	}
}
