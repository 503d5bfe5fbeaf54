package outbox

import (
	"context"
	"time"
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
