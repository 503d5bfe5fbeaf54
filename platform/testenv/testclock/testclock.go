// Package testclock is a clock that stands still until a test moves it. It is
// imported by tests only.
package testclock

import (
	"sync"
	"time"
)

// Clock may be read and moved from several goroutines.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// At stands at this time.
func At(t time.Time) *Clock { return &Clock{at: t} }

// Now is where it stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves it on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Set moves it to this time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}
