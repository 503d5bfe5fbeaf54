package outbox

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/periodic"
)

// BackOff is backOff.
func (r *Relay) BackOff(first, most time.Duration, failures int) time.Duration {
	return r.backOff(first, most, failures)
}

// LookOnce registers and makes one pass for each consumer, without waiting.
func (r *Relay) LookOnce(ctx context.Context) error {
	if err := r.register(ctx); err != nil {
		return err
	}
	for _, c := range r.consumers {
		if _, err := r.pass(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Local delivers to a handler in this process, with its effects in db.
func Local(db *database.DB, handle Handler) Deliver {
	return func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
		return Consume(ctx, db, batch.Consumer, batch, handle)
	}
}

// Drain delivers what was committed when it was called, and what is due again,
// and then returns: for tests. It
// fails with the first error of a delivery. Failed events are parked as usual
// and do not fail it.
func (r *Relay) Drain(ctx context.Context) error {
	if err := r.register(ctx); err != nil {
		return err
	}
	for _, c := range r.consumers {
		if err := r.drain(ctx, c); err != nil {
			return fmt.Errorf("deliver %s to %s: %w", c.Topic, c.Name, err)
		}
	}
	return nil
}

// drainWait is how long Drain waits for running PostgreSQL transactions before
// it looks again.
const drainWait = 5 * time.Millisecond

func (r *Relay) drain(ctx context.Context, c Consumer) error {
	target, err := readLast(ctx, r.source.Read(), c.Topic)
	if err != nil {
		return err
	}
	for {
		more, err := r.pass(ctx, c)
		if err != nil {
			return err
		}
		row, err := readConsumer(ctx, r.source.Read(), c.Name, c.Topic)
		if err != nil {
			return err
		}
		if !more && !row.before(target) {
			return nil
		}
		if more {
			continue
		}
		if err := periodic.Sleep(ctx, drainWait); err != nil {
			return err
		}
	}
}
