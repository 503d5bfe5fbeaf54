package telemetry

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// AdminOptions configures Admin.
type AdminOptions struct {
	Gatherer prometheus.Gatherer
	Health   *Health
	Pprof    bool
}

// Admin returns the handler of the admin address, which must be reachable by the
// operator and the monitoring only:
//
//	GET /metrics   Prometheus text
//	GET /healthz   200 as long as the process can answer; checks nothing else,
//	               so that a slow database never makes a supervisor restart the process
//	GET /readyz    200 when the process is ready for requests, else 503 with the failed checks
//	GET /debug/pprof/…   only with Pprof
func Admin(o AdminOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		readiness, status := o.Health.Ready(r.Context()), http.StatusOK
		if !readiness.Ready() {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, readiness)
	})
	if o.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may have disconnected
}
