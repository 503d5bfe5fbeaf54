package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"banyan/platform/events/broker"
)

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, from broker.Stream, to broker.Consumer, limit int, handle func(context.Context, []broker.Message) error) error {
	if err := b.Ping(ctx); err != nil {
		return err
	}
	if err := b.ensure(ctx, from); err != nil {
		return err
	}
	c, err := b.js.Consumer(ctx, b.streamName(from), durable(to))
	if err != nil {
		b.forget()
		return failed(err, "find a consumer")
	}
	for ctx.Err() == nil {
		if err := b.receiveBatch(ctx, c, from, limit, handle); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// receiveBatch handles what the server has now, or waits for it a while.
func (b *Broker) receiveBatch(ctx context.Context, c jetstream.Consumer, from broker.Stream, limit int, handle func(context.Context, []broker.Message) error) error {
	batch, err := fetch(ctx, c, limit)
	if err != nil {
		b.forget() // the server may have lost the consumer
		return failed(err, "deliver events")
	}
	messages := make([]broker.Message, 0, len(batch))
	for _, raw := range batch {
		m, own, err := decode(raw, from)
		switch {
		case err != nil:
			// It would never be readable; the outbox has the event.
			b.log.WarnContext(ctx, "a message in a stream of events is not one of Banyan's and was left out", "subject", raw.Subject(), "error", err)
		case !own:
			b.log.WarnContext(ctx, "a message in a stream of events is of another database and was left out: give each installation its own events.nats.prefix", "subject", raw.Subject())
		default:
			messages = append(messages, m)
		}
	}
	if len(messages) > 0 {
		if err := b.handleWhileKept(ctx, batch, messages, handle); err != nil {
			for _, raw := range batch {
				_ = raw.Nak() // delivered again at once, or after ackWait
			}
			return err
		}
	}
	for _, raw := range batch {
		// A lost acknowledgement delivers the message again, which is recognised.
		if err := raw.Ack(); err != nil {
			return failed(err, "take an acknowledgement")
		}
	}
	return nil
}

// handleWhileKept calls handle, and meanwhile lets the server know that the messages
// are worked on, so that it does not deliver them again.
func (b *Broker) handleWhileKept(ctx context.Context, batch []jetstream.Msg, messages []broker.Message, handle func(context.Context, []broker.Message) error) error {
	done := make(chan struct{})
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		tick := time.NewTicker(ackWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				for _, raw := range batch {
					_ = raw.InProgress() // else it is delivered again, which is recognised
				}
			}
		}
	}()
	err := handle(ctx, messages)
	close(done)
	<-kept
	return err
}

// fetch returns up to limit messages: at once when the server has some, otherwise
// as soon as there is one; none after fetchWait.
func fetch(ctx context.Context, c jetstream.Consumer, limit int) ([]jetstream.Msg, error) {
	batch, err := c.FetchNoWait(limit)
	if err != nil {
		return nil, err
	}
	list, err := collect(ctx, batch)
	if err != nil || len(list) > 0 {
		return list, err
	}
	waiting, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	if batch, err = c.Fetch(1, jetstream.FetchContext(waiting)); err != nil {
		return nil, err
	}
	list, err = collect(ctx, batch)
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		err = nil
	}
	return list, err
}

func collect(ctx context.Context, batch jetstream.MessageBatch) ([]jetstream.Msg, error) {
	var list []jetstream.Msg
	for m := range batch.Messages() {
		list = append(list, m)
	}
	if err := batch.Error(); err != nil && ctx.Err() == nil {
		return list, err
	}
	return list, nil
}

// decode reads a message; own reports whether it was published from this database.
func decode(raw jetstream.Msg, from broker.Stream) (m broker.Message, own bool, err error) {
	header := raw.Headers()
	if m.Place, err = parsePlace(header.Get(placeHeader)); err != nil {
		return m, false, fmt.Errorf("the header %s: %w", placeHeader, err)
	}
	if err := json.Unmarshal(raw.Data(), &m.Event); err != nil {
		return m, false, fmt.Errorf("the event: %w", err)
	}
	return m, header.Get(dataHeader) == from.DataID, nil
}
