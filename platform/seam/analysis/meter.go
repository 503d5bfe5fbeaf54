package analysis

import (
	"context"
	"sync/atomic"
	"time"

	"banyan/platform/latency"
)

// Meter counts the calls of one operation, apart for those answered in this
// process and elsewhere. Its zero value is ready, as those of all meters.
type Meter struct {
	Local, Remote SideMeter
	Shadow        ShadowMeter
	Canary        atomic.Uint64 // reads led to the remote by a canary that say something about it
	Fallbacks     atomic.Uint64 // of these, answered here because the remote failed
	Unjudged      atomic.Uint64 // reads led to the remote that say nothing about it: it was busy, or the caller's time was over
}

// ShadowMeter counts what came of the reads sampled for the shadow: each ends in
// one of the counters.
type ShadowMeter struct {
	Asked       SideMeter     // questions to the remote
	Matched     atomic.Uint64 // both answered the same
	Errors      atomic.Uint64 // both refused with the same error, which is not evidence: an empty database refuses as well
	Transient   atomic.Uint64 // differences that were gone when both were asked again
	Persistent  atomic.Uint64 // differences that were still there
	Failed      atomic.Uint64 // the remote could not answer
	Dropped     atomic.Uint64 // not compared: the queue was full, a side was busy, or the route moved
	LastFailure atomic.Pointer[string]
}

// SideMeter counts the calls of one side. Those that say nothing about the side,
// busy and abandoned, are not among the latencies: they would neither be failures
// nor may they hide some.
type SideMeter struct {
	Latencies latency.Histogram // of all others
	failures  atomic.Uint64     // faults of the server's side: internal, unavailable, deadline_exceeded
	refusals  atomic.Uint64     // faults of the caller's side
	busy      atomic.Uint64     // sent away for lack of room
	abandoned atomic.Uint64     // ended for the caller's reasons
}

// Observe counts a call. The context is the call's, and not over unless the call
// ended with it.
func (m *SideMeter) Observe(ctx context.Context, took time.Duration, err error) Ending {
	end := EndingOf(ctx, err)
	switch end {
	case Busy:
		m.busy.Add(1)
		return end
	case Abandoned:
		m.abandoned.Add(1)
		return end
	case Failed:
		m.failures.Add(1)
	case Refused:
		m.refusals.Add(1)
	}
	m.Latencies.Observe(took)
	return end
}

// SideCounts are a SideMeter's figures at one moment, or what was added between
// two.
type SideCounts struct {
	Failures, Refusals, Busy, Abandoned uint64
	Latencies                           latency.Counts
}

// Counts returns the figures of now.
func (m *SideMeter) Counts() SideCounts {
	return SideCounts{
		Latencies: m.Latencies.Counts(), Failures: m.failures.Load(), Refusals: m.refusals.Load(),
		Busy: m.busy.Load(), Abandoned: m.abandoned.Load(),
	}
}

// Since returns what was added after before.
func (c *SideCounts) Since(before *SideCounts) SideCounts {
	return SideCounts{
		Latencies: c.Latencies.Since(&before.Latencies),
		Failures:  c.Failures - before.Failures, Refusals: c.Refusals - before.Refusals,
		Busy: c.Busy - before.Busy, Abandoned: c.Abandoned - before.Abandoned,
	}
}

// Calls are those that say something about the side.
func (c *SideCounts) Calls() uint64 { return c.Latencies.Total() }

// Quantile is in seconds; 0 without calls.
func (c *SideCounts) Quantile(q float64) float64 { return c.Latencies.Quantile(q) }

// failureRate is from 0 to 1; 0 without calls.
func (c *SideCounts) failureRate() float64 {
	if calls := c.Calls(); calls > 0 {
		return float64(c.Failures) / float64(calls)
	}
	return 0
}

// good are the answers without an error.
func (c *SideCounts) good() uint64 { return c.Calls() - min(c.Failures+c.Refusals, c.Calls()) }

func (c *SideCounts) add(more *SideCounts) {
	for i, n := range more.Latencies {
		c.Latencies[i] += n
	}
	c.Failures += more.Failures
	c.Refusals += more.Refusals
}

// Counts are a Meter's figures at one moment, or what was added between two.
type Counts struct {
	Local, Remote, Shadow                                   SideCounts
	Matched, Errors, Transient, Persistent, Failed, Dropped uint64
	Canary, Fallbacks, Unjudged                             uint64
}

// Counts returns the figures of now. Fallbacks are read before Canary, which is
// counted first: the difference is never negative.
func (m *Meter) Counts() Counts {
	c := Counts{
		Local: m.Local.Counts(), Remote: m.Remote.Counts(), Shadow: m.Shadow.Asked.Counts(),
		Matched: m.Shadow.Matched.Load(), Transient: m.Shadow.Transient.Load(), Persistent: m.Shadow.Persistent.Load(),
		Errors: m.Shadow.Errors.Load(), Failed: m.Shadow.Failed.Load(), Dropped: m.Shadow.Dropped.Load(),
		Fallbacks: m.Fallbacks.Load(), Unjudged: m.Unjudged.Load(),
	}
	c.Canary = m.Canary.Load()
	return c
}

// Since returns what was added after before.
func (c *Counts) Since(before *Counts) Counts {
	return Counts{
		Local: c.Local.Since(&before.Local), Remote: c.Remote.Since(&before.Remote), Shadow: c.Shadow.Since(&before.Shadow),
		Matched: c.Matched - before.Matched, Transient: c.Transient - before.Transient, Persistent: c.Persistent - before.Persistent,
		Errors: c.Errors - before.Errors, Failed: c.Failed - before.Failed, Dropped: c.Dropped - before.Dropped,
		Canary: c.Canary - before.Canary, Fallbacks: c.Fallbacks - before.Fallbacks, Unjudged: c.Unjudged - before.Unjudged,
	}
}

func (c *Counts) compared() uint64 { return c.Matched + c.Transient + c.Persistent }
