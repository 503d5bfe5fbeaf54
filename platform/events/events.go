// Package events defines what modules publish to each other: events, topics with a
// typed payload, and the batches in which they are delivered. It opens no database; publishing,
// relaying and consuming are package outbox.
//
//	var Reviewed = events.NewTopic[Activity]("reputation.activity")
package events

import (
	"encoding/json"
	"fmt"
	"time"

	"banyan/platform/fault"
)

// Event is one thing that happened.
type Event struct {
	ID          string          `json:"id"`    // UUID, version 7; made by Publish when empty
	Topic       string          `json:"topic"` // "reputation.activity"
	Key         string          `json:"key"`   // what it is about, a wallet for example; may be empty
	Time        int64           `json:"time"`  // UTC milliseconds; the transaction's clock when 0
	TraceParent string          `json:"traceparent,omitempty"`
	Payload     json.RawMessage `json:"payload"`
}

// At returns Time as a time.Time.
func (e Event) At() time.Time { return time.UnixMilli(e.Time).UTC() }

// Batch is what is delivered to a consumer at once: events of one topic, oldest first.
type Batch struct {
	Consumer string  `json:"consumer"`
	Topic    string  `json:"topic"`
	Events   []Event `json:"events"`
}

// Receipt answers a Batch: one result per event. An event without a result
// counts as not delivered, so an empty answer can never lose one.
type Receipt struct {
	Results []Result `json:"results"`
}

// Result is the result of one event.
type Result struct {
	ID     string `json:"id"`
	Failed string `json:"failed,omitempty"` // why; empty = accepted
}

// Topic is a named stream of events whose payload is a T. The module that owns T
// defines it, as a package variable that never changes.
type Topic[T any] struct{ name string }

// NewTopic returns the topic of this name: "<module>.<what>".
func NewTopic[T any](name string) Topic[T] { return Topic[T]{name: name} }

// Name returns the name.
func (t Topic[T]) Name() string { return t.name }

// Event returns an event with the payload value; key is what it is about.
func (t Topic[T]) Event(key string, value T) (Event, error) {
	payload, err := json.Marshal(value)
	if err != nil {
		return Event{}, fmt.Errorf("encode an event of %s: %w", t.name, err)
	}
	return Event{Topic: t.name, Key: key, Payload: payload}, nil
}

// Decode reads the payload. Unknown fields are ignored: a publisher may be newer.
func (t Topic[T]) Decode(e Event) (T, error) {
	var value T
	if e.Topic != t.name {
		return value, fault.Newf(fault.Invalid, "an event of the topic %q was passed to a handler of %q: subscribe the consumer to its own topic", e.Topic, t.name)
	}
	if err := json.Unmarshal(e.Payload, &value); err != nil {
		return value, fault.Wrap(err, fault.Invalid, "the payload of an event of "+t.name+" does not fit its type: check that publisher and consumer are of one version")
	}
	return value, nil
}
