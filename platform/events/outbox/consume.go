package outbox

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"banyan/platform/database"
	"banyan/platform/events"
)

// Handler makes the effect of one event, in tx and nowhere else. The rules of
// database.DB.Write hold: it may run more than once, and does no I/O but tx. An
// error rolls back this event's effect, and the event is tried again later.
type Handler func(ctx context.Context, tx *database.Tx, e events.Event) error

// maxFailure bounds the stored text of a failure, in bytes.
const maxFailure = 2000

// Consume makes the effect of each event once, however often it is delivered: the
// event's id is inserted into the inbox in the transaction of its effect. The
// receiving process calls it behind the seam.
//
// The receipt has a result for every event. An error means that the database
// or ctx failed, not an event: the batch must be sent again, and those that
// had their effect are recognised by their ids.
func Consume(ctx context.Context, db *database.DB, consumer string, batch events.Batch, handle Handler) (events.Receipt, error) {
	receipt := events.Receipt{Results: make([]events.Result, 0, len(batch.Events))}
	// All in one transaction first, because nearly always all succeed and one
	// fsync is enough; after any failure one by one, so that only that one fails.
	failed, err := consumeTogether(ctx, db, consumer, batch.Events, handle)
	if err != nil {
		return events.Receipt{}, err
	}
	if failed == nil || len(batch.Events) == 1 {
		for _, e := range batch.Events {
			receipt.Results = append(receipt.Results, result(e, failed))
		}
		return receipt, nil
	}
	for i := range batch.Events {
		failed, err := consumeTogether(ctx, db, consumer, batch.Events[i:i+1], handle)
		if err != nil {
			return events.Receipt{}, err
		}
		receipt.Results = append(receipt.Results, result(batch.Events[i], failed))
	}
	return receipt, nil
}

// consumeTogether makes the effects of all events or of none. failed is a
// handler's error, err that of the database or ctx.
func consumeTogether(ctx context.Context, db *database.DB, consumer string, all []events.Event, handle Handler) (failed, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			failed = fmt.Errorf("the handler panicked: %v\n%s", recovered, debug.Stack())
		}
	}()
	err = db.Write(ctx, func(tx *database.Tx) error {
		failed = nil // this may be another run
		for _, e := range all {
			isNew, err := store{tx}.insertInbox(ctx, consumer, e.ID, tx.Now().UnixMilli())
			if err != nil {
				return err
			}
			if !isNew {
				continue
			}
			if failed = handle(withTrace(ctx, e), tx, e); failed != nil {
				return failed
			}
		}
		return nil
	})
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, fmt.Errorf("consume for %s: %w", consumer, err)
	case failed != nil && err != nil && !database.IsOutage(failed):
		return failed, nil
	case err != nil && database.IsStatement(err):
		// The effect itself is wrong, by a deferred constraint or an error that the
		// handler dropped: it would fail again in the same way.
		return err, nil
	case err != nil:
		return nil, fmt.Errorf("consume for %s: %w", consumer, err)
	}
	return nil, nil
}

// result returns the result of e.
func result(e events.Event, failed error) events.Result {
	r := events.Result{ID: e.ID}
	if failed != nil {
		r.Failed = cut(failed.Error())
	}
	return r
}

// cut makes a message short enough and storable: PostgreSQL refuses invalid UTF-8
// and zero bytes, and the event would block all others. The result is never empty,
// which would mean that the event was accepted.
func cut(message string) string {
	if len(message) > maxFailure {
		message = message[:maxFailure] + "…"
	}
	message = strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "")
	if message == "" {
		return "failed without a message"
	}
	return message
}
