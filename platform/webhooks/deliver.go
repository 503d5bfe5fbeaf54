package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"banyan/platform/events"
	"banyan/platform/events/outbox"
)

// ConsumerName is under which events are received.
const ConsumerName = "webhooks"

// wakeName is what new messages wake.
const wakeName = "webhooks"

// Consumers returns the receivers of the kinds' events, for the module's relay.
func (h *Hooks) Consumers() []outbox.Consumer {
	var all []outbox.Consumer
	for i := range h.o.Kinds {
		topic := h.o.Kinds[i].Topic
		if !slices.ContainsFunc(all, func(c outbox.Consumer) bool { return c.Topic == topic }) {
			all = append(all, outbox.Consumer{Name: ConsumerName, Topic: topic, Deliver: h.deliver})
		}
	}
	return all
}

// made is a message of an event, before it is known for whom.
type made struct {
	event events.Event
	kind  string
	body  string
}

// deliver stores the messages of a batch in one transaction, nothing without an
// endpoint. It may run again for the same events: the table has each once.
func (h *Hooks) deliver(ctx context.Context, batch events.Batch) (events.Receipt, error) {
	receipt := events.Receipt{Results: make([]events.Result, 0, len(batch.Events))}
	list, err := readEndpoints(ctx, h.o.DB.Read())
	if err != nil {
		return events.Receipt{}, fmt.Errorf("read the endpoints: %w", err)
	}
	list = slices.DeleteFunc(list, func(e endpointRow) bool { return e.Stopped != "" })
	var messages []made
	for _, e := range batch.Events {
		result := events.Result{ID: e.ID}
		if len(list) > 0 {
			m, found, err := h.messageOf(e)
			if err != nil {
				result.Failed = err.Error()
			}
			if found {
				messages = append(messages, m)
			}
		}
		receipt.Results = append(receipt.Results, result)
	}
	if len(messages) == 0 {
		return receipt, nil
	}
	return receipt, h.write(ctx, "store messages for webhooks", func(s store) error {
		for i := range list {
			if err := h.enqueue(ctx, s, &list[i], messages); err != nil {
				return err
			}
		}
		s.tx.Wake(wakeName)
		return nil
	})
}

// messageOf makes the message of an event, which is of one kind at most.
func (h *Hooks) messageOf(e events.Event) (m made, found bool, err error) {
	for i := range h.o.Kinds {
		k := &h.o.Kinds[i]
		if k.Topic != e.Topic {
			continue
		}
		data, isOf, err := k.data(e)
		if err != nil {
			return m, false, err
		}
		if !isOf {
			continue
		}
		body, err := bodyOf(k.Name, e, data)
		return made{e, k.Name, body}, err == nil, err
	}
	return m, false, nil
}

func bodyOf(kind string, e events.Event, data json.RawMessage) (string, error) {
	body, err := json.Marshal(Message{Type: kind, Timestamp: e.At().Format("2006-01-02T15:04:05.000Z"), Data: data})
	if err != nil {
		return "", fmt.Errorf("encode a message of %s: %w", kind, err)
	}
	return string(body), nil
}

// enqueue stores the messages that an endpoint wants. One that takes none for too long
// is stopped: what waits for it is kept, and nothing is added.
func (h *Hooks) enqueue(ctx context.Context, s store, e *endpointRow, messages []made) error {
	added := false
	for _, m := range messages {
		if !e.wants(m.kind) {
			continue
		}
		if err := s.addMessage(ctx, e.ID, m); err != nil {
			return err
		}
		added = true
	}
	if !added {
		return nil
	}
	n, err := s.countUntaken(ctx, e.ID)
	if err != nil || n < MaxWaiting {
		return err
	}
	h.o.Log.WarnContext(ctx, "a webhook is stopped, because too many messages wait for its endpoint: look at it on the page Webhooks", "module", h.o.DB.Module(), "endpoint", e.ID, "waiting", n)
	return s.stop(ctx, e.ID, fmt.Sprintf("%d messages wait for it or are dead letters: nothing new is kept for it until it is started again", n))
}
