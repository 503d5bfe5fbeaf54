package memory

import (
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

// Budget is memory that callers share. Who gets none is refused at once: a queue
// would hold what they have sent so far.
type Budget struct {
	limit int64
	busy  string
	used  atomic.Int64
}

// NewBudget makes a budget of so many bytes. busy is what those are told for
// whom nothing is left: what happened, and what to do.
func NewBudget(bytes int64, busy string) *Budget { return &Budget{limit: bytes, busy: busy} }

// Share begins what one caller takes. At most limit bytes of the budget may be in
// use when it takes more, so that callers with a lower one leave the rest to
// others. 0 is all of the budget.
func (b *Budget) Share(limit int64) *Share {
	if limit <= 0 || limit > b.limit {
		limit = b.limit
	}
	return &Share{of: b, limit: limit}
}

// Share is what one caller has taken of a budget. It may be used by several
// goroutines.
type Share struct {
	of    *Budget
	limit int64
	bytes atomic.Int64
}

// tryAgainIn is when a caller without memory may come back.
const tryAgainIn = 30 * time.Second

// Take adds to the share. Fails with fault.Busy.
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

// Return ends the share, when nobody takes of it any more; a second time does
// nothing.
func (s *Share) Return() { s.of.used.Add(-s.bytes.Swap(0)) }
