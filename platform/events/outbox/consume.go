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
// error rolls back this event's effect and has it tried again later.
type Handler func(ctx context.Context, tx *database.Tx, e events.Event) error

// mostFailure bounds the text kept of a failure, in bytes.
const mostFailure = 2000

// Consume makes the effect of each event once, however often it comes: the
// event's id goes into the inbox in the transaction of its effect. Behind the
// seam, this is what the receiving process calls.
//
// The receipt has a result for every event. An error means that the database
// or ctx failed, not an event: the batch is to be sent again, and those that
// had their effect will be recognised.
func Consume(ctx context.Context, db *database.DB, consumer string, batch events.Batch, handle Handler) (events.Receipt, error) {
	receipt := events.Receipt{Results: make([]events.Result, 0, len(batch.Events))}
	// All in one transaction first, because nearly always all succeed and one
	// fsync is enough; after any failure one by one, so that it stays alone.
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
		// The effect itself is wrong, a constraint looked at on COMMIT or an
		// error that the handler dropped: again tomorrow it will be as wrong.
		return err, nil
	case err != nil:
		return nil, fmt.Errorf("consume for %s: %w", consumer, err)
	}
	return nil, nil
}

// result says how e went.
func result(e events.Event, failed error) events.Result {
	r := events.Result{ID: e.ID}
	if failed != nil {
		r.Failed = cut(failed.Error())
	}
	return r
}

// cut keeps a message within its bound and storable: PostgreSQL refuses broken
// UTF-8 and zero bytes, and the event would hold up all others. It is never
// empty, which would mean that the event was accepted.
func cut(message string) string {
	if len(message) > mostFailure {
		message = message[:mostFailure] + "…"
	}
	message = strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "")
	if message == "" {
		return "failed without saying why"
	}
	return message
}
