package database

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/periodic"
)

// pace lets writes begin no faster than some in a second, whoever makes them and however
// many do: a delay of each would slow a thousand callers by nothing that counts.
type pace struct {
	begun  atomic.Uint64 // writes
	every  atomic.Int64  // nanoseconds between two, 0 = as they come
	waited atomic.Int64  // nanoseconds that the last one waits

	mu      sync.Mutex
	next    time.Time     // when the next may begin
	changed chan struct{} // closed, and replaced, when every changes
}

// Pace lets at most so many writes begin in a second, 0 = all: a move whose target takes
// less than is written would otherwise never end.
func (db *DB) Pace(perSecond float64) {
	p := &db.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	every := int64(0)
	if perSecond > 0 {
		every = int64(float64(time.Second) / perSecond)
	}
	p.every.Store(every)
	p.waited.Store(0)
	p.next = time.Time{}
	if p.changed != nil {
		close(p.changed)
	}
	p.changed = make(chan struct{})
}

// Begun counts the writes that have begun with this handle, and returns how long those
// that begin now wait for it because of Pace.
func (db *DB) Begun() (writes uint64, each time.Duration) {
	return db.pace.begun.Load(), time.Duration(db.pace.waited.Load())
}

// wait waits for the turn of a write.
func (p *pace) wait(ctx context.Context, module string) error {
	for p.every.Load() > 0 {
		wait, changed := p.turn(time.Now())
		if wait <= 0 {
			break
		}
		if err := periodic.SleepUntil(ctx, wait, changed); err != nil {
			return fmt.Errorf("write to %s: %w", module, err)
		}
		select {
		case <-changed: // another pace, or none
			continue
		default:
		}
		break
	}
	p.begun.Add(1)
	return nil
}

// turn takes the next turn.
func (p *pace) turn(now time.Time) (wait time.Duration, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Before(now) {
		p.next = now
	}
	wait = p.next.Sub(now)
	p.next = p.next.Add(time.Duration(p.every.Load()))
	p.waited.Store(int64(wait))
	return wait, p.changed
}
