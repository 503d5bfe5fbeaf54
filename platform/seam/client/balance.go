package client

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/seam/timeout"
)

// Balance are how a remote spreads its calls over the endpoints and what
// it does when some fail. Zero values stand for the defaults.
//
// Two mechanisms keep calls away from a bad endpoint, for each class of
// operations apart. Ejection is quick and
// only spreads the load elsewhere: it needs a better endpoint to send calls to,
// and at most half of them are ejected at a time, because when most seem bad,
// the cause is elsewhere. The breaker is slower and protects callers and the
// module alike: it also opens when there is nowhere else to go, and then calls
// fail at once.
type Balance struct {
	EjectAfter int           // failures in a row; 5
	EjectFor   time.Duration // the first time, doubled each further time up to 30 times this; 1 s

	BreakAfter  int           // failures in a row that open the breaker; 10
	BreakShare  float64       // share of failed calls in the window, of 20 or more, that opens it; 0.5
	BreakWindow time.Duration // what took longer is not counted, so it is well above every time-out; 30 s
	BreakFor    time.Duration // until calls are let through to probe; 2 s
	Probes      int           // calls let through then, all of which must succeed; 3

	Attempts     int            // at a read, the first included; 3
	Backoff      time.Duration  // before the second attempt at most, doubled before the third; 25 ms
	BudgetShare  float64        // retries per call; 0.1
	BudgetFloor  float64        // retries per second beside that; 5
	BudgetStored int            // retries that can be saved up; 100
	Random       func() float64 // in [0, 1): which endpoints are compared, and the jitter; math/rand/v2. Safe for concurrent use.
}

const (
	endpointsMost  = 64 // of one remote: what one word of bits can tell apart
	ejectForMost   = 30 // times EjectFor
	ejectForgotten = time.Minute
	// failurePenalty is what a failed call counts as, at least; see penalty.
	failurePenalty = 5 * time.Millisecond
)

// choose returns the place of the endpoint for the next call of a class among those whose bit
// in without is not set: the less loaded of two drawn at random, which spreads
// nearly as well as looking at all and never herds
// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
// Ejected ones are taken when there is no other. -1: none is left.
func choose(set []*endpoint, of class, without uint64, random func() float64) int {
	if len(set) == 1 {
		return -int(without & 1)
	}
	now := timeout.Clock()
	var places [endpointsMost]int
	n := 0
	for pass := 0; pass < 2 && n == 0; pass++ {
		for i, e := range set {
			if without&(1<<i) == 0 && (pass > 0 || !e.classes[of].isEjected(now)) {
				places[n] = i
				n++
			}
		}
	}
	switch n {
	case 0:
		return -1
	case 1:
		return places[0]
	}
	a, b := int(random()*float64(n)), int(random()*float64(n-1))
	if b >= a {
		b++
	}
	if first, second := set[places[a]], set[places[b]]; second.lessLoaded(first, now) {
		return places[b]
	}
	return places[a]
}

// lessLoaded compares calls under way weighted by recent latency. An endpoint
// without an answer yet is compared by its calls alone, or all would go to it.
func (e *endpoint) lessLoaded(other *endpoint, now time.Duration) bool {
	mine, theirs := float64(e.inFlight.Load()+1), float64(other.inFlight.Load()+1)
	myLatency, theirLatency := e.latency.nanos(now), other.latency.nanos(now)
	if myLatency == 0 || theirLatency == 0 {
		return mine < theirs
	}
	return mine*myLatency < theirs*theirLatency
}

// ejection takes an endpoint out of the balance of a class for a while.
type ejection struct {
	until   atomic.Int64  // timeout.Clock(); 0 = never ejected
	inARow  atomic.Int32  // failures
	stretch time.Duration // of the last one; the ejector's
}

func (j *ejection) isEjected(now time.Duration) bool {
	until := j.until.Load()
	return until != 0 && int64(now) < until
}

// succeeded ends the row of failures. It reads first: a write would take the
// cache line from the other callers at every call.
func (j *ejection) succeeded() {
	if j.inARow.Load() != 0 {
		j.inARow.Store(0)
	}
}

// ejector decides which endpoints are ejected.
type ejector struct {
	mu      sync.Mutex
	options Balance
}

// failed notes a failure at a class of operations and reports for how long it
// ejected the endpoint from that class; 0 = not.
func (x *ejector) failed(e *endpoint, of class, set []*endpoint, now time.Duration) time.Duration {
	mine := &e.classes[of].ejection
	if int(mine.inARow.Add(1)) < x.options.EjectAfter || len(set) < 2 {
		return 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if mine.isEjected(now) {
		return 0
	}
	out := 0
	for _, other := range set {
		if other.classes[of].isEjected(now) {
			out++
		}
	}
	if out+1 > len(set)/2 {
		return 0
	}
	if now-time.Duration(mine.until.Load()) > ejectForgotten {
		mine.stretch = 0
	}
	mine.stretch = min(max(2*mine.stretch, x.options.EjectFor), ejectForMost*x.options.EjectFor)
	mine.inARow.Store(0)
	if of != classStream {
		e.latency.forget() // it comes back as a new one
	}
	mine.until.Store(int64(now + mine.stretch))
	return mine.stretch
}

func (o Balance) withDefaults() Balance {
	for _, n := range []struct {
		at       *int
		standard int
	}{{&o.EjectAfter, 5}, {&o.BreakAfter, 10}, {&o.Probes, 3}, {&o.Attempts, 3}, {&o.BudgetStored, 100}} {
		if *n.at <= 0 {
			*n.at = n.standard
		}
	}
	for _, d := range []struct {
		at       *time.Duration
		standard time.Duration
	}{{&o.EjectFor, time.Second}, {&o.BreakWindow, 30 * time.Second}, {&o.BreakFor, 2 * time.Second}, {&o.Backoff, 25 * time.Millisecond}} {
		if *d.at <= 0 {
			*d.at = d.standard
		}
	}
	for _, f := range []struct {
		at       *float64
		standard float64
	}{{&o.BreakShare, 0.5}, {&o.BudgetShare, 0.1}, {&o.BudgetFloor, 5}} {
		if *f.at <= 0 {
			*f.at = f.standard
		}
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}
