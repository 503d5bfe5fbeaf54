package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

func (w *world) count(db *database.DB, table string) (n int) {
	w.t.Helper()
	if err := db.Read().Get(w.t.Context(), &n, `SELECT COUNT(*) FROM `+table); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestOldDeliveredEventsAreDeletedAndNothingElse(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(nil)
		var many []string
		for i := range 40 {
			many = append(many, fmt.Sprint(i))
		}
		w.publish(many...)
		w.publish("bad")
		w.drain(relay)
		w.clock.Pass(100 * time.Hour)
		w.publish("younger")
		w.drain(relay)
		w.publish("undelivered")
		w.clock.Pass(69 * time.Hour) // the first ones are 169 hours old, the limit is 168
		prune(w, relay)
		if got := w.count(w.source, "event_outbox"); got != 3 {
			w.t.Errorf("%d events are left, want the parked, the younger and the undelivered one", got)
		}
		w.clock.Pass(1000 * time.Hour)
		prune(w, relay)
		if got := w.count(w.source, "event_outbox"); got != 2 {
			w.t.Errorf("%d events are left, want the parked and the undelivered one", got)
		}
		if err := outbox.Forget(w.t.Context(), w.source, "receiver"); err != nil {
			w.t.Fatal(err)
		}
		if err := outbox.Forget(w.t.Context(), w.source, "receiver"); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("forgetting twice: %v", err)
		}
		// A relay without consumers keeps nothing for anybody.
		prune(w, outbox.NewRelay(w.source, w.options()))
		if got := w.count(w.source, "event_outbox") + w.count(w.source, "event_parked"); got != 0 {
			w.t.Errorf("%d rows are left for nobody", got)
		}
	})
}

