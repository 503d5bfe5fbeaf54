package seam

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

// meter counts one operation, apart for calls answered here and elsewhere.
type meter struct {
	local, remote sideMeter
	shadow        shadowMeter
	canary        atomic.Uint64 // reads led to the remote by a canary
	fallbacks     atomic.Uint64 // of these, answered here because the remote failed
}

// shadowMeter counts what came of the reads sampled for the shadow: each ends
// in one of matched, passing, lasting, failed and dropped.
type shadowMeter struct {
	asked   sideMeter     // questions to the remote
	matched atomic.Uint64 // both said the same
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

// latencyBuckets covers 2^6 ns (64 ns) to 2^36 ns (69 s), a bucket per half
// power of two: fine enough to tell p99s apart, and two shifts to find.
const (
	latencyBuckets = 61
	lowestPower    = 6
)

var processStart = time.Now()

// clock reads the monotonic clock only: half the price of time.Now.
func clock() time.Duration { return time.Since(processStart) }

type sideMeter struct {
	failures atomic.Uint64 // faults of the server's side: internal, unavailable, deadline_over
	refusals atomic.Uint64 // faults of the caller's side
	nanos    atomic.Uint64
	buckets  [latencyBuckets]atomic.Uint64
}

func (m *sideMeter) observe(took time.Duration, err error) {
	n := uint64(max(took, 0))
	m.buckets[bucketOf(n)].Add(1)
	m.nanos.Add(n)
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

func bucketOf(nanos uint64) int {
	power := bits.Len64(nanos) - 1
	if power < lowestPower {
		return 0
	}
	upperHalf := int(nanos>>(power-1)) & 1
	return min((power-lowestPower)*2+upperHalf, latencyBuckets-1)
}

// bucketEnd is the upper bound of a bucket in seconds.
func bucketEnd(i int) float64 {
	base := math.Ldexp(1, lowestPower+i/2)
	if i%2 == 0 {
		return base * 1.5 / 1e9
	}
	return base * 2 / 1e9
}
