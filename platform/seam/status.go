package seam

import (
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/client"
	"banyan/platform/seam/diff"
)

// Status is what an operator sees of a route.
type Status struct {
	Module     string                    `json:"module"`
	Mode       Mode                      `json:"mode"`
	Percent    float64                   `json:"percent"`
	Epoch      int64                     `json:"epoch,omitempty"`
	URL        string                    `json:"url,omitempty"` // of the remote that is or was last in use
	Version    int                       `json:"contract_version"`
	Since      time.Time                 `json:"since"` // of the present plan
	Operations []analysis.OperationStats `json:"operations"`
	Guard      analysis.GuardStatus      `json:"guard"`
	Verdict    analysis.Verdict          `json:"verdict"`
}

// Status reads the state and the figures.
func (r *Route) Status() Status {
	s, now, counts, from := r.state.Load(), r.options.Clock(), r.counts(), r.window.Oldest()
	status := Status{
		Module: r.contract.Module, Mode: s.plan.Mode, Percent: s.plan.Percent, Epoch: s.plan.Epoch,
		Version: r.contract.Version, Since: s.since.UTC(), Guard: r.guard.status(), Verdict: r.verdict(s, counts),
	}
	if s.remote != nil {
		status.URL = s.remote.URL()
	}
	seconds := now.Sub(from.At).Seconds()
	for i, d := range r.contract.operations {
		status.Operations = append(status.Operations, r.meters[i].Stats(d.id, d.kind.String(), &counts[i], &from.Counts[i], seconds))
	}
	return status
}

// counts reads all figures since the start.
func (r *Route) counts() []analysis.Counts {
	all := make([]analysis.Counts, len(r.meters))
	for i := range r.meters {
		all[i] = r.meters[i].Counts()
	}
	return all
}

// Verdict judges the next step of this route.
func (r *Route) Verdict() analysis.Verdict {
	return r.verdict(r.state.Load(), r.counts())
}

func (r *Route) verdict(s *state, counts []analysis.Counts) analysis.Verdict {
	e := analysis.Evidence{Plan: s.plan, RemoteKnown: s.remote != nil, Alarms: r.guard.status().Alarms}
	for i, d := range r.contract.operations {
		e.Operations = append(e.Operations, analysis.OperationEvidence{
			Operation: d.id, Repeatable: d.repeatable, Counts: counts[i].Since(&s.base[i]), HereEver: counts[i].Local,
		})
	}
	return r.options.Bounds.Judge(e, r.options.Guard)
}

// Endpoints are those of the remote that Status names; none when it names none.
func (r *Route) Endpoints() []client.Status {
	if remote := r.state.Load().remote; remote != nil {
		return remote.Endpoints()
	}
	return []client.Status{}
}

// Differences returns the last differences of an operation, newest first, at most
// 100. Fails with fault.NotFound when the contract has no such operation.
func (r *Route) Differences(operation string) ([]diff.Difference, error) {
	for i, d := range r.contract.operations {
		if d.id == operation {
			return r.found[i].Newest(), nil
		}
	}
	return nil, fault.Newf(fault.NotFound, "the module %s has no operation of this name: its status lists them", r.contract.Module)
}
