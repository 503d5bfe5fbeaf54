package seam

import (
	"context"
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
	context.Context               // the parent
	at              time.Duration // by clock
	limit           time.Duration // this process's own time-out, 0 = the deadline is the caller's; see limit.go
	asked           atomic.Pointer[askedDeadline]
}

// askedDeadline is what Done and Err ask; it is empty when the deadline was
// ended before.
type askedDeadline struct {
	context.Context
	cancel context.CancelFunc
}

var endedUnasked = new(askedDeadline)

// longestTimeout keeps the sum with clock within a time.Duration, 292 years.
const longestTimeout = 100 * 365 * 24 * time.Hour

// withTimeout is context.WithTimeout for contexts that few ask; end is its
// CancelFunc. Only a first question after the end can tell them apart: where
// there were two reasons, the error may be the later one's.
func withTimeout(parent context.Context, timeout time.Duration) *deadline {
	d := &deadline{Context: parent, at: clock() + min(timeout, longestTimeout)}
	if earlier, ok := parent.Deadline(); ok {
		d.at = min(d.at, earlier.Sub(processStart))
	}
	return d
}

// ours says that the deadline is this process's own limit, unless an earlier one
// came from the parent.
func (d *deadline) ours(limit time.Duration) *deadline {
	if at, ok := d.Context.Deadline(); !ok || d.at < at.Sub(processStart) {
		d.limit = limit
	}
	return d
}

// Deadline needs no timer.
func (d *deadline) Deadline() (time.Time, bool) { return processStart.Add(d.at), true }

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} { return d.ask().Done() }

// Err implements context.Context.
func (d *deadline) Err() error { return d.ask().Err() }

// Value asks the context that Done has made, if it has: a child finds its
// place there, and needs no goroutine to hear of the end.
func (d *deadline) Value(key any) any {
	if _, asked := key.(limitKey); asked && d.limit > 0 {
		at, _ := d.Deadline()
		return ownLimit{at, d.limit}
	}
	if asked := d.asked.Load(); asked != nil && asked != endedUnasked {
		return asked.Value(key)
	}
	return d.Context.Value(key)
}

func (d *deadline) ask() context.Context {
	for {
		before := d.asked.Load()
		if before != nil && before != endedUnasked {
			return before
		}
		made := new(askedDeadline)
		if before == nil {
			at, _ := d.Deadline()
			made.Context, made.cancel = context.WithDeadline(d.Context, at)
		} else {
			made.Context, made.cancel = context.WithCancel(d.Context)
			made.cancel()
		}
		if d.asked.CompareAndSwap(before, made) {
			return made
		}
		made.cancel() // somebody else was first
	}
}

// end is the context.CancelFunc; there may be no deadline.
func (d *deadline) end() {
	if d == nil {
		return
	}
	if !d.asked.CompareAndSwap(nil, endedUnasked) {
		if asked := d.asked.Load(); asked != endedUnasked {
			asked.cancel()
		}
	}
}
