package latency

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Latencies cover 2^6 ns (64 ns) to 2^36 ns (69 s), a bucket per half power of
// two: fine enough to tell p99s apart, and two shifts to find.
const (
	latencyBuckets = 61
	lowestPower    = 6
)

// Latencies counts durations. The zero value is ready, and any number of
// goroutines may use it.
type Histogram struct {
	nanos   atomic.Uint64
	buckets [latencyBuckets]atomic.Uint64
}

// Observe counts a duration.
func (l *Histogram) Observe(took time.Duration) {
	n := uint64(max(took, 0))
	l.buckets[bucketOf(n)].Add(1)
	l.nanos.Add(n)
}

// Counts reads what was counted so far.
func (l *Histogram) Counts() (c Counts) {
	for i := range l.buckets {
		c[i] = l.buckets[i].Load()
	}
	return c
}

// Histogram is the metric of desc, with a bound for every so many half powers
// of two: each bound is a series of its own.
func (l *Histogram) Metric(desc *prometheus.Desc, every int, labels ...string) prometheus.Metric {
	cumulative := make(map[float64]uint64, latencyBuckets/every)
	total := uint64(0)
	for i, n := range l.Counts() {
		total += n
		if i%every == every-1 {
			cumulative[bucketEnd(i)] = total
		}
	}
	return prometheus.MustNewConstHistogram(desc, total, float64(l.nanos.Load())/1e9, cumulative, labels...)
}

// LatencyCounts are the figures of Latencies at one moment, or what was added
// between two.
type Counts [latencyBuckets]uint64

// Since is what was added since before.
func (c *Counts) Since(before *Counts) (added Counts) {
	for i := range c {
		added[i] = c[i] - before[i]
	}
	return added
}

// Total is how many durations were counted.
func (c *Counts) Total() (total uint64) {
	for _, n := range c {
		total += n
	}
	return total
}

// Quantile gives the upper end, in seconds, of the bucket in which it falls; 0
// when nothing was counted.
func (c *Counts) Quantile(q float64) float64 {
	total := c.Total()
	if total == 0 {
		return 0
	}
	rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
	for i, n := range c {
		if seen += n; seen >= rank {
			return bucketEnd(i)
		}
	}
	return bucketEnd(latencyBuckets - 1)
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
