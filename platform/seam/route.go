package seam

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/fault"
)

// Mode is the state of a route.
type Mode string

// The modes. Between them a route moves at once: calls under way end where
// they began.
const (
	ModeLocal  Mode = "local"  // reads and writes in process
	ModeRemote Mode = "remote" // reads and writes at the remote
)

// tracerName is the instrumentation scope of the seam's spans.
const tracerName = "banyan/seam"

// Route leads every call of one module to where the module runs. It is always
// in place, so that moving the module changes one pointer and no caller.
//
//	        UseRemote
//	local ─────────────▶ remote
//	      ◀─────────────
//	        UseLocal
type Route struct {
	contract *Contract
	local    *Local                 // nil in a process that does not hold the module
	remote   atomic.Pointer[Remote] // nil = local
	meters   []meter
}

// NewRoute makes the route of a module that runs in this process; it begins
// local.
func NewRoute(local *Local) *Route {
	return &Route{contract: local.contract, local: local, meters: make([]meter, len(local.contract.operations))}
}

// NewRemoteRoute makes the route of a module that this process does not hold.
func NewRemoteRoute(c *Contract, remote *Remote) *Route {
	r := &Route{contract: c, meters: make([]meter, len(c.operations))}
	r.remote.Store(remote)
	return r
}

// UseLocal leads new calls to the module in this process. Fails with
// fault.Conflict when this process does not hold the module.
func (r *Route) UseLocal() error {
	if r.local == nil {
		return fault.Newf(fault.Conflict, "this process does not hold the module %s: it can only be remote here", r.contract.Module)
	}
	r.remote.Store(nil)
	return nil
}

// UseRemote leads new calls to the remote.
func (r *Route) UseRemote(remote *Remote) { r.remote.Store(remote) }

// Status is what an operator sees of a route.
type Status struct {
	Module     string           `json:"module"`
	Mode       Mode             `json:"mode"`
	URL        string           `json:"url,omitempty"` // of the remote
	Version    int              `json:"contract_version"`
	Operations []OperationStats `json:"operations"`
}

// Status reads the state and the figures since the start.
func (r *Route) Status() Status {
	s := Status{Module: r.contract.Module, Mode: ModeLocal, Version: r.contract.Version}
	if remote := r.remote.Load(); remote != nil {
		s.Mode, s.URL = ModeRemote, remote.URL()
	}
	for i, d := range r.contract.operations {
		s.Operations = append(s.Operations, OperationStats{
			Operation: d.id, Local: r.meters[i].local.stats(), Remote: r.meters[i].remote.stats(),
		})
	}
	return s
}

// The metrics of a route, per module, operation and side (local, remote).
var (
	callSeconds = prometheus.NewDesc("banyan_seam_call_seconds", "Calls through a module's route and how long they took.",
		[]string{"module", "operation", "side"}, nil)
	callErrors = prometheus.NewDesc("banyan_seam_call_errors_total", "Calls that failed, by whose fault it was: server or caller.",
		[]string{"module", "operation", "side", "fault"}, nil)
	routeMode = prometheus.NewDesc("banyan_seam_route_remote", "1 when the module's calls go to another process, else 0.",
		[]string{"module"}, nil)
)

// Describe implements prometheus.Collector.
func (r *Route) Describe(ch chan<- *prometheus.Desc) {
	ch <- callSeconds
	ch <- callErrors
	ch <- routeMode
}

// Collect implements prometheus.Collector.
func (r *Route) Collect(ch chan<- prometheus.Metric) {
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

// basePath is where a module's operations live, in every process.
func basePath(module string) string { return "/api/v1/" + strings.Trim(module, "/") }
