package idempotency

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"banyan/platform/database"
	"banyan/platform/periodic"
)

const (
	// Kept is how long an answer is kept, at least.
	Kept = 24 * time.Hour

	pruneEvery = time.Minute
	// pruneMax bounds one write, so that others do not wait for long.
	pruneMax = 500
)

// Job deletes old answers. It writes, so only the owner of the database may run it.
type Job struct {
	db  *database.DB
	log *slog.Logger
}

// NewJob returns the job of one database.
func NewJob(db *database.DB, log *slog.Logger) Job { return Job{db: db, log: log} }

// Run prunes once a minute until ctx ends.
func (j Job) Run(ctx context.Context) error {
	periodic.Run(ctx, pruneEvery, func(ctx context.Context) {
		if _, err := j.Prune(ctx); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "old answers to idempotency keys could not be deleted; it is tried again in a minute", "module", j.db.Module(), "error", err)
		}
	}, periodic.AtOnce())
	return nil
}

// Prune deletes all old answers, a few at a time, and returns their number.
func (j Job) Prune(ctx context.Context) (total int64, err error) {
	for {
		var deleted int64
		err := j.db.Write(ctx, func(tx *database.Tx) (err error) {
			deleted, err = deleteOldest(ctx, tx, tx.Now().Add(-Kept).UnixMilli(), pruneMax)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("delete old answers of %s: %w", j.db.Module(), err)
		}
		if total += deleted; deleted < pruneMax {
			return total, nil
		}
	}
}
