package telemetry

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry returns a registry with the metrics of Go's runtime and of the
// process.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}

// HTTPMetrics counts the requests of a server by method, route and status.
// Routes are chi's patterns, never paths: their number is bounded by the
// program, not by its clients.
type HTTPMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	// Finding a series by its labels takes longer than counting in it, so they are
	// cached, in a map that is replaced and never changed.
	found  atomic.Pointer[map[labels]series]
	adding sync.Mutex
}

type labels struct {
	method, route string
	status        int
}

type series struct {
	requests prometheus.Counter
	duration prometheus.Observer
}

// NewHTTPMetrics registers the metrics of an HTTP server; once per registry.
func NewHTTPMetrics(registry prometheus.Registerer) *HTTPMetrics {
	m := &HTTPMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "banyan_http_requests_total",
			Help: "HTTP requests that were answered.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "banyan_http_request_duration_seconds",
			Help:    "Time from a request's headers to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "banyan_http_requests_in_flight",
			Help: "HTTP requests that are being answered.",
		}),
	}
	m.found.Store(&map[labels]series{})
	registry.MustRegister(m.requests, m.duration, m.inFlight)
	return m
}

// Begin counts a request as running; each Begin must have one End.
func (m *HTTPMetrics) Begin() { m.inFlight.Inc() }

// End counts a request as answered. An empty route means that no route matched.
func (m *HTTPMetrics) End(method, route string, status int, took time.Duration) {
	m.inFlight.Dec()
	method = knownMethod(method)
	if route == "" {
		route = "unmatched"
	}
	s := m.series(labels{method, route, status})
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
}

func (m *HTTPMetrics) series(l labels) series {
	if s, ok := (*m.found.Load())[l]; ok {
		return s
	}
	m.adding.Lock()
	defer m.adding.Unlock()
	all := maps.Clone(*m.found.Load())
	all[l] = series{
		requests: m.requests.WithLabelValues(l.method, l.route, strconv.Itoa(l.status)),
		duration: m.duration.WithLabelValues(l.method, l.route),
	}
	m.found.Store(&all)
	return all[l]
}

// knownMethod returns "OTHER" for unknown methods, so that they do not make a series
// each.
func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return method
	}
	return "OTHER"
}
