package seam

import (
	"sync"
	"time"

	"banyan/platform/latency"
)

// sideCounts are a sideMeter's figures at one moment, or what was added between
// two.
type sideCounts struct {
	failures, refusals, busy, abandoned uint64
	latencies                           latency.Counts
}

// operationCounts are a meter's figures at one moment, or between two.
type operationCounts struct {
	local, remote, shadow                              sideCounts
	matched, errors, passing, lasting, failed, dropped uint64
	canary, fallbacks, unjudged                        uint64
}

func (m *sideMeter) counts() sideCounts {
	return sideCounts{
		latencies: m.latencies.Counts(), failures: m.failures.Load(), refusals: m.refusals.Load(),
		busy: m.busy.Load(), abandoned: m.abandoned.Load(),
	}
}

// counts reads all figures since the start.
func (r *Route) counts() []operationCounts {
	all := make([]operationCounts, len(r.meters))
	for i := range r.meters {
		m := &r.meters[i]
		all[i] = operationCounts{
			local: m.local.counts(), remote: m.remote.counts(), shadow: m.shadow.asked.counts(),
			matched: m.shadow.matched.Load(), passing: m.shadow.passing.Load(), lasting: m.shadow.lasting.Load(),
			errors: m.shadow.errors.Load(), failed: m.shadow.failed.Load(), dropped: m.shadow.dropped.Load(),
			canary: m.canary.Load(), fallbacks: m.fallbacks.Load(), unjudged: m.unjudged.Load(),
		}
	}
	return all
}

func (c *sideCounts) since(before *sideCounts) sideCounts {
	return sideCounts{
		latencies: c.latencies.Since(&before.latencies),
		failures:  c.failures - before.failures, refusals: c.refusals - before.refusals,
		busy: c.busy - before.busy, abandoned: c.abandoned - before.abandoned,
	}
}

func (c *operationCounts) since(before *operationCounts) operationCounts {
	return operationCounts{
		local: c.local.since(&before.local), remote: c.remote.since(&before.remote), shadow: c.shadow.since(&before.shadow),
		matched: c.matched - before.matched, passing: c.passing - before.passing, lasting: c.lasting - before.lasting,
		errors: c.errors - before.errors, failed: c.failed - before.failed, dropped: c.dropped - before.dropped,
		canary: c.canary - before.canary, fallbacks: c.fallbacks - before.fallbacks, unjudged: c.unjudged - before.unjudged,
	}
}

// calls are those that say something about the side.
func (c *sideCounts) calls() uint64 { return c.latencies.Total() }

// quantile is in seconds; 0 without calls.
func (c *sideCounts) quantile(q float64) float64 { return c.latencies.Quantile(q) }

// keptSamples are in a window: so much it slides by.
const keptSamples = 10

// samples are the figures at moments of the last window, so that what happened
// in it is a difference and costs the calls themselves nothing.
type samples struct {
	window time.Duration
	mu     sync.Mutex
	kept   []sample // the oldest first; never empty
}

type sample struct {
	at     time.Time
	counts []operationCounts
}

func (s *samples) begin(window time.Duration, at time.Time, counts []operationCounts) {
	s.window, s.kept = window, []sample{{at, counts}}
}

// take keeps the figures of now, when the last ones are old enough, and forgets
// what is no longer needed to look a window back.
func (s *samples) take(now time.Time, counts []operationCounts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.kept[len(s.kept)-1].at) < s.window/keptSamples {
		return
	}
	s.kept = append(s.kept, sample{now, counts})
	for len(s.kept) > 1 && now.Sub(s.kept[1].at) >= s.window {
		s.kept[0] = sample{}
		s.kept = s.kept[1:]
	}
}

// oldest is where the window begins.
func (s *samples) oldest() sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[0]
}
