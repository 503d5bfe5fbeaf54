package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
)

// note is the payload of these tests.
type note struct {
	Text string `json:"text"`
}

func noted() events.Topic[note] { return events.NewTopic[note]("test.noted") }

func newClock() *testclock.Clock { return testclock.At(time.UnixMilli(1_800_000_000_000)) }

// world is a publishing and a consuming module, each with its own database.
type world struct {
	t        *testing.T
	clock    *testclock.Clock
	source   *database.DB
	receiver *database.DB
}

// each runs a test with both modules on SQLite and both on PostgreSQL.
func each(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		clock := newClock()
		open := func(name string) *database.DB {
			return databasetest.Open(t, database.Options{
				Module: name, URL: "sqlite:" + t.TempDir(),
				Migrations: migrations.FS, Sets: []string{"events"}, Clock: clock.Now,
			})
		}
		test(&world{t: t, clock: clock, source: open("source"), receiver: withEffects(t, open("receiver"))})
	})
	t.Run("postgres", func(t *testing.T) { test(postgresWorld(t)) })
}

func postgresWorld(t *testing.T) *world {
	t.Helper()
	clock := newClock()
	open := func(name string) *database.DB {
		options := databasetest.PostgresOptions(t, name, migrations.FS)
		options.Sets, options.Clock = []string{"events"}, clock.Now
		return databasetest.Open(t, options)
	}
	return &world{t: t, clock: clock, source: open("source"), receiver: withEffects(t, open("receiver"))}
}

// withEffects adds the table in which the consumer's effects are counted: a row
// per effect, so that a double one shows.
func withEffects(t *testing.T, db *database.DB) *database.DB {
	t.Helper()
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `CREATE TABLE effect (event_id TEXT NOT NULL, text TEXT NOT NULL)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (w *world) options() outbox.Options {
	return outbox.Options{
		Clock: w.clock.Now, MaxAttempts: 3,
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		Jitter: func(time.Duration) time.Duration { return 0 },
	}
}

// relay delivers to the receiver through deliver, or locally when it is nil.
func (w *world) relay(deliver outbox.Deliver) *outbox.Relay {
	if deliver == nil {
		deliver = outbox.Local(w.receiver, writeEffect)
	}
	return outbox.NewRelay(w.source, w.options(), outbox.Consumer{Name: "receiver", Topic: noted().Name(), Deliver: deliver})
}

// writeEffect is the handler of most tests. Events whose text starts with "bad"
// fail after their effect was written, "panic" panics.
func writeEffect(ctx context.Context, tx *database.Tx, e events.Event) error {
	n, err := noted().Decode(e)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO effect (event_id, text) VALUES (?, ?)`, e.ID, n.Text); err != nil {
		return err
	}
	if strings.HasPrefix(n.Text, "bad") {
		return fmt.Errorf("%s cannot be handled", n.Text)
	}
	if n.Text == "panic" {
		panic("handler")
	}
	return nil
}

