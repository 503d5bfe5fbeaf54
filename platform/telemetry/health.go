package telemetry

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// checkTime bounds one readiness check.
const checkTime = 2 * time.Second

// Health says whether this process should get requests. Its states:
//
//	ready ⇄ not ready   as the checks say, each time it is asked
//	any   → draining    once, by Drain: the process is stopping
type Health struct {
	mu       sync.Mutex
	draining bool
	checks   []*check
}

type check struct {
	name string
	run  func(context.Context) error
	busy chan struct{} // holds one token: a check that hangs is not started again beside itself
}

// Readiness is the answer to "should I send requests here".
type Readiness struct {
	Status string            `json:"status"`           // ready, not_ready or draining
	Checks map[string]string `json:"checks,omitempty"` // "ok", or what is wrong
}

// Ready tells whether requests are welcome.
func (r Readiness) Ready() bool { return r.Status == "ready" }

// NewHealth begins ready, without checks.
func NewHealth() *Health { return &Health{} }

// Add makes readiness depend on a check, which must end when its context does.
func (h *Health) Add(name string, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, run: run, busy: make(chan struct{}, 1)})
}

// Drain turns readiness off for good: load balancers look elsewhere while the
// running requests finish.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

var errStillRunning = errors.New("did not answer in time")

// Ready runs all checks at the same time and gives the result, within two
// seconds even when a check hangs.
func (h *Health) Ready(ctx context.Context) Readiness {
	h.mu.Lock()
	draining, checks := h.draining, slices.Clone(h.checks)
	h.mu.Unlock()
	if draining { // the checks no longer matter, and their databases may be closing
		return Readiness{Status: "draining"}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	answers := make([]chan error, len(checks))
	for i, c := range checks {
		answers[i] = c.start(ctx)
	}
	result := Readiness{Status: "ready", Checks: make(map[string]string, len(checks))}
	for i, c := range checks {
		err := wait(ctx, answers[i])
		result.Checks[c.name] = "ok"
		if err != nil {
			result.Status = "not_ready"
			result.Checks[c.name] = err.Error()
		}
	}
	return result
}

// wait prefers an answer that is there over the end of the time.
func wait(ctx context.Context, answer chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-answer:
		return err
	default:
		return errStillRunning
	}
}

// start runs the check, unless the last run of it still hangs: then it waits
// for that to end. A check is never run twice at the same time, so a hanging
// one holds one goroutine; those that wait end with ctx.
func (c *check) start(ctx context.Context) chan error {
	answer := make(chan error, 1)
	go func() {
		select {
		case c.busy <- struct{}{}:
		case <-ctx.Done():
			answer <- errStillRunning
			return
		}
		defer func() { <-c.busy }()
		answer <- c.run(ctx)
	}()
	return answer
}
