package client

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a remote's endpoints.
var (
	endpointState = prometheus.NewDesc("banyan_seam_endpoint_state", "1 for the state that an endpoint is in for a class of operations (read, write, stream): closed (it gets calls), ejected, open, half-open.",
		[]string{"module", "endpoint", "class", "state"}, nil)
	endpointInFlight = prometheus.NewDesc("banyan_seam_endpoint_in_flight", "Calls under way to an endpoint.",
		[]string{"module", "endpoint"}, nil)
	endpointCalls = prometheus.NewDesc("banyan_seam_endpoint_calls_total", "Attempts sent to an endpoint, by outcome: answered, failed (its fault), busy (sent away for lack of room), abandoned (ended for the caller's reasons).",
		[]string{"module", "endpoint", "outcome"}, nil)
	retriesTotal = prometheus.NewDesc("banyan_seam_retries_total", "Calls sent again after a failure, and those that the retry budget refused.",
		[]string{"module", "result"}, nil)
)

// Describe sends the descriptions of the metrics that Collect sends.
func Describe(ch chan<- *prometheus.Desc) {
	ch <- endpointState
	ch <- endpointInFlight
	ch <- endpointCalls
	ch <- retriesTotal
}

// Collect sends the metrics of the endpoints.
func (r *Client) Collect(ch chan<- prometheus.Metric) {
	for _, e := range *r.endpoints.Load() {
		name, figures := e.name(), e.figures()
		classes, _ := e.states()
		for _, c := range classes {
			ch <- prometheus.MustNewConstMetric(endpointState, prometheus.GaugeValue, 1, r.module, name, c.Class, c.State)
		}
		ch <- prometheus.MustNewConstMetric(endpointInFlight, prometheus.GaugeValue, float64(e.inFlight.Load()), r.module, name)
		ch <- prometheus.MustNewConstMetric(endpointCalls, prometheus.CounterValue, float64(figures.Calls-figures.Failures), r.module, name, "answered")
		ch <- prometheus.MustNewConstMetric(endpointCalls, prometheus.CounterValue, float64(figures.Failures), r.module, name, "failed")
		ch <- prometheus.MustNewConstMetric(endpointCalls, prometheus.CounterValue, float64(figures.Busy), r.module, name, "busy")
		ch <- prometheus.MustNewConstMetric(endpointCalls, prometheus.CounterValue, float64(figures.Abandoned), r.module, name, "abandoned")
	}
	ch <- prometheus.MustNewConstMetric(retriesTotal, prometheus.CounterValue, float64(r.budget.retries.Load()), r.module, "sent")
	ch <- prometheus.MustNewConstMetric(retriesTotal, prometheus.CounterValue, float64(r.budget.refused.Load()), r.module, "refused")
}
