package signin

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"banyan/platform/periodic"
)

const (
	reloadEvery = 5 * time.Second // so soon a revoked key ends; far below keyGrace, see there
	sweepEvery  = 10 * time.Minute
)

// Housekeeping is the trunk's background work: it reads keys that another process
// rotated or revoked, and deletes expired sessions and sign-in messages.
type Housekeeping struct {
	Keys     *Keys
	Sessions *Sessions
	Log      *slog.Logger
	Reload   time.Duration // how often keys are read again; 0 = 5 s
	Sweep    time.Duration // how often expired rows are deleted; 0 = 10 min
}

// Run blocks until the context ends. A step that fails is logged and tried
// again after its interval.
func (h Housekeeping) Run(ctx context.Context) error {
	if h.Reload <= 0 {
		h.Reload = reloadEvery
	}
	if h.Sweep <= 0 {
		h.Sweep = sweepEvery
	}
	var running sync.WaitGroup
	running.Go(func() { periodic.Run(ctx, h.Reload, h.logged(h.Keys.Reload)) })
	running.Go(func() { periodic.Run(ctx, h.Sweep, h.logged(h.Sessions.Sweep)) })
	running.Wait()
	return nil
}

// logged returns step with its failure logged.
func (h Housekeeping) logged(step func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		if err := step(ctx); err != nil && ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "identity housekeeping failed", "error", err)
		}
	}
}
