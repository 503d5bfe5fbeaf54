package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// Group commit: an fsync costs far more than a row, so writes that wait at the
// same time share one.
//
//	Write ──▶ queue ──▶ writer: BEGIN IMMEDIATE
//	  │                   SAVEPOINT · turn of caller 1 · RELEASE (or ROLLBACK TO)
//	  │                   SAVEPOINT · turn of caller 2 · RELEASE
//	  │                   … until no write waits, or the group is full or old
//	  ◀── answers ───── COMMIT
//
// The writer goroutine owns the connection; a caller's fn runs in the caller's
// own goroutine, during its turn, so that a panic is the caller's. No caller,
// not even one whose fn failed, gets its result before COMMIT has returned: a
// failure may depend on a row that this group has yet to commit. If the group fails as a
// whole, every member runs again alone, in a transaction of its own.
const (
	groupMost = 256                   // members
	groupAge  = 20 * time.Millisecond // no new member after this
)

// A waiting write is queued, then either taken by the writer or withdrawn by
// its caller; never both.
const (
	queued int32 = iota
	taken
	withdrawn
)

// errLeft is the result of an fn that ended by a panic or runtime.Goexit; its
// caller never sees it.
var errLeft = errors.New("the function given to Write did not return")

// turn is a message of the writer to a caller: run fn with tx or, if tx is nil,
// return err.
type turn struct {
	tx  *Tx
	err error
}

// write is one call of Write.
type write struct {
	ctx   context.Context // the caller's, for the check before its turn
	since time.Time       // when Write was called
	state atomic.Int32
	tell  chan turn  // to the caller; 1 buffered, so the writer never waits here
	ran   chan error // from the caller: how fn ended

	// The writer's own:
	tx  *Tx
	err error
}

// writer owns the one connection that writes.
type writer struct {
	db      *DB
	pool    *sqlx.DB // of one connection
	queue   chan *write
	closing chan struct{}
	ended   chan struct{}
	once    sync.Once
	counts  writerCounts
}

