// Package timeout distinguishes the two reasons for which a call ends in time; they
// say opposite things. The deadline of its caller says nothing about who was
// asked: it may be as short as the caller likes. A time-out of this process's own
// (of an attempt, of a canary, of the shadow, of the HTTP server) is one that
// whoever works well keeps. Both are deadlines of a context.
package timeout

import (
	"context"
	"errors"
	"time"
)

var processStart = time.Now()

// Clock returns the time since the process started. It reads the monotonic clock
// only, which is half the price of time.Now.
func Clock() time.Duration { return time.Since(processStart) }

type ownKey struct{}

// own is a time-out that this process has set.
type own struct {
	at     time.Time
	length time.Duration
}

// WithOwn is context.WithTimeout for a time-out of this process's own.
func WithOwn(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	at := time.Now().Add(length)
	if earlier, set := ctx.Deadline(); set && earlier.Before(at) {
		return context.WithCancel(ctx) // that one ends it, whosever it is
	}
	return context.WithDeadline(context.WithValue(ctx, ownKey{}, own{at, length}), at)
}

// Own returns the length of this process's own time-out that ends ctx, and false
// when a caller's deadline ends it before, or nothing does.
func Own(ctx context.Context) (time.Duration, bool) {
	limit, set := ctx.Value(ownKey{}).(own)
	at, bounded := ctx.Deadline()
	return limit.length, set && bounded && at.Equal(limit.at)
}

// EndedByCaller reports whether ctx is over because its caller went away or had
// no more time.
func EndedByCaller(ctx context.Context) bool {
	err := ctx.Err()
	if err == nil {
		return false
	}
	_, ours := Own(ctx)
	return !ours || !errors.Is(err, context.DeadlineExceeded)
}
