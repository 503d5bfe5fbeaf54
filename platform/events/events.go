// Package events tells other modules what happened: at least once on the way,
// once in effect.
//
//	var Reviewed = events.NewTopic[Activity]("reputation.activity")
//
//	// The publisher, inside the write that makes it true:
//	err = db.Write(ctx, func(tx *database.Tx) error {
//		…
//		return Reviewed.Publish(ctx, tx, wallet.String(), activity)
//	})
//
//	// Where the program is put together: one relay per publishing database.
//	relay := events.NewRelay(reviews, options, events.Consumer{
//		Name: "reputation", Topic: Reviewed.Name(),
//		Deliver: events.Local(reputation, Reviewed.Handler(service.Count)),
//	})
//	err = relay.Run(ctx)
//
// The way of an event:
//
//	Publish ─▶ event_outbox (publisher's transaction)
//	             │ relay: reads in commit order from the consumer's position
//	             ▼
//	          Deliver: a local function, or a call to another process
//	             ▼
//	          Consume ─▶ event_inbox + the effect (one transaction)
//	             │ receipt, event by event
//	             ▼
//	          accepted: position moves · failed: event_parked, tried again
//	          later, dead after too many times, until somebody replays it
package events

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Limits on what is published.
const (
	MostPayload = 256 << 10 // bytes of JSON
	mostName    = 200       // bytes of a topic or key
)

// wakeName is what Publish wakes and relays listen to.
const wakeName = "events"

// Event is one thing that happened.
type Event struct {
	ID          string          `json:"id"`    // UUID, version 7; made by Publish when empty
	Topic       string          `json:"topic"` // "reputation.activity"
	Key         string          `json:"key"`   // what it is about, a wallet for example; may be empty
	Time        int64           `json:"time"`  // UTC milliseconds; the transaction's clock when 0
	TraceParent string          `json:"traceparent,omitempty"`
	Payload     json.RawMessage `json:"payload"`
}

// At is Time as a time.
func (e Event) At() time.Time { return time.UnixMilli(e.Time).UTC() }

// Batch is what a consumer is given at once: events of one topic, oldest first.
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

// Result says what became of one event.
type Result struct {
	ID     string `json:"id"`
	Failed string `json:"failed,omitempty"` // why; empty = accepted
}

// Publish puts the event into the outbox of the transaction's database; it is
// delivered if and only if the transaction commits, and then at once.
// Fails with fault.Invalid when the event cannot be sent.
func Publish(ctx context.Context, tx *database.Tx, e Event) error {
	switch {
	case e.Topic == "" || len(e.Topic) > mostName || len(e.Key) > mostName:
		return fault.Newf(fault.Invalid, "an event needs a topic, and topic and key have at most %d bytes", mostName)
	case len(e.Payload) > MostPayload:
		return fault.Newf(fault.TooLarge, "an event of %s has %d bytes, the limit is %d: publish an id and let the consumer ask", e.Topic, len(e.Payload), MostPayload)
	case !storable(e.Topic) || !storable(e.Key) || !utf8.Valid(e.Payload):
		return fault.Newf(fault.Invalid, "an event of %q is not all UTF-8 text without zero bytes", e.Topic)
	case !json.Valid(e.Payload):
		return fault.Newf(fault.Invalid, "the payload of an event of %s is not JSON", e.Topic)
	}
	now := tx.Now()
	if e.Time == 0 {
		e.Time = now.UnixMilli()
	}
	if e.ID == "" {
		e.ID = newID(now)
	}
	if e.TraceParent == "" {
		e.TraceParent = traceParent(ctx)
	}
	tx.Wake(wakeName)
	return store{tx}.insertEvent(ctx, e)
}

// storable tells whether both databases can keep the text.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// newID makes a UUID of version 7 (RFC 9562): ids of one time lie together in
// the inbox's index.
func newID(now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: Go ends the program instead
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// traceParent is the caller's trace in W3C form, empty when there is none.
func traceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// withTrace continues the publisher's trace in ctx.
func withTrace(ctx context.Context, e Event) context.Context {
	if e.TraceParent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": e.TraceParent})
}

// Topic is a named stream of events whose payload is a T. The module whose
// language T is defines it, as a package variable that never changes.
type Topic[T any] struct{ name string }

// NewTopic names a topic: "<module>.<what>".
func NewTopic[T any](name string) Topic[T] { return Topic[T]{name: name} }

// Name gives the name.
func (t Topic[T]) Name() string { return t.name }

// Publish is Publish with value as the payload; key is what it is about.
func (t Topic[T]) Publish(ctx context.Context, tx *database.Tx, key string, value T) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", t.name, err)
	}
	return Publish(ctx, tx, Event{Topic: t.name, Key: key, Payload: payload})
}

// Decode reads the payload. Unknown fields are ignored: a publisher may be newer.
func (t Topic[T]) Decode(e Event) (T, error) {
	var value T
	if e.Topic != t.name {
		return value, fault.Newf(fault.Invalid, "an event of %q came to a handler of %q: connect the consumer to its own topic", e.Topic, t.name)
	}
	if err := json.Unmarshal(e.Payload, &value); err != nil {
		return value, fault.Wrap(err, fault.Invalid, "the payload of an event of "+t.name+" does not fit its type: are both sides of one version?")
	}
	return value, nil
}

// Handler makes a Handler of a function that wants the payload decoded.
func (t Topic[T]) Handler(handle func(ctx context.Context, tx *database.Tx, e Event, value T) error) Handler {
	return func(ctx context.Context, tx *database.Tx, e Event) error {
		value, err := t.Decode(e)
		if err != nil {
			return err
		}
		return handle(ctx, tx, e, value)
	}
}
