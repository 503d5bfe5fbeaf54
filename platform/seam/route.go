package seam

import (
	"strings"
	"sync/atomic"

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

// basePath is where a module's operations live, in every process.
func basePath(module string) string { return "/api/v1/" + strings.Trim(module, "/") }
