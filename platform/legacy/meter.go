package legacy

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/latency"
)

// meter counts the requests of one prefix on one side. It is a handle: copies
// count into the same figures.
type meter struct{ figures *figures }

type figures struct {
	latencies latency.Histogram
	errors    atomic.Uint64
}

func newMeter() meter { return meter{new(figures)} }

func (m *meter) observe(took time.Duration, failed bool) {
	m.figures.latencies.Observe(took)
	if failed {
		m.figures.errors.Add(1)
	}
}

// SideStats are the figures of one side since the start.
type SideStats struct {
	Requests uint64  `json:"requests"`
	Errors   uint64  `json:"errors"` // answered with 5xx, or broken off by the server's side
	P50      float64 `json:"p50"`    // seconds to the answer's headers, the upper end of a bucket
	P99      float64 `json:"p99"`
}

func (m *meter) stats() SideStats {
	counts := m.figures.latencies.Counts()
	return SideStats{
		Requests: counts.Total(), Errors: m.figures.errors.Load(),
		P50: counts.Quantile(0.5), P99: counts.Quantile(0.99),
	}
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
	Rest     SideStats     `json:"rest"`     // what is not taken
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

// The metrics, per taken prefix and side (banyan, legacy). What is not
// taken has the prefix "".
var (
	requestSeconds = prometheus.NewDesc("banyan_legacy_request_seconds", "Requests below a taken prefix, and to the legacy system, and the time to their answers' headers.",
		[]string{"prefix", "side"}, nil)
	requestErrors = prometheus.NewDesc("banyan_legacy_request_errors_total", "Of these, answered with 5xx or broken off by the server's side.",
		[]string{"prefix", "side"}, nil)
	takenPercent = prometheus.NewDesc("banyan_legacy_taken_percent", "Share of clients for whom Banyan serves a prefix.", []string{"prefix"}, nil)
	openUpgrades = prometheus.NewDesc("banyan_legacy_upgrades", "WebSockets to the legacy system that are open.", nil, nil)
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
	ch <- m.figures.latencies.Metric(requestSeconds, 4, labels...)
	ch <- prometheus.MustNewConstMetric(requestErrors, prometheus.CounterValue, float64(m.figures.errors.Load()), labels...)
}
