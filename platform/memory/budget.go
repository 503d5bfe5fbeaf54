package memory

import (
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

// Budget is memory that callers share. A caller for whom none is left is
// refused at once: a queue would occupy what callers have sent so far.
type Budget struct {
	limit int64
	busy  string
	used  atomic.Int64
}

// NewBudget returns a budget of so many bytes. busy is the message for callers
// for whom nothing is left: what happened, and what to do.
func NewBudget(bytes int64, busy string) *Budget { return &Budget{limit: bytes, busy: busy} }

// Share returns the share of one caller, empty at first. It may take more as
// long as at most limit bytes of the budget are in use, so that callers with a
// lower limit leave the rest to others. 0 is all of the budget.
func (b *Budget) Share(limit int64) *Share {
	if limit <= 0 || limit > b.limit {
		limit = b.limit
	}
	return &Share{of: b, limit: limit}
}

// Share is what one caller has taken of a budget. It is safe for concurrent
// use.
type Share struct {
	of    *Budget
	limit int64
	bytes atomic.Int64
}

// tryAgainIn is the RetryAfter of a refused caller.
const tryAgainIn = 30 * time.Second

// Take adds bytes to the share. It fails with fault.Busy.
func (s *Share) Take(bytes int64) error {
	if s.of.used.Add(bytes) > s.limit {
		s.of.used.Add(-bytes)
		f := fault.New(fault.Busy, s.of.busy)
		f.RetryAfter = tryAgainIn
		return f
	}
	s.bytes.Add(bytes)
	return nil
}

// Return returns all of the share to the budget, when nobody uses it any more;
// a second call does nothing.
func (s *Share) Return() { s.of.used.Add(-s.bytes.Swap(0)) }
