package seam

import (
	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/seam/analysis"
	"banyan/platform/seam/client"
)

// The metrics of a route. A side is local, remote, or shadow: questions to the
// remote for comparisons.
var (
	callSeconds = prometheus.NewDesc("banyan_seam_call_seconds", "Calls through a module's route that say something about the side, and how long they took.",
		[]string{"module", "operation", "side"}, nil)
	callErrors = prometheus.NewDesc("banyan_seam_call_errors_total", "Calls that failed, by whose fault it was: server or caller.",
		[]string{"module", "operation", "side", "fault"}, nil)
	callsUnjudged = prometheus.NewDesc("banyan_seam_calls_unjudged_total", "Calls that say nothing about the side and are not in banyan_seam_call_seconds: busy (sent away for lack of room), abandoned (the caller went away, its time was over, or its body did not arrive).",
		[]string{"module", "operation", "side", "reason"}, nil)
	routeMode = prometheus.NewDesc("banyan_seam_route_mode", "1 for the mode that the module's route is in, else 0.",
		[]string{"module", "mode"}, nil)
	routePercent = prometheus.NewDesc("banyan_seam_route_percent", "Share of reads shadowed, or of callers led to the remote, in percent.",
		[]string{"module"}, nil)
	shadowReads = prometheus.NewDesc("banyan_seam_shadow_total", "Reads sampled for the shadow, by what came of them.",
		[]string{"module", "operation", "result"}, nil)
	canaryReads = prometheus.NewDesc("banyan_seam_canary_total", "Reads that a canary led to the remote, by who answered them; unjudged says nothing about the remote: it was busy, or the caller's time was over.",
		[]string{"module", "operation", "answered"}, nil)
	rollbacks = prometheus.NewDesc("banyan_seam_rollbacks_total", "How often the guard has moved the route back from canary to shadow.",
		[]string{"module"}, nil)
)

// Collector sends the figures of routes to Prometheus.
type Collector []*Route

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{callSeconds, callErrors, callsUnjudged, routeMode, routePercent, shadowReads, canaryReads, rollbacks} {
		ch <- d
	}
	client.Describe(ch)
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, r := range c {
		r.collect(ch)
	}
}

func (r *Route) collect(ch chan<- prometheus.Metric) {
	module, plan := r.contract.Module, r.Plan()
	for _, mode := range analysis.Modes() {
		is := 0.0
		if mode == plan.Mode {
			is = 1
		}
		ch <- prometheus.MustNewConstMetric(routeMode, prometheus.GaugeValue, is, module, string(mode))
	}
	ch <- prometheus.MustNewConstMetric(routePercent, prometheus.GaugeValue, plan.Percent, module)
	r.guard.mu.Lock()
	times := r.guard.rollbacks
	r.guard.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(rollbacks, prometheus.CounterValue, float64(times), module)
	if remote := r.state.Load().remote; remote != nil {
		remote.Collect(ch)
	}
	for i, d := range r.contract.operations {
		m := &r.meters[i]
		counts := m.Counts()
		collectSide(ch, &m.Local, &counts.Local, module, d.id, string(ModeLocal))
		collectSide(ch, &m.Remote, &counts.Remote, module, d.id, string(ModeRemote))
		collectSide(ch, &m.Shadow.Asked, &counts.Shadow, module, d.id, string(ModeShadow))
		if d.repeatable {
			collectSteps(ch, &counts, module, d.id)
		}
	}
}

// collectSteps sends what shadow and canary count, once there is something.
func collectSteps(ch chan<- prometheus.Metric, c *analysis.Counts, module, operation string) {
	count := func(desc *prometheus.Desc, n uint64, what string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), module, operation, what)
	}
	if c.Matched+c.Errors+c.Transient+c.Persistent+c.Failed+c.Dropped > 0 {
		count(shadowReads, c.Matched, "matched")
		count(shadowReads, c.Errors, "errors")
		count(shadowReads, c.Transient, "transient")
		count(shadowReads, c.Persistent, "persistent")
		count(shadowReads, c.Failed, "failed")
		count(shadowReads, c.Dropped, "dropped")
	}
	if c.Canary+c.Unjudged > 0 {
		count(canaryReads, c.Canary-c.Fallbacks, string(ModeRemote))
		count(canaryReads, c.Fallbacks, string(ModeLocal))
		count(canaryReads, c.Unjudged, "unjudged")
	}
}

func collectSide(ch chan<- prometheus.Metric, m *analysis.SideMeter, c *analysis.SideCounts, labels ...string) {
	if c.Calls()+c.Busy+c.Abandoned == 0 {
		return
	}
	ch <- m.Latencies.Metric(callSeconds, 4, labels...) // a bound per factor of four keeps the series few
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(c.Failures), append(labels, "server")...)
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(c.Refusals), append(labels, "caller")...)
	ch <- prometheus.MustNewConstMetric(callsUnjudged, prometheus.CounterValue, float64(c.Busy), append(labels, "busy")...)
	ch <- prometheus.MustNewConstMetric(callsUnjudged, prometheus.CounterValue, float64(c.Abandoned), append(labels, "abandoned")...)
}
