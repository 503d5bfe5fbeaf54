package seam

import "time"

// Status is what an operator sees of a route.
type Status struct {
	Module     string           `json:"module"`
	Mode       Mode             `json:"mode"`
	Percent    float64          `json:"percent"`
	Epoch      int64            `json:"epoch,omitempty"`
	URL        string           `json:"url,omitempty"` // of the remote, also of one that could be gone to
	Version    int              `json:"contract_version"`
	Since      time.Time        `json:"since"` // of the present plan
	Operations []OperationStats `json:"operations"`
	Guard      GuardStatus      `json:"guard"`
	Verdict    Verdict          `json:"verdict"`
}

// GuardStatus is what the guard has found.
type GuardStatus struct {
	Alarms   []string  `json:"alarms"` // what speaks against the remote at the moment
	StepBack *StepBack `json:"step_back,omitempty"`
}

// OperationStats are the figures of one operation.
type OperationStats struct {
	Operation string      `json:"operation"`
	Kind      string      `json:"kind"` // read or write
	Local     SideStats   `json:"local"`
	Remote    SideStats   `json:"remote"`
	Shadow    ShadowStats `json:"shadow"`
	Canary    CanaryStats `json:"canary"`
	Recent    RecentStats `json:"recent"`
}

// SideStats are the figures of one operation on one side since the start.
type SideStats struct {
	Calls     uint64  `json:"calls"`     // that say something about the side
	Failures  uint64  `json:"failures"`  // of Calls: the server's fault
	Refusals  uint64  `json:"refusals"`  // of Calls: the caller's fault
	Busy      uint64  `json:"busy"`      // beside Calls: sent away for lack of room
	Abandoned uint64  `json:"abandoned"` // beside Calls: the caller went away, its time was over, or its body did not arrive
	P50       float64 `json:"p50"`       // seconds, the upper end of the bucket it falls in
	P99       float64 `json:"p99"`       // seconds
}

// ShadowStats are what comparing has shown since the start.
type ShadowStats struct {
	Compared    uint64  `json:"compared"` // matched + passing + lasting
	Matched     uint64  `json:"matched"`  // both gave the same answer
	Errors      uint64  `json:"errors"`   // both refused with the same error; no evidence, and not in compared
	Passing     uint64  `json:"passing"`  // differences that were gone when both were asked again
	Lasting     uint64  `json:"lasting"`
	Failed      uint64  `json:"failed"`  // the remote could not answer
	Dropped     uint64  `json:"dropped"` // sampled and not compared: no room in the queue, a side was busy, or the route moved
	P50         float64 `json:"p50"`     // seconds, of the remote
	P99         float64 `json:"p99"`
	LastFailure string  `json:"last_failure,omitempty"`
}

// CanaryStats count the reads that canaries have led to the remote.
type CanaryStats struct {
	Remote    uint64 `json:"remote"`    // that say something about it
	Fallbacks uint64 `json:"fallbacks"` // of these, answered here because the remote failed
	Unjudged  uint64 `json:"unjudged"`  // beside these: the remote was busy, or the caller's time was over
}

// RecentStats are the figures of the last window, at most 30 s unless set
// otherwise.
type RecentStats struct {
	Seconds float64    `json:"seconds"` // length of the window so far
	Local   RecentSide `json:"local"`
	Remote  RecentSide `json:"remote"`
	Shadow  RecentSide `json:"shadow"` // questions of the shadow to the remote
}

// RecentSide are the recent figures of one side.
type RecentSide struct {
	PerSecond   float64 `json:"per_second"`
	FailureRate float64 `json:"failure_rate"` // 0 to 1
	P50         float64 `json:"p50"`          // seconds
	P99         float64 `json:"p99"`          // seconds
}

// Endpoints are those of the remote that Status names; none when it names none.
func (r *Route) Endpoints() []EndpointStatus {
	if remote := r.state.Load().remote; remote != nil {
		return remote.Endpoints()
	}
	return []EndpointStatus{}
}

// Status reads the state and the figures.
func (r *Route) Status() Status {
	s, now, counts, from := r.state.Load(), r.options.Clock(), r.counts(), r.samples.oldest()
	status := Status{
		Module: r.contract.Module, Mode: s.plan.Mode, Percent: s.plan.Percent, Epoch: s.plan.Epoch,
		Version: r.contract.Version, Since: s.since.UTC(), Guard: r.guard.status(), Verdict: r.verdict(s, counts),
	}
	if s.remote != nil {
		status.URL = s.remote.URL()
	}
	seconds := now.Sub(from.at).Seconds()
	for i, d := range r.contract.operations {
		c, lately := &counts[i], counts[i].since(&from.counts[i])
		stats := OperationStats{
			Operation: d.id, Kind: d.kind.String(), Local: c.local.stats(), Remote: c.remote.stats(), Shadow: c.shadowStats(),
			Canary: CanaryStats{Remote: c.canary, Fallbacks: c.fallbacks, Unjudged: c.unjudged},
			Recent: RecentStats{
				Seconds: seconds, Local: lately.local.recent(seconds), Remote: lately.remote.recent(seconds), Shadow: lately.shadow.recent(seconds),
			},
		}
		if why := r.meters[i].shadow.why.Load(); why != nil {
			stats.Shadow.LastFailure = *why
		}
		status.Operations = append(status.Operations, stats)
	}
	return status
}

func (g *guardMemory) status() GuardStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	return GuardStatus{Alarms: append([]string{}, g.alarms...), StepBack: g.last}
}

func (c *sideCounts) stats() SideStats {
	return SideStats{
		Calls: c.calls(), Failures: c.failures, Refusals: c.refusals, Busy: c.busy, Abandoned: c.abandoned,
		P50: c.quantile(0.5), P99: c.quantile(0.99),
	}
}

func (c *operationCounts) shadowStats() ShadowStats {
	return ShadowStats{
		Compared: c.compared(), Matched: c.matched, Errors: c.errors, Passing: c.passing, Lasting: c.lasting, Failed: c.failed, Dropped: c.dropped,
		P50: c.shadow.quantile(0.5), P99: c.shadow.quantile(0.99),
	}
}

func (c *sideCounts) recent(seconds float64) RecentSide {
	side := RecentSide{FailureRate: c.failureRate(), P50: c.quantile(0.5), P99: c.quantile(0.99)}
	if seconds > 0 {
		side.PerSecond = float64(c.calls()) / seconds
	}
	return side
}
