package httpserver

import "github.com/prometheus/client_golang/prometheus"

var (
	openConnections = prometheus.NewDesc("banyan_http_connections", "Connections that are open at the public address, by whether they wait for a request.", []string{"state"}, nil)
	noSeats         = prometheus.NewDesc("banyan_http_connections_refused_total", "Connections that were refused, or closed to make room, by the setting that bounds them.", []string{"reason"}, nil)
	openUploads     = prometheus.NewDesc("banyan_http_uploads", "Uploads under way that have waited for their clients for a second.", nil, nil)
	endedUploads    = prometheus.NewDesc("banyan_http_uploads_refused_total", "Uploads that were ended because they were too slow, or too many.", []string{"reason"}, nil)
)

// Describe implements prometheus.Collector.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	ch <- openConnections
	ch <- noSeats
	ch <- openUploads
	ch <- endedUploads
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	open, waiting := s.connections.count()
	ch <- prometheus.MustNewConstMetric(openConnections, prometheus.GaugeValue, float64(waiting), "waiting")
	ch <- prometheus.MustNewConstMetric(openConnections, prometheus.GaugeValue, float64(open-waiting), "busy")
	counter := func(d *prometheus.Desc, n uint64, reason string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), reason)
	}
	counter(noSeats, s.connections.refusedClient.Load(), "connections_per_client")
	counter(noSeats, s.connections.refusedAll.Load(), "connections")
	counter(noSeats, s.connections.evicted.Load(), "waited_longest")
	uploads := &s.costs.uploads
	ch <- prometheus.MustNewConstMetric(openUploads, prometheus.GaugeValue, float64(uploads.count()))
	counter(endedUploads, uploads.slow.Load(), "slow")
	counter(endedUploads, uploads.refused.Load(), "too_many")
}
