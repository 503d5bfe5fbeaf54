package service

import (
	"context"
	"log/slog"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Jobs computes epochs on a schedule.
type Jobs struct {
	service reputation.Service
	log     *slog.Logger
	every   time.Duration
}

// NewJobs returns the job that computes an epoch of s at this interval; 0 =
// never.
func NewJobs(s reputation.Service, log *slog.Logger, every time.Duration) Jobs {
	return Jobs{service: s, log: log, every: every}
}

// Run blocks until the context ends. An epoch that fails is logged, and the
// next is computed at its time.
func (j Jobs) Run(ctx context.Context) error {
	if j.every == 0 {
		<-ctx.Done()
		return nil
	}
	periodic.Run(ctx, j.every, func(ctx context.Context) {
		_, err := j.service.ComputeEpoch(ctx, reputation.EpochRequest{})
		switch {
		case err == nil || ctx.Err() != nil:
		case fault.Is(err, fault.Conflict): // no edges or seeds yet: information for the operator, not a failure
			j.log.WarnContext(ctx, "no epoch was computed", "error", err)
		default:
			j.log.ErrorContext(ctx, "computing an epoch failed, so the scores stay those of the last one", "error", err)
		}
	})
	return nil
}
