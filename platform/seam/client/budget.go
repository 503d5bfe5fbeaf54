package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// budget bounds retries to a share of the calls and a few per second, so that
// a module in trouble does not get several times its load on top (Google SRE
// book, "Handling Overload"). Counting a call costs one addition; what the calls
// have earned is reckoned when a retry asks for it.
type budget struct {
	share, floor, most float64

	calls   atomic.Uint64
	retries atomic.Uint64 // granted
	refused atomic.Uint64

	mu      sync.Mutex
	saved   float64
	counted uint64 // calls that saved has already
	at      time.Duration
}

// newBudget begins with all that can be saved.
func newBudget(o Balance, now time.Duration) *budget {
	return &budget{share: o.BudgetShare, floor: o.BudgetFloor, most: float64(o.BudgetStored), saved: float64(o.BudgetStored), at: now}
}

// take asks for one retry.
func (b *budget) take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls.Load()
	earned := b.share*float64(calls-b.counted) + b.floor*(now-b.at).Seconds()
	b.counted, b.at = calls, now
	b.saved = min(b.saved+earned, b.most)
	if b.saved < 1 {
		b.refused.Add(1)
		return false
	}
	b.saved--
	b.retries.Add(1)
	return true
}
