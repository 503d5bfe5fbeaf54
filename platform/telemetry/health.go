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

// Health reports whether this process is ready for requests. Its states:
//
//	ready ⇄ not ready   by the checks, at each call of Ready
//	any   → draining    once, by Drain: the process is stopping
type Health struct {
	mu       sync.Mutex
	draining bool
	checks   []*check
}

type check struct {
	name string
	run  func(context.Context) error
	busy chan struct{} // a semaphore of 1: a check that hangs is not started a second time
}

// Readiness is the result of Health.Ready.
type Readiness struct {
	Status string            `json:"status"`           // ready, not_ready or draining
	Checks map[string]string `json:"checks,omitempty"` // "ok" or the error, by check
}

// Ready reports whether the process is ready for requests.
func (r Readiness) Ready() bool { return r.Status == "ready" }

// NewHealth returns a Health without checks, which is ready.
func NewHealth() *Health { return &Health{} }

// Add makes readiness depend on a check, which must end when its context does.
func (h *Health) Add(name string, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, run: run, busy: make(chan struct{}, 1)})
}

// Drain ends readiness for good: load balancers send no new requests while the
// running ones finish.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

var errStillRunning = errors.New("did not answer in time")

// Ready runs all checks concurrently and returns the result, within two seconds
// even when a check hangs.
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

// wait returns the check's answer, also when ctx has ended at the same time.
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

// start runs the check, unless its last run still hangs: then it waits until that
// ends. A check never runs twice at the same time, so a hanging one holds one
// goroutine; waiting ones end with ctx.
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
