package seam

import (
	"context"
	"errors"
	"time"
)

// A call ends in time for one of two reasons, which say opposite things. The
// deadline of its caller says nothing about who was asked: it may be as short as
// the caller likes. A limit of this process's own (the time-out of an attempt, of
// a canary, of the shadow, of the HTTP server) is one that whoever works well
// keeps. Both are deadlines of a context; this is what tells them apart.

type limitKey struct{}

// ownLimit is a limit that this process has set.
type ownLimit struct {
	at     time.Time
	length time.Duration
}

// withLimit is context.WithTimeout for a limit of this process's own.
func withLimit(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	at := time.Now().Add(length)
	if earlier, set := ctx.Deadline(); set && earlier.Before(at) {
		return context.WithCancel(ctx) // that one ends it, whosever it is
	}
	return context.WithDeadline(context.WithValue(ctx, limitKey{}, ownLimit{at, length}), at)
}

// limitOf returns the limit that ends ctx, and false when a caller's deadline
// ends it before, or nothing does.
func limitOf(ctx context.Context) (time.Duration, bool) {
	limit, set := ctx.Value(limitKey{}).(ownLimit)
	at, bounded := ctx.Deadline()
	return limit.length, set && bounded && at.Equal(limit.at)
}

// endedByCaller reports whether ctx is over because its caller went away or had
// no more time.
func endedByCaller(ctx context.Context) bool {
	err := ctx.Err()
	if err == nil {
		return false
	}
	_, ours := limitOf(ctx)
	return !ours || !errors.Is(err, context.DeadlineExceeded)
}
