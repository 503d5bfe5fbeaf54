package seam

import (
	"sync/atomic"
	"time"

	"banyan/platform/fault"
	"banyan/platform/latency"
)

// meter counts one operation, apart for calls answered here and elsewhere.
type meter struct {
	local, remote sideMeter
	shadow        shadowMeter
	canary        atomic.Uint64 // reads led to the remote by a canary
	fallbacks     atomic.Uint64 // of these, answered here because the remote failed
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
	dropped atomic.Uint64 // not compared: the queue was full, or the route moved
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

type sideMeter struct {
	latencies latency.Histogram
	failures  atomic.Uint64 // faults of the server's side: internal, unavailable, deadline_over
	refusals  atomic.Uint64 // faults of the caller's side
}

func (m *sideMeter) observe(took time.Duration, err error) {
	m.latencies.Observe(took)
	if err == nil {
		return
	}
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unavailable, fault.DeadlineOver:
		m.failures.Add(1)
	default:
		m.refusals.Add(1)
	}
}
