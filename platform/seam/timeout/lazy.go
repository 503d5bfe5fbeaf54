package timeout

import (
	"context"
	"sync/atomic"
	"time"

	"banyan/platform/plain"
)

// Deadline is a context with a deadline.
type Deadline interface {
	context.Context
	// End is its context.CancelFunc.
	End()
}

// Longest keeps the sum with Clock within a time.Duration, which is 292 years.
const Longest = 100 * 365 * 24 * time.Hour

// New is context.WithTimeout, at most Longest, for contexts that few ask whether
// they have ended. Only a first question after the end can tell them apart: where
// there were two reasons, the error may be the later one's. own says that the
// time-out is this process's, unless an earlier deadline comes from the parent.
func New(parent context.Context, length time.Duration, own bool) Deadline {
	if plain.On {
		return newEager(parent, length, own)
	}
	return newLazy(parent, length, own)
}

// lazy is a Deadline that costs next to nothing until somebody asks whether it
// has ended: most calls answer from memory and never do, and a timer with its
// place among the parent's children is a microsecond.
//
//	         Done, Err                     End
//	unasked ───────────▶ asked: a context ─────▶ ended
//	   └─────────────────── End ───────────────────▲
//
// Its plain twin is eager.
type lazy struct {
	context.Context               // the parent
	at              time.Duration // by Clock
	own             time.Duration // this process's own time-out, 0 = the deadline is the caller's
	asked           atomic.Pointer[asked]
}

// asked is what Done and Err ask; it is empty when the deadline was ended before.
type asked struct {
	context.Context
	cancel context.CancelFunc
}

var endedUnasked = new(asked)

func newLazy(parent context.Context, length time.Duration, own bool) *lazy {
	d := &lazy{Context: parent, at: Clock() + min(length, Longest)}
	earlier, set := parent.Deadline()
	if set && earlier.Sub(processStart) <= d.at {
		d.at = earlier.Sub(processStart)
	} else if own {
		d.own = length
	}
	return d
}

// Deadline needs no timer.
func (d *lazy) Deadline() (time.Time, bool) { return processStart.Add(d.at), true }

// Done implements context.Context.
func (d *lazy) Done() <-chan struct{} { return d.ask().Done() }

// Err implements context.Context.
func (d *lazy) Err() error { return d.ask().Err() }

// Value asks the context that Done has made, if it has: a child finds its
// place there, and needs no goroutine to learn of the end.
func (d *lazy) Value(key any) any {
	if _, isOwn := key.(ownKey); isOwn && d.own > 0 {
		at, _ := d.Deadline()
		return own{at, d.own}
	}
	if asked := d.asked.Load(); asked != nil && asked != endedUnasked {
		return asked.Value(key)
	}
	return d.Context.Value(key)
}

func (d *lazy) ask() context.Context {
	for {
		before := d.asked.Load()
		if before != nil && before != endedUnasked {
			return before
		}
		made := new(asked)
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

// End implements Deadline.
func (d *lazy) End() {
	if !d.asked.CompareAndSwap(nil, endedUnasked) {
		if asked := d.asked.Load(); asked != endedUnasked {
			asked.cancel()
		}
	}
}

// eager is the plain twin of lazy.
type eager struct {
	context.Context
	cancel context.CancelFunc
}

func newEager(parent context.Context, length time.Duration, own bool) *eager {
	d := new(eager)
	if own {
		d.Context, d.cancel = WithOwn(parent, min(length, Longest))
	} else {
		d.Context, d.cancel = context.WithTimeout(parent, min(length, Longest))
	}
	return d
}

// End implements Deadline.
func (d *eager) End() { d.cancel() }

var (
	_ Deadline = (*lazy)(nil)
	_ Deadline = (*eager)(nil)
)
