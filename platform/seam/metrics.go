package seam

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a route, per module, operation and side (local, remote).
var (
	callSeconds = prometheus.NewDesc("banyan_seam_call_seconds", "Calls through a module's route and how long they took.",
		[]string{"module", "operation", "side"}, nil)
	callErrors = prometheus.NewDesc("banyan_seam_call_errors_total", "Calls that failed, by whose fault it was: server or caller.",
		[]string{"module", "operation", "side", "fault"}, nil)
	routeMode = prometheus.NewDesc("banyan_seam_route_remote", "1 when the module's calls go to another process, else 0.",
		[]string{"module"}, nil)
)

// Collector gives the figures of routes to Prometheus.
type Collector []*Route

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- callSeconds
	ch <- callErrors
	ch <- routeMode
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, r := range c {
		r.collect(ch)
	}
}

func (r *Route) collect(ch chan<- prometheus.Metric) {
	remote := 0.0
	if r.remote.Load() != nil {
		remote = 1
	}
	ch <- prometheus.MustNewConstMetric(routeMode, prometheus.GaugeValue, remote, r.contract.Module)
	for i, d := range r.contract.operations {
		r.meters[i].local.collect(ch, r.contract.Module, d.id, string(ModeLocal))
		r.meters[i].remote.collect(ch, r.contract.Module, d.id, string(ModeRemote))
	}
}

func (m *sideMeter) collect(ch chan<- prometheus.Metric, labels ...string) {
	cumulative := make(map[float64]uint64, latencyBuckets/4)
	var total uint64
	for i := range m.buckets {
		total += m.buckets[i].Load()
		if i%4 == 3 { // one bound per factor of four keeps the series few
			cumulative[bucketEnd(i)] = total
		}
	}
	if total == 0 {
		return
	}
	ch <- prometheus.MustNewConstHistogram(callSeconds, total, float64(m.nanos.Load())/1e9, cumulative, labels...)
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(m.failures.Load()), append(labels, "server")...)
	ch <- prometheus.MustNewConstMetric(callErrors, prometheus.CounterValue, float64(m.refusals.Load()), append(labels, "caller")...)
}
