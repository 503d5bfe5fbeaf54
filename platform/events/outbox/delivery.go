package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
)

// The back-off of one event's retries: about 35 minutes for ten attempts.
const (
	firstRetry = 2 * time.Second
	maxRetry   = time.Hour
)

// maxBatchBytes bounds a batch's payloads, so that it passes the receiver's
// limit on a request body.
const maxBatchBytes = 1 << 20

// pass delivers one batch of retries that are due and one of new events. more
// reports whether there may be more to deliver now.
func (r *Relay) pass(ctx context.Context, c Consumer) (more bool, err error) {
	again, err := r.passDue(ctx, c)
	if err == nil {
		more, err = r.passNew(ctx, c)
	}
	if err != nil && ctx.Err() == nil {
		r.recordFailure(ctx, c, err)
	}
	return more || again, err
}

// recordFailure stores the failure for Status. If the source itself failed, the
// failure is in the log only.
func (r *Relay) recordFailure(ctx context.Context, c Consumer, cause error) {
	err := r.source.Write(ctx, func(tx *database.Tx) error {
		return store{tx}.countFailure(ctx, c.Name, c.Topic, cut(cause.Error()))
	})
	if err != nil && ctx.Err() == nil {
		r.options.Log.WarnContext(ctx, "a failed delivery could not be recorded", "consumer", c.Name, "error", err)
	}
}

// passNew delivers the events after the position, and moves it.
func (r *Relay) passNew(ctx context.Context, c Consumer) (more bool, err error) {
	read := r.source.Read()
	at, err := readConsumer(ctx, read, c.Name, c.Topic)
	if database.IsNoRows(err) {
		return false, fault.Newf(fault.NotFound, "consumer %s was removed while it still runs: remove it from the program, or restart to register it again", c.Name)
	}
	if err != nil {
		return false, fmt.Errorf("read the position: %w", err)
	}
	rows, err := readAfter(ctx, read, c.Topic, at.position, r.options.Batch)
	if err != nil {
		return false, fmt.Errorf("read the outbox: %w", err)
	}
	if len(rows) == 0 {
		return false, r.noteReached(ctx, c, at)
	}
	full := len(rows) == r.options.Batch
	rows, wasCut := fitting(rows)
	moved, err := r.deliverFrom(ctx, c, at.position, rows)
	return !moved || full || wasCut, err
}

