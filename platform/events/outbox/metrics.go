package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/database"
)

// Collector is a prometheus.Collector of the Status of all consumers of these
// databases' events. It reads them at each scrape.
type Collector []*database.DB

// collectTime bounds one scrape; a database that does not answer in it is left out.
const collectTime = 2 * time.Second

var (
	consumerLabels = []string{"publisher", "consumer", "topic"}
	lagDesc        = prometheus.NewDesc("banyan_events_waiting", "Events published and not yet delivered to the consumer (counted up to 10,000).", consumerLabels, nil)
	ageDesc        = prometheus.NewDesc("banyan_events_oldest_seconds", "Age of the oldest event in banyan_events_waiting.", consumerLabels, nil)
	parkedDesc     = prometheus.NewDesc("banyan_events_retry_pending", "Events that failed and wait for their next attempt.", consumerLabels, nil)
	deadDesc       = prometheus.NewDesc("banyan_events_dead", "Dead letters: events that are not tried again until they are replayed.", consumerLabels, nil)
	failuresDesc   = prometheus.NewDesc("banyan_events_failures", "Consecutive deliveries that failed as a whole.", consumerLabels, nil)
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
		if db.Left() != nil {
			continue // its events are delivered where the data is
		}
		list, err := ReadStatus(ctx, db)
		if err != nil {
			continue // readiness reports it; the other databases' metrics must still be collected
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
