// Package outbox delivers events from the database of one module to another
// module: at least once, with each effect made once.
//
//	var Reviewed = events.NewTopic[Activity]("reputation.activity")
//
//	// The publisher, inside the write that the event is about:
//	err = db.Write(ctx, func(tx *database.Tx) error {
//		…
//		return outbox.Publish(ctx, tx, Reviewed, wallet.String(), activity)
//	})
//
//	// One relay per publishing database.
//	relay := outbox.NewRelay(reviews, options, outbox.Consumer{
//		Name: "reputation", Topic: Reviewed.Name(),
//		Deliver: outbox.Local(reputation, outbox.Handle(Reviewed, service.Count)),
//	})
//	err = relay.Run(ctx)
//
// How an event is delivered:
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
//	          later, a dead letter after MaxAttempts, until it is replayed
package outbox

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
)

// Limits on what is published.
const (
	MaxPayload = 256 << 10 // bytes of JSON
	maxName    = 200       // bytes of a topic or key
)

// wakeName is what Publish wakes and relays listen to.
const wakeName = "events"

// Publish inserts an event of the topic into the outbox of the transaction's
// database, see PublishEvent; key is what it is about.
func Publish[T any](ctx context.Context, tx *database.Tx, topic events.Topic[T], key string, value T) error {
	e, err := topic.Event(key, value)
	if err != nil {
		return err
	}
	return PublishEvent(ctx, tx, e)
}

// PublishEvent inserts the event into the outbox of the transaction's database; it is
// delivered if and only if the transaction commits, and then at once.
// Fails with fault.Invalid when the event cannot be sent.
func PublishEvent(ctx context.Context, tx *database.Tx, e events.Event) error {
	switch {
	case e.Topic == "" || len(e.Topic) > maxName || len(e.Key) > maxName:
		return fault.Newf(fault.Invalid, "an event needs a topic, and topic and key have at most %d bytes", maxName)
	case len(e.Payload) > MaxPayload:
		return fault.Newf(fault.TooLarge, "an event of %s has %d bytes, the limit is %d: publish an id, and let the consumer read the rest", e.Topic, len(e.Payload), MaxPayload)
	case !storable(e.Topic) || !storable(e.Key) || !utf8.Valid(e.Payload):
		return fault.Newf(fault.Invalid, "an event of %q is not valid UTF-8, or has a zero byte: its topic, key and payload must be text", e.Topic)
	case !json.Valid(e.Payload):
		return fault.Newf(fault.Invalid, "the payload of an event of %s is not valid JSON", e.Topic)
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

// storable reports whether both databases can keep the text.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// newID makes a UUID of version 7 (RFC 9562): ids of one time are
// neighbours in the inbox's index.
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

// traceParent returns the caller's trace in W3C form, empty without one.
func traceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// withTrace returns ctx with the publisher's trace.
func withTrace(ctx context.Context, e events.Event) context.Context {
	if e.TraceParent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": e.TraceParent})
}

// Handle returns a Handler for a function that takes the payload decoded.
func Handle[T any](topic events.Topic[T], handle func(ctx context.Context, tx *database.Tx, e events.Event, value T) error) Handler {
	return func(ctx context.Context, tx *database.Tx, e events.Event) error {
		value, err := topic.Decode(e)
		if err != nil {
			return err
		}
		return handle(ctx, tx, e, value)
	}
}