// deliverFrom delivers the events, which follow the position at, and moves it after
// them; those that failed are parked. moved is false when another relay has moved
// the position meanwhile, and then recorded its own receipt.
func (r *Relay) deliverFrom(ctx context.Context, c Consumer, at position, rows []eventRow) (moved bool, err error) {
	failed, err := r.deliver(ctx, c, rows)
	if err != nil {
		return false, err
	}
	err = r.source.Write(ctx, func(tx *database.Tx) error {
		now := r.options.Clock().UnixMilli()
		moved, err := store{tx}.moveConsumer(ctx, c.Name, c.Topic, at, rows[len(rows)-1].position, now)
		if err != nil {
			return err
		}
		if !moved {
			return errMoved
		}
		for _, row := range rows {
			if message := failed[row.EventID]; message != "" {
				if err := (store{tx}).insertParked(ctx, r.failedOnce(c, row, message), r.options.MaxAttempts == 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errMoved):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("move the position: %w", err)
	}
	r.logFailed(ctx, c, failed)
	return true, nil
}

// noteReached resets the consecutive failures when there is nothing left to deliver.
func (r *Relay) noteReached(ctx context.Context, c Consumer, at consumerRow) error {
	if at.Failures == 0 {
		return nil
	}
	return r.source.Write(ctx, func(tx *database.Tx) error {
		return store{tx}.clearFailures(ctx, c.Name, c.Topic)
	})
}

// failedOnce returns the parked row of an event that failed for the first time.
func (r *Relay) failedOnce(c Consumer, row eventRow, message string) parkedRow {
	now := r.options.Clock()
	return parkedRow{
		eventRow: row, Consumer: c.Name, Attempts: 1, LastError: message,
		NextAt:   now.Add(r.backOff(firstRetry, maxRetry, 0)).UnixMilli(),
		ParkedAt: now.UnixMilli(),
	}
}

// passDue delivers parked events whose retry is due.
func (r *Relay) passDue(ctx context.Context, c Consumer) (more bool, err error) {
	due, err := readDue(ctx, r.source.Read(), c.Name, c.Topic, r.options.Clock().UnixMilli(), r.options.Batch)
	if err != nil {
		return false, fmt.Errorf("read the parked events: %w", err)
	}
	if len(due) == 0 {
		return false, nil
	}
	rows := make([]eventRow, len(due))
	for i, p := range due {
		rows[i] = p.eventRow
	}
	full := len(due) == r.options.Batch
	rows, wasCut := fitting(rows)
	failed, err := r.deliver(ctx, c, rows)
	if err != nil {
		return false, err
	}
	err = r.source.Write(ctx, func(tx *database.Tx) error {
		for _, p := range due[:len(rows)] {
			if err := r.recordRetry(ctx, store{tx}, p, failed[p.EventID]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("record the retries: %w", err)
	}
	r.logFailed(ctx, c, failed)
	return full || wasCut, nil
}

// recordRetry deletes a parked event that succeeded, or counts one more failure.
func (r *Relay) recordRetry(ctx context.Context, s store, p parkedRow, failed string) error {
	if failed == "" {
		return s.deleteParked(ctx, p.Consumer, p.EventID)
	}
	seen := p.Attempts
	p.Attempts++
	p.LastError = failed
	p.NextAt = r.options.Clock().Add(r.backOff(firstRetry, maxRetry, int(seen))).UnixMilli()
	return s.updateParked(ctx, p, seen, p.Attempts >= int64(r.options.MaxAttempts))
}

// deliver delivers the events and returns the messages of those that failed, by id.
func (r *Relay) deliver(ctx context.Context, c Consumer, rows []eventRow) (failed map[string]string, err error) {
	batch := events.Batch{Consumer: c.Name, Topic: c.Topic, Events: make([]events.Event, len(rows))}
	for i, row := range rows {
		batch.Events[i] = row.event()
	}
	bounded, cancel := context.WithTimeout(ctx, r.options.DeliverTimeout)
	defer cancel()
	receipt, err := safely(bounded, c.Deliver, batch)
	if err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	results := make(map[string]string, len(receipt.Results))
	for _, result := range receipt.Results {
		results[result.ID] = result.Failed
	}
	failed = map[string]string{}
	for _, e := range batch.Events {
		message, answered := results[e.ID]
		switch {
		case !answered:
			return nil, fault.Newf(fault.Internal, "the receipt of %s has no result for event %s: check that publisher and consumer are of one version", c.Name, e.ID)
		case message != "":
			failed[e.ID] = cut(message)
		}
	}
	return failed, nil
}

// safely calls deliver and turns a panic into an error: it must not end the
// process, nor the delivery of later events.
func safely(ctx context.Context, deliver Deliver, batch events.Batch) (receipt events.Receipt, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("the delivery panicked: %v\n%s", recovered, debug.Stack())
		}
	}()
	return deliver(ctx, batch)
}

func (r *Relay) logFailed(ctx context.Context, c Consumer, failed map[string]string) {
	for id, message := range failed {
		r.options.Log.WarnContext(ctx, "an event failed and is parked", "consumer", c.Name, "topic", c.Topic, "event", id, "error", message)
	}
}

// fitting cuts rows to what one batch may carry, at least one.
func fitting(rows []eventRow) (fit []eventRow, wasCut bool) {
	size := 0
	for i, row := range rows {
		size += len(row.Payload)
		if i > 0 && size > maxBatchBytes {
			return rows[:i], true
		}
	}
	return rows, false
}
