package analysis

// GuardStatus is what the guard has found.
type GuardStatus struct {
	Alarms   []string  `json:"alarms"` // reasons against the remote at the moment
	Rollback *Rollback `json:"rollback,omitempty"`
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
	Compared    uint64  `json:"compared"`   // matched + transient + persistent
	Matched     uint64  `json:"matched"`    // both answered the same
	Errors      uint64  `json:"errors"`     // both refused with the same error; no evidence, and not in compared
	Transient   uint64  `json:"transient"`  // differences that were gone when both were asked again
	Persistent  uint64  `json:"persistent"` // those that were still there
	Failed      uint64  `json:"failed"`     // the remote could not answer
	Dropped     uint64  `json:"dropped"`    // sampled and not compared: no room in the queue, a side was busy, or the route moved
	P50         float64 `json:"p50"`        // seconds, of the remote
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

// Stats returns an operation's figures since the start, and those of the last
// window, which began so many seconds ago with the counts before.
func (m *Meter) Stats(operation, kind string, c, before *Counts, seconds float64) OperationStats {
	lately := c.Since(before)
	stats := OperationStats{
		Operation: operation, Kind: kind, Local: c.Local.Stats(), Remote: c.Remote.Stats(), Shadow: c.shadowStats(),
		Canary: CanaryStats{Remote: c.Canary, Fallbacks: c.Fallbacks, Unjudged: c.Unjudged},
		Recent: RecentStats{
			Seconds: seconds, Local: lately.Local.recent(seconds), Remote: lately.Remote.recent(seconds), Shadow: lately.Shadow.recent(seconds),
		},
	}
	if why := m.Shadow.LastFailure.Load(); why != nil {
		stats.Shadow.LastFailure = *why
	}
	return stats
}

// Stats returns the figures as operators see them.
func (c *SideCounts) Stats() SideStats {
	return SideStats{
		Calls: c.Calls(), Failures: c.Failures, Refusals: c.Refusals, Busy: c.Busy, Abandoned: c.Abandoned,
		P50: c.Quantile(0.5), P99: c.Quantile(0.99),
	}
}

func (c *Counts) shadowStats() ShadowStats {
	return ShadowStats{
		Compared: c.compared(), Matched: c.Matched, Errors: c.Errors, Transient: c.Transient, Persistent: c.Persistent,
		Failed: c.Failed, Dropped: c.Dropped, P50: c.Shadow.Quantile(0.5), P99: c.Shadow.Quantile(0.99),
	}
}

func (c *SideCounts) recent(seconds float64) RecentSide {
	side := RecentSide{FailureRate: c.failureRate(), P50: c.Quantile(0.5), P99: c.Quantile(0.99)}
	if seconds > 0 {
		side.PerSecond = float64(c.Calls()) / seconds
	}
	return side
}
