package webhooks

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector is a prometheus.Collector of the webhooks of all modules of a process. It
// reads their databases at each scrape.
type Collector []*Hooks

// collectTime bounds one scrape; a database that does not answer in it is left out.
const collectTime = 2 * time.Second

var (
	endpointLabels = []string{"module", "endpoint"}
	waitingDesc    = prometheus.NewDesc("banyan_webhooks_waiting", "Messages that wait for an endpoint, also for their next attempt.", endpointLabels, nil)
	deadDesc       = prometheus.NewDesc("banyan_webhooks_dead", "Messages that failed too often and are not sent again until they are replayed.", endpointLabels, nil)
	failuresDesc   = prometheus.NewDesc("banyan_webhooks_failures", "Consecutive attempts that an endpoint did not take.", endpointLabels, nil)
	stoppedDesc    = prometheus.NewDesc("banyan_webhooks_stopped", "1 for an endpoint to which nothing is sent.", endpointLabels, nil)
	attemptsDesc   = prometheus.NewDesc("banyan_webhooks_attempts_total", "Attempts of this process to send a message.", []string{"module", "result"}, nil)
)

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{waitingDesc, deadDesc, failuresDesc, stoppedDesc, attemptsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	for _, h := range c {
		module := h.o.DB.Module()
		ch <- prometheus.MustNewConstMetric(attemptsDesc, prometheus.CounterValue, float64(h.delivered.Load()), module, "delivered")
		ch <- prometheus.MustNewConstMetric(attemptsDesc, prometheus.CounterValue, float64(h.failed.Load()), module, "failed")
		list, err := h.Endpoints(ctx)
		if err != nil {
			continue // readiness reports it
		}
		for i := range list {
			e := &list[i]
			gauge := func(d *prometheus.Desc, value float64) {
				ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, module, strconv.FormatInt(e.ID, 10))
			}
			gauge(waitingDesc, float64(e.Waiting))
			gauge(deadDesc, float64(e.Dead))
			gauge(failuresDesc, float64(e.Failures))
			stopped := 0.0
			if e.Stopped != "" {
				stopped = 1
			}
			gauge(stoppedDesc, stopped)
		}
	}
}
