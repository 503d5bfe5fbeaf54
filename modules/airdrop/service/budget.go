package service

import (
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

// budget is memory that callers share. Who gets none is sent away at once: a
// queue would hold what they have sent so far.
type budget struct {
	limit int64
	used  atomic.Int64
}

// share is what one caller has taken of a budget. It belongs to one goroutine
// at a time.
type share struct {
	of    *budget
	bytes int64
}

// tryAgainIn is when a caller without memory may come back.
const tryAgainIn = 30 * time.Second

// take adds to the share. Fails with fault.Busy.
func (s *share) take(bytes int64) error {
	if s.of.used.Add(bytes) > s.of.limit {
		s.of.used.Add(-bytes)
		f := fault.New(fault.Busy, "many long checks are under way: try again in a minute, or send fewer wallets at a time")
		f.RetryAfter = tryAgainIn
		return f
	}
	s.bytes += bytes
	return nil
}

// giveBack ends the share; a second time does nothing.
func (s *share) giveBack() {
	s.of.used.Add(-s.bytes)
	s.bytes = 0
}