func prune(w *world, relay *outbox.Relay) {
	w.t.Helper()
	if err := relay.PruneNow(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheInboxOutlivesTheOutbox(t *testing.T) {
	each(t, func(w *world) {
		w.publish("a")
		w.drain(w.relay(nil))
		janitor := outbox.NewRelay(w.receiver, w.options())
		for _, c := range []struct {
			later time.Duration
			left  int
		}{{335 * time.Hour, 1}, {2 * time.Hour, 0}} { // the limit is 2 × 168 hours
			w.clock.Pass(c.later)
			prune(w, janitor)
			if got := w.count(w.receiver, "event_inbox"); got != c.left {
				w.t.Errorf("%s later: %d inbox rows, want %d", c.later, got, c.left)
			}
		}
	})
}

func TestAnEventTriedAgainBacksOffFurtherEachTime(t *testing.T) {
	each(t, func(w *world) {
		tries := 0
		options := w.options()
		options.MaxAttempts = 4
		relay := outbox.NewRelay(w.source, options, outbox.Consumer{
			Name: "receiver", Topic: noted().Name(),
			Deliver: outbox.Local(w.receiver, func(context.Context, *database.Tx, events.Event) error {
				tries++
				return errors.New("no")
			}),
		})
		w.publish("a")
		w.drain(relay)
		// Without jitter half of 2, 4, 8 seconds.
		for i, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			w.clock.Pass(wait - time.Millisecond)
			w.drain(relay)
			if tries != i+1 {
				w.t.Errorf("retry %d came too early", i+1)
			}
			w.clock.Pass(time.Millisecond)
			w.drain(relay)
			if tries != i+2 {
				w.t.Errorf("retry %d did not come", i+1)
			}
		}
		if s := w.status(); s.Dead != 1 {
			w.t.Errorf("status %+v", s)
		}
		w.clock.Pass(100 * time.Hour)
		w.drain(relay)
		if tries != 4 {
			w.t.Errorf("a dead letter was tried again: %d tries, want 4", tries)
		}
	})
}

func TestWhatCannotBePublishedIsRefused(t *testing.T) {
	each(t, func(w *world) {
		for _, c := range []struct {
			what  string
			event events.Event
			code  fault.Code
		}{
			{"no topic", events.Event{Payload: []byte(`{}`)}, fault.Invalid},
			{"no payload", events.Event{Topic: "t"}, fault.Invalid},
			{"no JSON", events.Event{Topic: "t", Payload: []byte(`{`)}, fault.Invalid},
			{"a long key", events.Event{Topic: "t", Key: strings.Repeat("k", 201), Payload: []byte(`{}`)}, fault.Invalid},
			{"a zero byte", events.Event{Topic: "t", Key: "a\x00b", Payload: []byte(`{}`)}, fault.Invalid},
			{"broken UTF-8", events.Event{Topic: "t", Payload: []byte("\"\xff\"")}, fault.Invalid},
			{"too much", events.Event{Topic: "t", Payload: []byte(`"` + strings.Repeat("x", outbox.MaxPayload) + `"`)}, fault.TooLarge},
		} {
			err := w.source.Write(w.t.Context(), func(tx *database.Tx) error {
				return outbox.PublishEvent(w.t.Context(), tx, c.event)
			})
			if !fault.Is(err, c.code) {
				w.t.Errorf("%s: %v, want %s", c.what, err, c.code)
			}
		}
		if got := w.count(w.source, "event_outbox"); got != 0 {
			w.t.Errorf("%d events were published", got)
		}
	})
}

func TestTheTraceGoesWithTheEvent(t *testing.T) {
	each(t, func(w *world) {
		sent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
		ctx := trace.ContextWithSpanContext(w.t.Context(), sent)
		err := w.source.Write(ctx, func(tx *database.Tx) error { return outbox.Publish(ctx, tx, noted(), "", note{Text: "traced"}) })
		if err != nil {
			w.t.Fatal(err)
		}
		var got trace.SpanContext
		w.drain(w.relay(outbox.Local(w.receiver, func(ctx context.Context, _ *database.Tx, _ events.Event) error {
			got = trace.SpanContextFromContext(ctx)
			return nil
		})))
		if got.TraceID() != sent.TraceID() || got.SpanID() != sent.SpanID() {
			w.t.Errorf("arrived with %v, want %v", got, sent)
		}
	})
}

// The consumer's database, not the event, is to blame: nothing may be parked.
func TestABrokenConsumerDatabaseParksNothing(t *testing.T) {
	each(t, func(w *world) {
		closed := closedReceiver(w)
		relay := w.relay(outbox.Local(closed, writeEffect))
		w.publish("a")
		if err := relay.Drain(w.t.Context()); !fault.Is(err, fault.Unavailable) {
			w.t.Errorf("drain: %v", err)
		}
		if s := w.status(); s.Parked+s.Dead != 0 || s.Lag != 1 {
			w.t.Errorf("status %+v", s)
		}
		w.drain(w.relay(nil))
		w.wantEffects("a")
	})
}

// A handler whose statement breaks a constraint, and which hides that, must not
// hold up the others.
func TestAHandlerThatHidesItsFailureIsParked(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
			n, err := noted().Decode(e)
			if err != nil {
				return err
			}
			var text any = n.Text
			if n.Text == "hidden" {
				text = nil // breaks NOT NULL
			}
			_, _ = tx.Exec(ctx, `INSERT INTO effect (event_id, text) VALUES (?, ?)`, e.ID, text)
			return nil
		}))
		w.publish("a", "hidden", "b")
		w.drain(relay)
		w.wantEffects("a b")
		if s := w.status(); s.Parked != 1 || s.Lag != 0 {
			w.t.Errorf("status %+v", s)
		}
	})
}

