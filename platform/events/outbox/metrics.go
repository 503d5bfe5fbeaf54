package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/database"
)

// Collector gives the state of the consumers of these databases' events to
// Prometheus. It reads it when it is asked.
type Collector []*database.DB

// collectTime bounds one reading; a database that does not answer in it is left out.
const collectTime = 2 * time.Second

var (
	consumerLabels = []string{"publisher", "consumer", "topic"}
	lagDesc        = prometheus.NewDesc("banyan_events_waiting", "Events published and not yet passed by the consumer (at most 10,000).", consumerLabels, nil)
	ageDesc        = prometheus.NewDesc("banyan_events_oldest_seconds", "Age of the oldest of them.", consumerLabels, nil)
	parkedDesc     = prometheus.NewDesc("banyan_events_retried", "Events that failed and wait to be tried again.", consumerLabels, nil)
	deadDesc       = prometheus.NewDesc("banyan_events_dead", "Dead letters: not tried again until replayed.", consumerLabels, nil)
	failuresDesc   = prometheus.NewDesc("banyan_events_failures", "Deliveries that failed as a whole, in a row.", consumerLabels, nil)
)

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, ageDesc, parkedDesc, deadDesc, failuresDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	for _, db := range c {
		list, err := ReadStatus(ctx, db)
		if err != nil {
			continue // readiness reports it; the other figures must still be seen
		}
		for _, s := range list {
			age := 0.0
			if !s.Oldest.IsZero() {
				age = max(0, time.Since(s.Oldest).Seconds())
			}
			gauge := func(d *prometheus.Desc, value float64) {
				ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, db.Module(), s.Consumer, s.Topic)
			}
			gauge(lagDesc, float64(s.Lag))
			gauge(ageDesc, age)
			gauge(parkedDesc, float64(s.Parked))
			gauge(deadDesc, float64(s.Dead))
			gauge(failuresDesc, float64(s.Failures))
		}
	}
}
