package seam

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
	"banyan/platform/latency"
)

// meter counts one operation, apart for calls answered here and elsewhere.
type meter struct {
	local, remote sideMeter
	shadow        shadowMeter
	canary        atomic.Uint64 // reads led to the remote by a canary that say something about it
	fallbacks     atomic.Uint64 // of these, answered here because the remote failed
	unjudged      atomic.Uint64 // reads led to the remote that say nothing about it: it was busy, or the caller's time was over
}

// shadowMeter counts what came of the reads sampled for the shadow: each ends
// in one of matched, errors, passing, lasting, failed and dropped.
type shadowMeter struct {
	asked   sideMeter     // questions to the remote
	matched atomic.Uint64 // both gave the same answer
	errors  atomic.Uint64 // both refused with the same error, which is no evidence: an empty database refuses as well
	passing atomic.Uint64 // differences that were gone when both were asked again
	lasting atomic.Uint64 // differences that were still there
	failed  atomic.Uint64 // the remote could not answer
	dropped atomic.Uint64 // not compared: the queue was full, a side was busy, or the route moved
	why     atomic.Pointer[string]
}

func (m *shadowMeter) fail(err error) {
	m.failed.Add(1)
	text := cut(err.Error(), maxShownValue)
	m.why.Store(&text)
}

var processStart = time.Now()

// clock reads the monotonic clock only: half the price of time.Now.
func clock() time.Duration { return time.Since(processStart) }

// sideMeter counts the calls of one side. Those that say nothing about the side,
// busy and abandoned, are not among the latencies: they would neither be failures
// nor may they hide some.
type sideMeter struct {
	latencies latency.Histogram // of all others
	failures  atomic.Uint64     // faults of the server's side: internal, unavailable, deadline_exceeded
	refusals  atomic.Uint64     // faults of the caller's side
	busy      atomic.Uint64     // sent away for lack of room
	abandoned atomic.Uint64     // ended for the caller's reasons
}

// ending is how a call ended, as far as it says something about who was asked.
type ending uint8

const (
	endedAnswered  ending = iota
	endedRefused          // the request was wrong, or not allowed
	endedFailed           // whoever was asked has failed
	endedBusy             // whoever was asked works, and had no room
	endedAbandoned        // the caller went away, its time was over, or its body did not arrive
)

// judged reports whether the call says something about who was asked.
func (e ending) judged() bool { return e != endedBusy && e != endedAbandoned }

// endingOf reads how a call of this context ended. What a remote call found out
// about its endpoint goes before what its error looks like.
func endingOf(ctx context.Context, err error) ending {
	if err == nil {
		return endedAnswered
	}
	switch blameOf(err) {
	case blameCaller:
		return endedAbandoned
	case blameLoad:
		return endedBusy
	case blameEndpoint:
		return endedFailed
	}
	var body bodyError
	switch code := fault.CodeOf(err); {
	case code == fault.Busy:
		return endedBusy
	case errors.As(err, &body), endedByCaller(ctx):
		return endedAbandoned
	case code == fault.Internal, code == fault.Unavailable, code == fault.DeadlineExceeded:
		return endedFailed
	}
	return endedRefused
}

// observe counts a call. The context is the call's, and not over unless the call
// ended with it.
func (m *sideMeter) observe(ctx context.Context, took time.Duration, err error) ending {
	end := endingOf(ctx, err)
	switch end {
	case endedBusy:
		m.busy.Add(1)
		return end
	case endedAbandoned:
		m.abandoned.Add(1)
		return end
	case endedFailed:
		m.failures.Add(1)
	case endedRefused:
		m.refusals.Add(1)
	}
	m.latencies.Observe(took)
	return end
}
