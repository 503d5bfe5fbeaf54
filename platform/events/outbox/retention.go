package outbox

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/periodic"
)

// pruneRows is how many rows one write deletes: SQLite has one writer.
const pruneRows = 500

// pruneLoop is the goroutine that prunes periodically.
func (r *Relay) pruneLoop(ctx context.Context) {
	periodic.Run(ctx, r.options.Prune, func(ctx context.Context) {
		if err := r.PruneNow(ctx); err != nil && ctx.Err() == nil {
			r.options.Log.WarnContext(ctx, "old events could not be deleted", "module", r.source.Module(), "error", err)
		}
	}, periodic.AtOnce())
}

// PruneNow deletes events older than Keep that every consumer has accepted, and
// inbox rows older than InboxKeep. Parked events and dead letters are kept, and
// so are events that a consumer has not received, even one that no longer runs: see
// Forget.
func (r *Relay) PruneNow(ctx context.Context) error {
	now := r.options.Clock()
	err := r.prune(ctx, now.Add(-r.options.Keep), store.deleteDelivered)
	if err == nil {
		err = r.prune(ctx, now.Add(-r.options.InboxKeep), store.deleteInbox)
	}
	return err
}

// prune deletes in small writes until no old row is left.
func (r *Relay) prune(ctx context.Context, before time.Time, delete func(s store, ctx context.Context, before int64, limit int) (int64, error)) error {
	for {
		var deleted int64
		err := r.source.Write(ctx, func(tx *database.Tx) (err error) {
			deleted, err = delete(store{tx}, ctx, before.UnixMilli(), pruneRows)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune the events of %s: %w", r.source.Module(), err)
		}
		if deleted < pruneRows {
			return nil
		}
	}
}
