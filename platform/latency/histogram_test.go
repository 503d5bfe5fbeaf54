package latency_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/latency"
)

func TestQuantilesAreTheUpperEndsOfTheirBuckets(t *testing.T) {
	var l latency.Histogram
	before := l.Counts()
	if q := before.Quantile(0.5); q != 0 {
		t.Errorf("nothing was counted, and half of it took up to %v s", q)
	}
	for range 98 {
		l.Observe(time.Millisecond)
	}
	l.Observe(time.Second)
	l.Observe(time.Hour) // over the last bucket
	counts := l.Counts()
	for q, took := range map[float64]float64{0.01: 0.001, 0.5: 0.001, 0.98: 0.001, 0.99: 1} {
		if got := counts.Quantile(q); got < took || got > 1.5*took {
			t.Errorf("quantile %v is %v s, of durations of %v s", q, got, took)
		}
	}
	if last := counts.Quantile(1); last < 60 || counts.Total() != 100 {
		t.Errorf("the longest of %d took up to %v s", counts.Total(), last)
	}
	l.Observe(-time.Second) // a clock that went back
	later := l.Counts()
	added := later.Since(&counts)
	if added.Total() != 1 || added.Quantile(1) > 1e-7 {
		t.Errorf("%d were added, up to %v s", added.Total(), added.Quantile(1))
	}
}

func TestLatenciesAreAHistogramWithBoundsApart(t *testing.T) {
	var l latency.Histogram
	l.Observe(100 * time.Nanosecond)
	l.Observe(3 * time.Millisecond)
	l.Observe(3 * time.Hour)
	desc := prometheus.NewDesc("some_seconds", "Some.", []string{"side"}, nil)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collected{desc: desc, metric: l.Metric(desc, 4, "here")})
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 3 || h.GetSampleSum() < 3*3600 {
		t.Errorf("%d durations of %v s", h.GetSampleCount(), h.GetSampleSum())
	}
	last := 0.0
	for _, b := range h.GetBucket() {
		if last > 0 && b.GetUpperBound() != 4*last {
			t.Errorf("a bound of %v s follows %v s", b.GetUpperBound(), last)
		}
		last = b.GetUpperBound()
		want := uint64(1)
		if last >= 3e-3 {
			want = 2
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("%d took up to %v s, want %d", b.GetCumulativeCount(), last, want)
		}
	}
}

// collected is a collector of one metric.
type collected struct {
	desc   *prometheus.Desc
	metric prometheus.Metric
}

func (c collected) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }
func (c collected) Collect(ch chan<- prometheus.Metric) { ch <- c.metric }
