package seam

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadline is a context with a deadline that costs next to nothing until
// somebody asks whether it has ended: most calls answer from memory and never
// do, and a timer with its place among the parent's children is a microsecond.
//
//	         Done, Err                     cancel
//	unasked ───────────▶ asked: a context ───────▶ ended
//	   └─────────────────── cancel ──────────────────▲
type deadline struct {
	context.Context // the parent
	at              time.Time

	asked  atomic.Pointer[context.Context] // of context.WithDeadline
	mu     sync.Mutex                      // held to ask and to end
	cancel context.CancelFunc              // of asked
	ended  bool
}

// withTimeout is context.WithTimeout for contexts that few ask. Only a first
// question after the end can tell them apart: where there were two reasons, the
// error may be the later one's.
func withTimeout(parent context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithTimeout(parent, timeout)
	}
	d := &deadline{Context: parent, at: time.Now().Add(timeout)}
	if earlier, ok := parent.Deadline(); ok && earlier.Before(d.at) {
		d.at = earlier
	}
	return d, d.end
}

// Deadline needs no timer.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} { return d.ask().Done() }

// Err implements context.Context.
func (d *deadline) Err() error { return d.ask().Err() }

// Value asks the context that Done has made, if it has: a child finds its
// place there, and needs no goroutine to hear of the end.
func (d *deadline) Value(key any) any {
	if asked := d.asked.Load(); asked != nil {
		return (*asked).Value(key)
	}
	return d.Context.Value(key)
}

func (d *deadline) ask() context.Context {
	if asked := d.asked.Load(); asked != nil {
		return *asked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if asked := d.asked.Load(); asked != nil {
		return *asked
	}
	var ctx context.Context
	if d.ended {
		ctx, d.cancel = context.WithCancel(d.Context)
		d.cancel()
	} else {
		ctx, d.cancel = context.WithDeadline(d.Context, d.at)
	}
	d.asked.Store(&ctx)
	return ctx
}

// end is the context.CancelFunc.
func (d *deadline) end() {
	d.mu.Lock()
	d.ended = true
	cancel := d.cancel
	d.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
