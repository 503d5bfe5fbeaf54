// Package periodic waits: a loop with a fixed interval, and a pause that a
// context ends. It runs on the clock of testing/synctest where a test does.
package periodic

import (
	"context"
	"time"
)

// Option changes how Run begins or what it waits for.
type Option func(*loop)

type loop struct {
	atOnce bool
	wake   <-chan struct{}
}

// AtOnce has Run call for the first time when it begins, instead of after the
// first interval.
func AtOnce() Option { return func(l *loop) { l.atOnce = true } }

// OnWake has Run call for each value from wake, too, without waiting for the
// interval to end. A wake channel that is closed wakes no more.
func OnWake(wake <-chan struct{}) Option { return func(l *loop) { l.wake = wake } }

// Run calls fn once per interval until ctx ends, and returns when the call that
// was running by then has. Calls never overlap: when one takes longer than the
// interval, the next follows at once, and what was missed beyond it is left
// out. What fn fails with is for fn to deal with; the loop goes on. Panics
// unless every is positive.
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

// wait waits until fn is due, and reports false when ctx has ended, even if a
// tick is ready as well.
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

// Sleep waits for d, and fails with the context's error when ctx ends before.
func Sleep(ctx context.Context, d time.Duration) error { return SleepUntil(ctx, d, nil) }

// SleepUntil is Sleep that a value from wake, or its closing, ends early. A nil
// wake never does.
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