// startWriter starts the goroutine that close ends.
func startWriter(db *DB, pool *sqlx.DB, queue int) *writer {
	g := &writer{
		db: db, pool: pool,
		queue:   make(chan *write, queue),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go g.loop()
	return g
}

// close accepts no more writes, lets the queued ones finish and closes the connection.
func (g *writer) close() error {
	g.once.Do(func() { close(g.closing) })
	<-g.ended
	if err := g.pool.Close(); err != nil {
		return fmt.Errorf("close the writer of %s: %w", g.db.options.Module, err)
	}
	return nil
}

// write is the caller's side.
func (g *writer) write(ctx context.Context, fn func(tx *Tx) error) error {
	w := &write{ctx: ctx, since: time.Now(), tell: make(chan turn, 1), ran: make(chan error, 1)}
	if err := g.enqueue(ctx, w); err != nil {
		return err
	}
	done := ctx.Done()
	for {
		select {
		case t := <-w.tell:
			if t.tx == nil {
				return t.err
			}
			w.run(t.tx, fn)
		case <-done:
			if w.state.CompareAndSwap(queued, withdrawn) {
				g.counts.withdrawn.Add(1)
				return fmt.Errorf("write to %s, withdrawn before it began: %w", g.db.options.Module, ctx.Err())
			}
			done = nil // fn runs or has run: wait for the outcome
		case <-g.ended:
			if w.state.CompareAndSwap(queued, withdrawn) {
				return g.closed()
			}
			return (<-w.tell).err // taken, so its result is here or will be
		}
	}
}

// enqueue waits for a place in the queue.
func (g *writer) enqueue(ctx context.Context, w *write) error {
	select {
	case <-g.closing:
		return g.closed()
	default:
	}
	select {
	case g.queue <- w:
		return nil
	default:
	}
	select {
	case g.queue <- w:
		return nil
	case <-g.closing:
		return g.closed()
	case <-ctx.Done():
		g.counts.withdrawn.Add(1)
		return g.db.unavailable(ctx.Err(), "has a full queue of waiting writes: try again in a moment")
	}
}

func (g *writer) closed() error {
	return g.db.unavailable(errClosed, adviceClosed)
}

// run is the caller's turn. When fn panics or ends the goroutine, the writer
// is told, and the panic goes on only after everything is rolled back.
func (w *write) run(tx *Tx, fn func(tx *Tx) error) {
	returned := false
	defer func() {
		tx.over = true
		if !returned {
			w.ran <- errLeft
			<-w.tell // the result: fn does not run a second time after a panic
		}
	}()
	err := tx.outcome(fn(tx))
	returned = true
	w.ran <- err
}

// loop is the writer's goroutine. It ends when it is closing and the queue is empty.
func (g *writer) loop() {
	defer close(g.ended)
	for {
		select {
		case w := <-g.queue:
			g.group(w)
		case <-g.closing:
			for w := g.waiting(); w != nil; w = g.waiting() {
				g.group(w)
			}
			return
		}
	}
}

// waiting returns the next write from the queue, nil when it is empty.
func (g *writer) waiting() *write {
	select {
	case w := <-g.queue:
		return w
	default:
		return nil
	}
}

// arriving is waiting, but first lets goroutines that are ready to run queue their
// next write: measured with 64 callers, 55 members in a group instead of 34. It
// never blocks.
func (g *writer) arriving() *write {
	if w := g.waiting(); w != nil {
		return w
	}
	runtime.Gosched()
	return g.waiting()
}

// group runs one group, from first on.
func (g *writer) group(first *write) {
	// The connection is not bound to any caller's context.
	ctx := context.Background()
	conn, err := g.begin(ctx)
	if err != nil {
		g.refuse(first, err)
		return
	}
	defer func() { _ = conn.Close() }() // back to the pool, never closed here
	var members []*write
	whole := true
	begun := time.Now()
	for w := first; w != nil; w = g.arriving() {
		if !w.state.CompareAndSwap(queued, taken) {
			continue
		}
		members = append(members, w)
		if whole = g.member(ctx, conn, w); !whole {
			break
		}
		if len(members) == groupMost || time.Since(begun) > groupAge {
			break
		}
	}
	g.counts.groups.Add(1)
	g.counts.sizes.observe(len(members))
	if whole {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if whole && err == nil {
		for _, w := range members {
			g.answer(w)
		}
		return
	}
	g.endTransaction(ctx, conn)
	g.counts.regrouped.Add(1)
	for _, w := range members {
		g.alone(ctx, conn, w)
	}
}

// begin takes the connection and the write lock, and asks the fence.
func (g *writer) begin(ctx context.Context) (*sqlx.Conn, error) {
	conn, err := g.pool.Connx(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to write to %s: %w", g.db.options.Module, g.db.explain(ctx, err))
	}
	if err := g.db.beginImmediate(ctx, conn); err != nil {
		_ = conn.Close() // back to the pool
		return nil, err
	}
	if err := g.db.checkFence(ctx, conn); err != nil {
		g.endTransaction(ctx, conn)
		_ = conn.Close() // back to the pool
		return nil, err
	}
	return conn, nil
}

// refuse fails every write that waits now: each would wait for the same lock in
// vain. Each write that is taken from the queue gets a result: the caller of one
// that is dropped here would wait until its ctx ends, or for ever.
func (g *writer) refuse(first *write, err error) {
	waiting := len(g.queue)
	for w := first; w != nil; waiting-- {
		if w.state.CompareAndSwap(queued, taken) {
			w.err = err
			g.answer(w)
		}
		if waiting <= 0 {
			return
		}
		w = g.waiting()
	}
}

// member runs w as a member of the group. It returns false when the whole
// transaction is lost.
func (g *writer) member(ctx context.Context, conn *sqlx.Conn, w *write) bool {
	if w.err = w.ctx.Err(); w.err != nil {
		g.counts.withdrawn.Add(1)
		w.err = fmt.Errorf("write to %s, withdrawn before it began: %w", g.db.options.Module, w.err)
		return true
	}
	if _, err := conn.ExecContext(ctx, `SAVEPOINT member`); err != nil {
		return false
	}
	g.counts.waits.Observe(time.Since(w.since))
	g.runTurn(conn, w)
	// When SQLite has ended the transaction by itself (a full disk, RAISE(ROLLBACK)),
	// the savepoint is gone too, and both statements below fail.
	if w.err != nil {
		if _, err := conn.ExecContext(ctx, `ROLLBACK TO member`); err != nil {
			return false
		}
	}
	_, err := conn.ExecContext(ctx, `RELEASE member`)
	return err == nil
}

// runTurn lets the caller run fn and waits until it has.
func (g *writer) runTurn(conn *sqlx.Conn, w *write) {
	w.tx = &Tx{db: g.db, run: conn}
	since := time.Now()
	g.counts.turnSince.Store(&since)
	w.tell <- turn{tx: w.tx}
	w.err = <-w.ran
	g.counts.turnSince.Store(nil)
}

// alone runs w again in a transaction of its own and sends its result.
func (g *writer) alone(ctx context.Context, conn *sqlx.Conn, w *write) {
	defer g.answer(w)
	if errors.Is(w.err, errLeft) {
		return // it is panicking: fn must not run again
	}
	if err := w.ctx.Err(); err != nil {
		w.err = fmt.Errorf("write to %s, rolled back: %w", g.db.options.Module, err)
		return
	}
	if w.err = g.db.beginImmediate(ctx, conn); w.err != nil {
		return
	}
	if w.err = g.db.checkFence(ctx, conn); w.err == nil {
		g.runTurn(conn, w)
	}
	if w.err == nil {
		if _, err := conn.ExecContext(ctx, `COMMIT`); err != nil {
			w.err = fmt.Errorf("commit a write to %s: %w", g.db.options.Module, g.db.explain(ctx, err))
		}
	}
	if w.err != nil {
		g.endTransaction(ctx, conn)
	}
}

// endTransaction rolls back what SQLite has not rolled back itself. If even
// that fails the connection is thrown away, which rolls back too.
func (g *writer) endTransaction(ctx context.Context, conn *sqlx.Conn) {
	if !inTransaction(conn) {
		return
	}
	if _, err := conn.ExecContext(ctx, `ROLLBACK`); err != nil {
		g.counts.discarded.Add(1)
		discard(conn)
	}
}

// answer sends w its result; after a commit it also wakes the listeners.
func (g *writer) answer(w *write) {
	if w.err == nil {
		g.counts.written.Add(1)
		g.db.wakers.wake(w.tx.wakes)
	}
	w.tell <- turn{err: w.err}
}
