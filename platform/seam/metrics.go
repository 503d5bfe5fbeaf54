package seam

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a route. A side is local, remote, or shadow: questions to the
// remote behind the callers' backs.
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
	stepBacks = prometheus.NewDesc("banyan_seam_step_backs_total", "How often the guard has stepped the route back.",
		[]string{"module"}, nil)
)

// Collector gives the figures of routes to Prometheus.
type Collector []*Route

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{callSeconds, callErrors, callsUnjudged, routeMode, routePercent, shadowReads, canaryReads, stepBacks} {
		ch <- d
	}
	describeEndpoints(ch)
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, r := range c {
		r.collect(ch)
	}
}

func (r *Route) collect(ch chan<- prometheus.Metric) {
	module, plan := r.contract.Module, r.Plan()
	for _, mode := range Modes() {
		is := 0.0
		if mode == plan.Mode {
			is = 1
		}
		ch <- prometheus.MustNewConstMetric(routeMode, prometheus.GaugeValue, is, module, string(mode))
	}
	ch <- prometheus.MustNewConstMetric(routePercent, prometheus.GaugeValue, plan.Percent, module)
	r.guard.mu.Lock()
	steps := r.guard.steps
	r.guard.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(stepBacks, prometheus.CounterValue, float64(steps), module)
	if remote := r.state.Load().remote; remote != nil {
		remote.collect(ch)
	}
	for i, d := range r.contract.operations {
		m := &r.meters[i]
		m.local.collect(ch, module, d.id, string(ModeLocal))
		m.remote.collect(ch, module, d.id, string(ModeRemote))
		m.shadow.asked.collect(ch, module, d.id, string(ModeShadow))
		if d.repeatable {
			m.collectSteps(ch, module, d.id)
		}
	}
}

// collectSteps gives what shadow and canary count, once there is something.
func (m *meter) collectSteps(ch chan<- prometheus.Metric, module, operation string) {
	count := func(desc *prometheus.Desc, n uint64, what string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), module, operation, what)
	}
	s := &m.shadow
	matched, refused, passing, lasting, failed, dropped := s.matched.Load(), s.errors.Load(), s.passing.Load(), s.lasting.Load(), s.failed.Load(), s.dropped.Load()
	if matched+refused+passing+lasting+failed+dropped > 0 {
		count(shadowReads, matched, "matched")
		count(shadowReads, refused, "errors")
		count(shadowReads, passing, "passing")
		count(shadowReads, lasting, "lasting")
		count(shadowReads, failed, "failed")
		count(shadowReads, dropped, "dropped")
	}
	fallbacks := m.fallbacks.Load() // before canary, which is counted first: the difference is never negative
	unjudged := m.unjudged.Load()
	if led := m.canary.Load(); led+unjudged > 0 {
		count(canaryReads, led-fallbacks, string(ModeRemote))
		count(canaryReads, fallbacks, string(ModeLocal))
		count(canaryReads, unjudged, "unjudged")
	}
}

func (m *sideMeter) collect(ch chan<- prometheus.Metric, labels ...string) {
	busy, abandoned := m.busy.Load(), m.abandoned.Load()
	if calls := m.latencies.Counts(); calls.Total()+busy+abandoned == 0 {
		return
	}
	ch <- m.latencies.Metric(callSeconds, 4, labels...) // a bound per factor of four keeps the series few
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(m.failures.Load()), append(labels, "server")...)
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(m.refusals.Load()), append(labels, "caller")...)
	ch <- prometheus.MustNewConstMetric(callsUnjudged, prometheus.CounterValue, float64(busy), append(labels, "busy")...)
	ch <- prometheus.MustNewConstMetric(callsUnjudged, prometheus.CounterValue, float64(abandoned), append(labels, "abandoned")...)
}
