// Package periodic runs functions at a fixed interval, and sleeps until a context
// ends. In a test with testing/synctest it uses that clock.
package periodic

import (
	"context"
	"time"
)

// Option changes when Run calls fn.
type Option func(*loop)

type loop struct {
	atOnce bool
	wake   <-chan struct{}
}

// AtOnce makes Run call fn at once, instead of after the first interval.
func AtOnce() Option { return func(l *loop) { l.atOnce = true } }

// OnWake makes Run call fn also for each value from wake, without waiting for the
// interval. A closed channel is ignored.
func OnWake(wake <-chan struct{}) Option { return func(l *loop) { l.wake = wake } }

// Run calls fn once per interval until ctx ends, and returns when the last call has.
// Calls never overlap: when one takes longer than the interval, the next follows at
// once, and further missed ones are skipped. fn must handle its own errors. Run
// panics unless every is positive.
func Run(ctx context.Context, every time.Duration, fn func(context.Context), options ...Option) {
	var l loop
	for _, set := range options {
		set(&l)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	if l.atOnce && ctx.Err() == nil {
		fn(ctx)
	}
	for l.wait(ctx, ticker.C) {
		fn(ctx)
	}
}

// wait waits until fn is due, and returns false when ctx has ended, even if a tick is
// ready as well.
func (l *loop) wait(ctx context.Context, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return ctx.Err() == nil
		case _, open := <-l.wake:
			if open {
				return ctx.Err() == nil
			}
			l.wake = nil // a closed channel is always ready
		}
	}
}

// Sleep waits for d, and returns the context's error if ctx ends before.
func Sleep(ctx context.Context, d time.Duration) error { return SleepUntil(ctx, d, nil) }

// SleepUntil is Sleep that also ends, with nil, when wake has a value or is closed.
// wake may be nil.
func SleepUntil(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
	case <-timer.C:
	}
	return nil
}