// A slow relay comes back with its receipt after another has gone further: the
// position must not go back, and its complaint about an event that the other
// delivered must not park it.
func TestASlowRelayDoesNotMoveThePositionBack(t *testing.T) {
	each(t, func(w *world) {
		quick := outbox.NewRelay(databasetest.Again(w.t, w.source), w.options(), outbox.Consumer{
			Name: "receiver", Topic: noted().Name(), Deliver: outbox.Local(w.receiver, writeEffect),
		})
		calls := 0
		slow := w.relay(func(_ context.Context, batch events.Batch) (events.Receipt, error) {
			if calls++; calls > 1 {
				w.t.Errorf("delivered again: %d events", len(batch.Events))
			}
			w.drain(quick)
			w.publish("b")
			w.drain(quick)
			return events.Receipt{Results: []events.Result{{ID: batch.Events[0].ID, Failed: "too late"}}}, nil
		})
		w.publish("a")
		w.drain(slow)
		w.wantEffects("a b")
		if s := w.status(); s.Parked != 0 || s.Lag != 0 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func TestAPanickingDeliveryCountsAsATransportFailure(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(func(context.Context, events.Batch) (events.Receipt, error) { panic("client") })
		w.publish("a")
		if err := relay.Drain(w.t.Context()); err == nil || !strings.Contains(err.Error(), "panicked: client") {
			w.t.Errorf("drain: %v", err)
		}
		if s := w.status(); s.Lag != 1 || s.Failures != 1 {
			w.t.Errorf("status %+v", s)
		}
	})
}

// An outage of something else than the database is the event's failure: others
// must pass it by.
func TestATimeOutInsideAHandlerParksOnlyItsEvent(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
			if n, err := noted().Decode(e); err != nil || n.Text == "slow" {
				return errors.Join(err, context.DeadlineExceeded)
			}
			return writeEffect(ctx, tx, e)
		}))
		w.publish("a", "slow", "b")
		w.drain(relay)
		w.wantEffects("a b")
		if s := w.status(); s.Parked != 1 {
			w.t.Errorf("status %+v", s)
		}
	})
}

// What a handler says is stored, however it says it.
func TestAnyFailureMessageCanBeKept(t *testing.T) {
	each(t, func(w *world) {
		messages := []string{"", "zero \x00 byte", "broken \xff UTF-8", strings.Repeat("é", 3000), "\x00"}
		next := 0
		relay := w.relay(outbox.Local(w.receiver, func(context.Context, *database.Tx, events.Event) error {
			next++
			return errors.New(messages[(next-1)%len(messages)])
		}))
		for range messages {
			w.publish("a")
			w.drain(relay)
		}
		if s := w.status(); s.Parked != int64(len(messages)) || s.Lag != 0 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func TestRunEndsWithItsContextInTheMiddleOfADelivery(t *testing.T) {
	each(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		relay := w.relay(func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			cancel()
			<-ctx.Done()
			return events.Receipt{}, ctx.Err()
		})
		w.publish("a")
		if err := relay.Run(ctx); err != nil {
			w.t.Error(err)
		}
		w.drain(w.relay(nil))
		w.wantEffects("a")
		if s := w.status(); s.Failures != 0 {
			w.t.Errorf("stopping counted as a failure: %+v", s)
		}
	})
}

func TestBackOffDoublesUpToItsLimit(t *testing.T) {
	options := outbox.Options{Jitter: func(d time.Duration) time.Duration { return d }}
	relay := outbox.NewRelay(nil, options)
	for failures, want := range map[int]time.Duration{
		0: 200 * time.Millisecond, 1: 400 * time.Millisecond, 7: 25600 * time.Millisecond,
		8: 30 * time.Second, 31: 30 * time.Second, 1 << 40: 30 * time.Second,
	} {
		if got := relay.BackOff(200*time.Millisecond, 30*time.Second, failures); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
}

func TestRelaysWithWrongConsumersDoNotStart(t *testing.T) {
	each(t, func(w *world) {
		deliver := outbox.Local(w.receiver, writeEffect)
		for what, consumers := range map[string][]outbox.Consumer{
			"no name":    {{Topic: "t", Deliver: deliver}},
			"no deliver": {{Name: "n", Topic: "t"}},
			"twice":      {{Name: "n", Topic: "t", Deliver: deliver}, {Name: "n", Topic: "t", Deliver: deliver}},
		} {
			if err := outbox.NewRelay(w.source, w.options(), consumers...).Run(w.t.Context()); !fault.Is(err, fault.Invalid) {
				w.t.Errorf("%s: %v", what, err)
			}
		}
	})
}
