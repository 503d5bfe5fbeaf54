package latency

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The buckets cover 2^6 ns (64 ns) to 2^36 ns (69 s), a bucket per half power of
// two: fine enough to tell p99s apart, and two shifts to find.
const (
	latencyBuckets = 61
	lowestPower    = 6
)

// Histogram counts durations. The zero value is ready to use, and safe for
// concurrent use.
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

// Counts returns the counts so far.
func (l *Histogram) Counts() (c Counts) {
	for i := range l.buckets {
		c[i] = l.buckets[i].Load()
	}
	return c
}

// Metric returns the Prometheus histogram of desc, in seconds. Its bounds are the ends
// of every n-th bucket, n = every: each bound is a series of its own.
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

// Counts are the counts of a Histogram at one moment, or those added between two.
type Counts [latencyBuckets]uint64

// Since returns the counts added since before.
func (c *Counts) Since(before *Counts) (added Counts) {
	for i := range c {
		added[i] = c[i] - before[i]
	}
	return added
}

// Total returns the number of durations.
func (c *Counts) Total() (total uint64) {
	for _, n := range c {
		total += n
	}
	return total
}

// Quantile returns the upper end, in seconds, of the bucket in which it falls; 0
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

// bucketEnd returns the upper bound of a bucket in seconds.
func bucketEnd(i int) float64 {
	base := math.Ldexp(1, lowestPower+i/2)
	if i%2 == 0 {
		return base * 1.5 / 1e9
	}
	return base * 2 / 1e9
}
