package database

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// Fence decides whether this process may write at all (platform/ownership).
//
//	Write ─ Known ─▶ queue ─▶ BEGIN · Check ─▶ the writes ─▶ COMMIT
//
// Check reads inside the transaction, under a lock that a change of the owner
// needs too, so that nothing changes between its answer and COMMIT. Known only
// saves the transaction: a process that has lost its ownership would otherwise
// take SQLite's write lock for each refusal, and delay the new owner.
//
// Both are called from many goroutines. An error refuses the write: Write
// returns it as it is, and nothing is written.
type Fence interface {
	// Known returns what is in memory, without waiting.
	Known() error
	// Check reads with q, at the beginning of the transaction: of each in
	// PostgreSQL, of each group in SQLite, where a refusal is for every member.
	Check(ctx context.Context, q Queryer) error
}

// SetFence sets the fence of this handle's writes; nil removes it. Running
// transactions are not checked again.
func (db *DB) SetFence(f Fence) {
	db = db.now()
	if f == nil {
		db.fence.Store(nil)
		return
	}
	db.fence.Store(&f)
}

// leftFence is a fence that knows when the data has left for another process.
type leftFence interface {
	// Left returns the refusal of who waits for something in the data, nil while it is here.
	Left() error
}

// Left fails as a write would when the data has left for another process: what this one
// has of it does not change any longer.
func (db *DB) Left() error {
	f := db.fenceNow()
	if f == nil {
		return nil
	}
	if known, ok := (*f).(leftFence); ok {
		return known.Left()
	}
	return nil
}

// known asks the fence before a write waits for its turn.
func (db *DB) known() error {
	if f := db.fence.Load(); f != nil {
		return (*f).Known()
	}
	return nil
}

// checkFence asks the fence inside the transaction that has just begun.
func (db *DB) checkFence(ctx context.Context, conn *sqlx.Conn) error {
	f := db.fence.Load()
	if f == nil {
		return nil
	}
	tx := &Tx{db: db, run: conn}
	defer func() { tx.over = true }()
	return tx.outcome((*f).Check(ctx, tx))
}

// Unfenced runs fn once, in a transaction of its own, without the fence and
// without the queue: it is for changing the owner, and for nothing else. Otherwise it is
// as Write. SQLite: fails with fault.Unavailable when another process holds
// the write lock for more than 10 s.
func (db *DB) Unfenced(ctx context.Context, fn func(tx *Tx) error) error {
	db = db.now()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to %s: %w", db.options.Module, err)
	}
	if db.dialect == Postgres {
		return db.transact(ctx, false, fn)
	}
	pool := sqlitePool(sqliteConnector{dsn: sqliteDSN(db.path, false)}, 1)
	defer func() { _ = pool.Close() }() // the outcome is known by then
	conn, err := pool.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect to write to %s: %w", db.options.Module, db.explain(ctx, err))
	}
	defer func() { _ = conn.Close() }() // back to the pool, which closes it
	if err := db.beginImmediate(ctx, conn); err != nil {
		return err
	}
	tx := &Tx{db: db, run: conn}
	err = tx.outcome(fn(tx))
	tx.over = true
	outlive := context.WithoutCancel(ctx) // the outcome of an interrupted COMMIT would be unknown
	if err == nil {
		if _, failed := conn.ExecContext(outlive, `COMMIT`); failed != nil {
			err = fmt.Errorf("commit a write to %s: %w", db.options.Module, db.explain(ctx, failed))
		}
	}
	if err != nil {
		discard(conn) // which rolls back
		return err
	}
	db.wakers.wake(tx.wakes)
	return nil
}

// Drain waits until the writes that were queued before have ended. A change of the owner
// whose fence refuses new ones then finds the write lock free; SQLite would have it wait
// in sleeps of up to 100 ms. With PostgreSQL it does nothing.
func (db *DB) Drain(ctx context.Context) {
	if db = db.now(); db.dialect == SQLite {
		_ = db.writer.write(ctx, func(*Tx) error { return nil }) // refused or not, its turn has come
	}
}

// The limits of Warm: connections, since a server has a hundred for all of its
// clients, and time.
const (
	warmMost = 8
	warmWait = time.Second
)

// Warm opens the connections that many concurrent writes are about to need, and
// checks the fence on each once, so that its statements are prepared: the writes of
// 64 callers that move here would otherwise wait for new PostgreSQL sessions.
// It is an attempt: connections that are not open by then are opened by the
// writes. With SQLite it does nothing.
func (db *DB) Warm(ctx context.Context) {
	db = db.now()
	pool := db.readers.Stats()
	most := min(warmMost, db.options.Connections)
	if db.dialect == SQLite || pool.OpenConnections >= most {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, warmWait)
	defer cancel()
	var all sync.WaitGroup
	for range most - pool.InUse { // concurrently: one after the other would reuse one connection
		all.Go(func() {
			conn, err := db.readers.Connx(ctx)
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }() // back to the pool
			defer rollBack(ctx, conn)
			_, _ = db.beginFenced(ctx, conn) // for its prepared statements; no write depends on the answer
		})
	}
	all.Wait()
}

// IsLockTimeout reports whether a statement waited longer than PostgreSQL's
// lock_timeout for a lock.
func IsLockTimeout(err error) bool { return postgresCode(err) == "55P03" }
