package legacy

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts the requests of one prefix on one side. It is a handle: copies
// count into the same figures.
type meter struct{ figures *figures }

// figures keep times in a bucket per half power of two from 2^16 ns (66 µs) to
// 2^37 ns (137 s).
type figures struct {
	errors  atomic.Uint64
	nanos   atomic.Uint64
	buckets [buckets]atomic.Uint64
}

const (
	lowestPower = 16
	buckets     = 43
)

func newMeter() meter { return meter{new(figures)} }

func (m *meter) observe(took time.Duration, failed bool) {
	n := uint64(max(took, 0))
	m.figures.buckets[bucketOf(n)].Add(1)
	m.figures.nanos.Add(n)
	if failed {
		m.figures.errors.Add(1)
	}
}

func bucketOf(nanos uint64) int {
	power := bits.Len64(nanos) - 1
	if power < lowestPower {
		return 0
	}
	upperHalf := int(nanos>>(power-1)) & 1
	return min((power-lowestPower)*2+upperHalf, buckets-1)
}

// bucketEnd is the upper end of a bucket in seconds.
func bucketEnd(i int) float64 {
	base := math.Ldexp(1, lowestPower+i/2)
	if i%2 == 0 {
		return base * 1.5 / 1e9
	}
	return base * 2 / 1e9
}

// SideStats are the figures of one side since the start.
type SideStats struct {
	Requests uint64  `json:"requests"`
	Errors   uint64  `json:"errors"` // answered with 5xx, or broken off by the server's side
	P50      float64 `json:"p50"`    // seconds to the answer's headers, the upper end of a bucket
	P99      float64 `json:"p99"`
}

func (m *meter) stats() SideStats {
	var counts [buckets]uint64
	var total uint64
	for i := range counts {
		counts[i] = m.figures.buckets[i].Load()
		total += counts[i]
	}
	quantile := func(q float64) float64 {
		rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
		for i, c := range counts {
			if seen += c; seen >= rank && seen > 0 {
				return bucketEnd(i)
			}
		}
		return 0
	}
	return SideStats{Requests: total, Errors: m.figures.errors.Load(), P50: quantile(0.5), P99: quantile(0.99)}
}

// PrefixStats are the figures of one taken prefix.
type PrefixStats struct {
	Take
	Banyan SideStats `json:"banyan"`
	Legacy SideStats `json:"legacy"`
}

// Status is what an operator sees of the legacy system.
type Status struct {
	URL      string        `json:"url"`
	Prefixes []PrefixStats `json:"prefixes"`
	Rest     SideStats     `json:"rest"`     // what Banyan does not serve
	Upgrades int64         `json:"upgrades"` // WebSockets open now
}

// Status reads the figures since the start.
func (l *Legacy) Status() Status {
	s := Status{URL: l.target.Scheme + "://" + l.target.Host, Rest: l.rest.stats(), Upgrades: l.upgrades.Load(), Prefixes: []PrefixStats{}}
	for _, t := range *l.takes.Load() {
		s.Prefixes = append(s.Prefixes, PrefixStats{Take: t.Take, Banyan: t.banyan.stats(), Legacy: t.legacy.stats()})
	}
	return s
}

// The metrics, per taken prefix and side (banyan, legacy). What Banyan does not
// serve has the prefix "".
var (
	requestSeconds = prometheus.NewDesc("banyan_strangler_request_seconds", "Requests below a taken prefix, and to the legacy system, and the time to their answers' headers.",
		[]string{"prefix", "side"}, nil)
	requestErrors = prometheus.NewDesc("banyan_strangler_request_errors_total", "Of these, answered with 5xx or broken off by the server's side.",
		[]string{"prefix", "side"}, nil)
	takenPercent = prometheus.NewDesc("banyan_strangler_taken_percent", "Share of clients for whom Banyan serves a prefix.", []string{"prefix"}, nil)
	openUpgrades = prometheus.NewDesc("banyan_strangler_upgrades", "WebSockets to the legacy system that are open.", nil, nil)
)

// Describe implements prometheus.Collector.
func (l *Legacy) Describe(ch chan<- *prometheus.Desc) {
	ch <- requestSeconds
	ch <- requestErrors
	ch <- takenPercent
	ch <- openUpgrades
}

// Collect implements prometheus.Collector.
func (l *Legacy) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(openUpgrades, prometheus.GaugeValue, float64(l.upgrades.Load()))
	l.rest.collect(ch, "", "legacy")
	for _, t := range *l.takes.Load() {
		ch <- prometheus.MustNewConstMetric(takenPercent, prometheus.GaugeValue, t.Percent, t.Prefix)
		t.banyan.collect(ch, t.Prefix, "banyan")
		t.legacy.collect(ch, t.Prefix, "legacy")
	}
}

func (m *meter) collect(ch chan<- prometheus.Metric, labels ...string) {
	cumulative := make(map[float64]uint64, buckets/2)
	var total uint64
	for i := range buckets {
		total += m.figures.buckets[i].Load()
		if i%2 == 1 {
			cumulative[bucketEnd(i)] = total
		}
	}
	ch <- prometheus.MustNewConstHistogram(requestSeconds, total, float64(m.figures.nanos.Load())/1e9, cumulative, labels...)
	ch <- prometheus.MustNewConstMetric(requestErrors, prometheus.CounterValue, float64(m.figures.errors.Load()), labels...)
}
