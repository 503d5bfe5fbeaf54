package outbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

// held is a write that has published and not yet committed.
type held struct {
	commit chan struct{}
	done   chan error
}

// publishAndHold publishes in a transaction that stays open until finish.
func (w *world) publishAndHold(text string) *held {
	w.t.Helper()
	h := &held{commit: make(chan struct{}), done: make(chan error, 1)}
	published := make(chan struct{})
	go func() {
		h.done <- w.source.Write(context.Background(), func(tx *database.Tx) error {
			defer close(published)
			if err := outbox.Publish(context.Background(), tx, noted(), "", note{Text: text}); err != nil {
				return err
			}
			published <- struct{}{}
			<-h.commit
			return nil
		})
	}()
	<-published
	return h
}

func (h *held) finish(t *testing.T) {
	t.Helper()
	close(h.commit)
	if err := <-h.done; err != nil {
		t.Fatal(err)
	}
}

// Two transactions overlap and commit in the reverse order of their ids. A
// relay that remembers only the last id would never see the first.
func TestPostgresEventsThatCommitInReverseOrderAreNotLost(t *testing.T) {
	w := postgresWorld(t)
	relay := w.relay(nil)
	naive := &naiveReader{w: w}
	slow := w.publishAndHold("slow")
	w.publish("fast")

	naive.read()
	w.pass(relay)
	w.wantEffects("") // "fast" must wait: something before it may still come

	slow.finish(t)
	naive.read()
	w.drain(relay)
	w.wantEffects("fast slow")
	if got := strings.Join(naive.got, " "); got != "fast" {
		t.Errorf("reading by id alone gave %q: this test no longer shows the danger it guards against", got)
	}
}

// The other way round: the transaction that began first publishes last, so that
// its event has the higher id and the lower transaction.
func TestPostgresEventsOfAnOlderTransactionWithALaterIDAreNotLost(t *testing.T) {
	w := postgresWorld(t)
	relay := w.relay(nil)
	begun, publish, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- w.source.Write(context.Background(), func(tx *database.Tx) error {
			var id string // takes the transaction's id before the other has one
			if err := tx.Get(context.Background(), &id, `SELECT pg_current_xact_id()::text`); err != nil {
				return err
			}
			close(begun)
			<-publish
			return outbox.Publish(context.Background(), tx, noted(), "", note{Text: "old"})
		})
	}()
	<-begun
	w.publish("young")
	w.pass(relay)
	w.wantEffects("")
	close(publish)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.drain(relay)
	w.wantEffects("old young")
	if s := w.status(); s.Lag != 0 {
		t.Errorf("status %+v", s)
	}
}

// pass makes a relay look once, without waiting for open transactions.
func (w *world) pass(relay *outbox.Relay) {
	w.t.Helper()
	if err := relay.LookOnce(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// naiveReader is what must not be built: it remembers the last id.
type naiveReader struct {
	w    *world
	last int64
	got  []string
}

func (n *naiveReader) read() {
	n.w.t.Helper()
	var rows []struct {
		ID      int64  `db:"id"`
		Payload string `db:"payload"`
	}
	err := n.w.source.Read().Select(n.w.t.Context(), &rows, `
		SELECT id, payload
		FROM event_outbox
		WHERE id > ?
		ORDER BY id`, n.last)
	if err != nil {
		n.w.t.Fatal(err)
	}
	for _, row := range rows {
		value, err := noted().Decode(events.Event{Topic: noted().Name(), Payload: []byte(row.Payload)})
		if err != nil {
			n.w.t.Fatal(err)
		}
		n.got, n.last = append(n.got, value.Text), row.ID
	}
}

// The older transaction belongs to another process, so nobody wakes the relay
// when it ends.
func TestPostgresARelayNoticesTheEndOfAnOlderTransaction(t *testing.T) {
	w := postgresWorld(t)
	options := w.options()
	options.Poll = time.Hour
	var looks atomic.Int64 // each look at the outbox begins with one at the clock
	options.Clock = func() time.Time {
		looks.Add(1)
		return w.clock.Now()
	}
	ctx, cancel := context.WithCancel(t.Context())
	delivered := make(chan string)
	relay := outbox.NewRelay(w.source, options, outbox.Consumer{
		Name: "receiver", Topic: noted().Name(),
		Deliver: outbox.Local(w.receiver, outbox.Handle(noted(), func(_ context.Context, _ *database.Tx, _ events.Event, n note) error {
			delivered <- n.Text
			return nil
		})),
	})
	ended := make(chan error)
	elsewhere := &world{t: t, clock: w.clock, source: databasetest.Again(t, w.source)}
	go func() { ended <- relay.Run(ctx) }()
	w.publish("first")
	if got := <-delivered; got != "first" {
		t.Errorf("got %s", got)
	}
	older := elsewhere.publishAndHold("older")
	before := looks.Load()
	w.publish("younger")
	w.await(func() bool { return looks.Load() > before+1 && w.status().Lag == 1 })
	older.finish(t)
	if second, third := <-delivered, <-delivered; second != "older" || third != "younger" {
		t.Errorf("got %s, %s", second, third)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The connection breaks while a handler works: that is not the event's fault.
func TestPostgresALostConnectionParksNothing(t *testing.T) {
	w := postgresWorld(t)
	lost := false
	relay := w.relay(outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
		if !lost {
			lost = true
			if _, err := tx.Exec(ctx, `SELECT pg_terminate_backend(pg_backend_pid())`); err != nil {
				return fmt.Errorf("handle: %w", err)
			}
		}
		return writeEffect(ctx, tx, e)
	}))
	w.publish("a")
	if err := relay.Drain(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("drain: %v", err)
	}
	if s := w.status(); s.Parked+s.Dead != 0 || s.Failures != 1 {
		t.Errorf("status %+v", s)
	}
	w.drain(relay)
	w.wantEffects("a")
}

// After a dump is restored into a newer cluster, positions are ahead of every
// new event. The relay notices and starts over; the inbox has the old ones.
func TestPostgresARestoredDumpLosesNothing(t *testing.T) {
	w := postgresWorld(t)
	relay := w.relay(nil)
	w.publish("before")
	w.drain(relay)
	err := w.source.Write(t.Context(), func(tx *database.Tx) error { // what a restore looks like
		const ahead = 1 << 50
		if _, err := tx.Exec(t.Context(), `UPDATE event_outbox SET txid = ?`, int64(ahead)); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `UPDATE event_consumer SET txid = ?`, int64(ahead))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.publish("after")
	w.drain(w.relay(nil))
	w.wantEffects("after before")
}