// publish announces all texts in one transaction.
func (w *world) publish(texts ...string) {
	w.t.Helper()
	err := w.source.Write(w.t.Context(), func(tx *database.Tx) error {
		for _, text := range texts {
			if err := outbox.Publish(w.t.Context(), tx, noted(), "key", note{Text: text}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) drain(r *outbox.Relay) {
	w.t.Helper()
	if err := r.Drain(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// effects returns the texts of all effects, sorted.
func (w *world) effects() string {
	w.t.Helper()
	var all []string
	if err := w.receiver.Read().Select(w.t.Context(), &all, `SELECT text FROM effect ORDER BY text`); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func (w *world) wantEffects(want string) {
	w.t.Helper()
	if got := w.effects(); got != want {
		w.t.Errorf("effects are %q, want %q", got, want)
	}
}

// closedReceiver is a handle on the receiver's database that is gone.
func closedReceiver(w *world) *database.DB {
	w.t.Helper()
	db := databasetest.Again(w.t, w.receiver)
	if err := db.Close(); err != nil {
		w.t.Fatal(err)
	}
	return db
}

func (w *world) status() outbox.Status {
	w.t.Helper()
	all, err := outbox.ReadStatus(w.t.Context(), w.source)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("status: %v, %v", all, err)
	}
	return all[0]
}

func TestEventsArriveInOrderWithWhatWasPublished(t *testing.T) {
	each(t, func(w *world) {
		var got []string
		relay := w.relay(func(_ context.Context, batch events.Batch) (events.Receipt, error) {
			var receipt events.Receipt
			for _, e := range batch.Events {
				n, err := noted().Decode(e)
				if err != nil {
					return events.Receipt{}, err
				}
				got = append(got, n.Text)
				if e.Key != "key" || e.Topic != "test.noted" || !e.At().Equal(w.clock.Now()) || len(e.ID) != 36 {
					w.t.Errorf("arrived as %+v", e)
				}
				receipt.Results = append(receipt.Results, events.Result{ID: e.ID})
			}
			return receipt, nil
		})
		w.drain(relay)
		var want []string
		for i := range 250 { // more than two batches
			want = append(want, fmt.Sprint(i))
		}
		w.publish(want...)
		w.drain(relay)
		w.drain(relay)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			w.t.Errorf("arrived: %v", got)
		}
		if s := w.status(); s.Lag != 0 || s.Parked != 0 || s.Dead != 0 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func TestOnlyCommittedEventsAreDelivered(t *testing.T) {
	each(t, func(w *world) {
		refusal := errors.New("rolled back")
		err := w.source.Write(w.t.Context(), func(tx *database.Tx) error {
			return errors.Join(outbox.Publish(w.t.Context(), tx, noted(), "", note{Text: "never"}), refusal)
		})
		if !errors.Is(err, refusal) {
			w.t.Fatal(err)
		}
		w.publish("kept")
		w.drain(w.relay(nil))
		w.wantEffects("kept")
	})
}

func TestATransportFailureBlamesNoEventAndLosesNone(t *testing.T) {
	each(t, func(w *world) {
		down := true
		local := outbox.Local(w.receiver, writeEffect)
		relay := w.relay(func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			if down {
				return events.Receipt{}, errors.New("connection refused")
			}
			return local(ctx, batch)
		})
		w.publish("a", "b")
		for range 5 { // more than MaxAttempts
			if err := relay.Drain(w.t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
				w.t.Errorf("drain: %v", err)
			}
		}
		if s := w.status(); s.Lag != 2 || s.Failures != 5 || s.Parked+s.Dead != 0 || !strings.Contains(s.LastError, "refused") {
			w.t.Errorf("while it is down: %+v", s)
		}
		down = false
		w.drain(relay)
		w.wantEffects("a b")
		if s := w.status(); s.Lag != 0 || s.Failures != 0 || s.LastError != "" {
			w.t.Errorf("after it is up: %+v", s)
		}
	})
}

// The receiver did its work and died before the receipt arrived.
func TestALostReceiptDoesNotDoubleTheEffect(t *testing.T) {
	each(t, func(w *world) {
		losses := 2
		local := outbox.Local(w.receiver, writeEffect)
		relay := w.relay(func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			receipt, err := local(ctx, batch)
			if losses--; losses >= 0 {
				return events.Receipt{}, errors.New("killed before the answer")
			}
			return receipt, err
		})
		w.publish("a", "b", "c")
		for range 2 {
			if err := relay.Drain(w.t.Context()); err == nil {
				w.t.Error("the lost receipt did not show")
			}
		}
		w.drain(relay)
		w.wantEffects("a b c")
	})
}

func TestAnIncompleteReceiptCountsAsNotDelivered(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(func(_ context.Context, batch events.Batch) (events.Receipt, error) {
			return events.Receipt{Results: []events.Result{{ID: batch.Events[0].ID}}}, nil
		})
		w.publish("a", "b")
		if err := relay.Drain(w.t.Context()); !fault.Is(err, fault.Internal) {
			w.t.Errorf("drain: %v", err)
		}
		if s := w.status(); s.Lag != 2 {
			w.t.Errorf("the position moved: %+v", s)
		}
	})
}

func TestAFailedEventIsParkedPassedDeadAndReplayed(t *testing.T) {
	each(t, func(w *world) {
		relay := w.relay(nil)
		w.publish("a", "bad", "b", "panic")
		w.drain(relay)
		w.wantEffects("a b")
		if s := w.status(); s.Lag != 0 || s.Parked != 2 || s.Dead != 0 {
			w.t.Fatalf("after the first failure: %+v", s)
		}
		w.publish("c")
		w.drain(relay) // not due yet
		w.wantEffects("a b c")
		for range 2 {
			w.clock.Pass(time.Hour)
			w.drain(relay)
		}
		if s := w.status(); s.Parked != 0 || s.Dead != 2 {
			w.t.Fatalf("after three failures: %+v", s)
		}
		w.clock.Pass(100 * time.Hour)
		w.drain(relay)
		letters := w.dead()
		if len(letters) != 2 || letters[0].Attempts != 3 {
			w.t.Fatalf("dead letters %+v", letters)
		}
		for _, l := range letters {
			if !strings.Contains(l.LastError, "bad cannot be handled") && !strings.Contains(l.LastError, "panicked: handler") {
				w.t.Errorf("it died of %q", l.LastError)
			}
		}
		w.wantEffects("a b c")
		w.replayWith(letters)
	})
}

// replayWith mends the handler and replays, from a second handle as a command
// in another process would.
func (w *world) replayWith(letters []outbox.DeadLetter) {
	w.t.Helper()
	mended := w.relay(outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
		_, err := tx.Exec(ctx, `INSERT INTO effect (event_id, text) VALUES (?, ?)`, e.ID, "mended")
		return err
	}))
	other := databasetest.Again(w.t, w.source)
	for _, c := range []struct {
		consumer string
		ids      []string
		want     int64
	}{
		{"nobody", nil, 0},
		{"receiver", []string{"no such id"}, 0},
		{"receiver", []string{letters[1].Event.ID}, 1},
		{"", nil, 1},
	} {
		if got, err := outbox.Replay(w.t.Context(), other, c.consumer, c.ids...); got != c.want || err != nil {
			w.t.Errorf("replay %q %v: %d, %v; want %d", c.consumer, c.ids, got, err, c.want)
		}
	}
	w.drain(mended)
	w.wantEffects("a b c mended mended")
	if s := w.status(); s.Parked+s.Dead != 0 {
		w.t.Errorf("after the replay: %+v", s)
	}
}

func TestPagesOfDeadLettersAreChecked(t *testing.T) {
	each(t, func(w *world) {
		for _, limit := range []int{-1, 501} {
			if _, _, err := outbox.ListDead(w.t.Context(), w.source, "", "", limit); !fault.Is(err, fault.Invalid) {
				w.t.Errorf("a page of %d: %v", limit, err)
			}
		}
		if _, _, err := outbox.ListDead(w.t.Context(), w.source, "receiver", "receiver/1", 0); !fault.Is(err, fault.Invalid) {
			w.t.Errorf("nonsense for a cursor: %v", err)
		}
	})
}

// dead lists all dead letters, a page of one at a time.
func (w *world) dead() (all []outbox.DeadLetter) {
	w.t.Helper()
	for cursor := ""; ; {
		letters, next, err := outbox.ListDead(w.t.Context(), w.source, "", cursor, 1)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, letters...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

func TestTwoRelaysTogetherMakeEachEffectOnce(t *testing.T) {
	each(t, func(w *world) {
		const count = 300
		second := databasetest.Again(w.t, w.source)
		ctx, cancel := context.WithCancel(w.t.Context())
		var wg sync.WaitGroup
		for _, source := range []*database.DB{w.source, second} {
			options := w.options()
			options.Batch, options.Poll = 7, time.Millisecond
			relay := outbox.NewRelay(source, options, outbox.Consumer{
				Name: "receiver", Topic: noted().Name(), Deliver: outbox.Local(w.receiver, writeEffect),
			})
			wg.Go(func() {
				if err := relay.Run(ctx); err != nil {
					w.t.Error(err)
				}
			})
		}
		for range 4 {
			wg.Go(func() {
				for i := range count / 4 {
					w.publish(fmt.Sprint(i))
				}
			})
		}
		w.await(func() bool { return len(strings.Fields(w.effects())) >= count })
		w.drain(w.relay(nil))
		cancel()
		wg.Wait()
		if got := len(strings.Fields(w.effects())); got != count {
			w.t.Errorf("%d effects of %d events", got, count)
		}
	})
}

// await waits for a condition that another goroutine brings about.
func (w *world) await(done func() bool) {
	w.t.Helper()
	for !done() {
		if w.t.Context().Err() != nil {
			w.t.Fatal("it never happened")
		}
	}
}

func TestACommitWakesTheRelay(t *testing.T) {
	each(t, func(w *world) {
		options := w.options()
		options.Poll = time.Hour // only a wake can bring the event
		ctx, cancel := context.WithCancel(w.t.Context())
		delivered := make(chan string, 10)
		relay := outbox.NewRelay(w.source, options, outbox.Consumer{
			Name: "receiver", Topic: noted().Name(),
			Deliver: outbox.Local(w.receiver, outbox.Handle(noted(), func(_ context.Context, _ *database.Tx, _ events.Event, n note) error {
				delivered <- n.Text
				return nil
			})),
		})
		ended := make(chan error)
		go func() { ended <- relay.Run(ctx) }()
		w.publish("first")
		if got := <-delivered; got != "first" {
			w.t.Errorf("got %q", got)
		}
		w.publish("second")
		if got := <-delivered; got != "second" {
			w.t.Errorf("got %q", got)
		}
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}
