package seam

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
)

// meter counts one operation, apart for calls answered here and elsewhere.
type meter struct{ local, remote sideMeter }

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

// SideStats are the figures of one operation on one side since the start.
type SideStats struct {
	Calls    uint64  `json:"calls"`
	Failures uint64  `json:"failures"` // the server's fault
	Refusals uint64  `json:"refusals"` // the caller's fault
	P50      float64 `json:"p50"`      // seconds, the upper end of the bucket it falls in
	P99      float64 `json:"p99"`      // seconds
}

// OperationStats are the figures of one operation.
type OperationStats struct {
	Operation string    `json:"operation"`
	Local     SideStats `json:"local"`
	Remote    SideStats `json:"remote"`
}

func (m *sideMeter) stats() SideStats {
	var counts [latencyBuckets]uint64
	var total uint64
	for i := range m.buckets {
		counts[i] = m.buckets[i].Load()
		total += counts[i]
	}
	quantile := func(q float64) float64 {
		if total == 0 {
			return 0
		}
		rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
		for i, c := range counts {
			if seen += c; seen >= rank {
				return bucketEnd(i)
			}
		}
		return bucketEnd(latencyBuckets - 1)
	}
	return SideStats{
		Calls: total, Failures: m.failures.Load(), Refusals: m.refusals.Load(),
		P50: quantile(0.5), P99: quantile(0.99),
	}
}
