package jetstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/broker"
	broking "banyan/platform/events/jetstream"
	"banyan/platform/events/outbox"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/natstest"
)

type note struct {
	Text string `json:"text"`
}

func noted() events.Topic[note] { return events.NewTopic[note]("test.noted") }

// world is a publisher whose events go through a real server to a receiver.
type world struct {
	t        *testing.T
	server   *natstest.Server
	source   *database.DB
	receiver *database.DB
	choice   *broker.Choice
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, server: natstest.Start(t), choice: new(broker.Choice)}
	open := func(name string) *database.DB {
		return databasetest.Open(t, database.Options{
			Module: name, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"events"}, Clock: time.Now,
		})
	}
	w.source, w.receiver = open("source"), open("receiver")
	err := w.receiver.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `CREATE TABLE effect (text TEXT NOT NULL)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) settings() broking.Settings {
	return broking.Settings{
		URL: []string{w.server.URL()}, User: "banyan", Password: "secret", Prefix: "test", Replicas: 1, MaxBytes: 64 << 20, MaxAge: time.Hour,
	}
}

func (w *world) open() *broking.Broker {
	w.t.Helper()
	b, err := broking.Open(w.settings(), slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.Close)
	return b
}

// relay delivers to the receiver until the test ends. The outbox steps in after
// stalled.
func (w *world) relay(stalled time.Duration) {
	w.t.Helper()
	relay := outbox.NewRelay(w.source, outbox.Options{
		Log: slog.New(slog.DiscardHandler), Poll: 20 * time.Millisecond, Choice: w.choice, DataID: func() string { return "data" }, Stalled: stalled,
	}, outbox.Consumer{Name: "receiver", Topic: noted().Name(), Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
		return outbox.Consume(ctx, w.receiver, batch.Consumer, batch, func(ctx context.Context, tx *database.Tx, e events.Event) error {
			n, err := noted().Decode(e)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO effect (text) VALUES (?)`, n.Text)
			return err
		})
	}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = relay.Run(ctx) }) // it ends with ctx
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

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

// wantEffects waits for exactly these effects, in the order in which they happened.
func (w *world) wantEffects(want string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for got := ""; ; {
		var all []string
		if err := w.receiver.Read().Select(w.t.Context(), &all, `SELECT text FROM effect ORDER BY rowid`); err != nil {
			w.t.Fatal(err)
		}
		if got = strings.Join(all, " "); got == want {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("effects are %q, want %q", got, want)
		case <-tick.C:
		}
	}
}

// never is longer than any test.
const never = time.Hour

func TestEventsPassThroughTheServerInOrder(t *testing.T) {
	w := newWorld(t)
	w.choice.Set(w.open())
	w.relay(never)
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprint("n", i))
	}
	w.publish(want[:120]...)
	w.publish(want[120:]...)
	w.wantEffects(strings.Join(want, " "))
}

func TestAServerThatRestartsDelaysEventsAndLosesNone(t *testing.T) {
	w := newWorld(t)
	w.choice.Set(w.open())
	w.relay(never)
	w.publish("a")
	w.wantEffects("a")
	w.server.Stop()
	w.publish("b", "c")
	w.server.Start()
	w.wantEffects("a b c")
}

func TestAServerThatLostItsDiskLosesNoEvent(t *testing.T) {
	w := newWorld(t)
	w.choice.Set(w.open())
	w.relay(never)
	w.publish("a")
	w.wantEffects("a")
	w.server.Stop()
	w.server.Wipe()
	w.server.Start()
	w.publish("b")
	w.wantEffects("a b")
}

func TestWithoutAServerEventsComeFromTheOutbox(t *testing.T) {
	w := newWorld(t)
	w.server.Stop()
	w.choice.Set(w.open())
	w.relay(time.Millisecond)
	w.publish("a", "b")
	w.wantEffects("a b")
}

func TestTheBrokerChangesWhileEventsArePublished(t *testing.T) {
	w := newWorld(t)
	first := w.open()
	w.relay(never)
	var want []string
	for i := range 60 {
		switch i % 20 {
		case 5:
			w.choice.Set(first)
		case 15:
			w.choice.Set(nil)
		}
		text := fmt.Sprint("n", i)
		want = append(want, text)
		w.publish(text)
	}
	w.wantEffects(strings.Join(want, " "))
}

// Two installations that share a prefix by mistake must not count each other's
// events, and a message of any other program must not stop the consumer.
func TestMessagesOfOthersAreLeftOut(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	w.choice.Set(b)
	w.relay(never)
	w.publish("a")
	w.wantEffects("a")
	stray, err := noted().Event("key", note{Text: "stray"})
	if err != nil {
		t.Fatal(err)
	}
	stray.ID, stray.Time = "0190b5d0-0000-7000-8000-000000000000", 1
	other := broker.Stream{Module: "source", DataID: "another database"}
	if err := b.Publish(t.Context(), other, []broker.Message{{Event: stray, Place: broker.Place{ID: 2}}}); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(w.server.URL(), nats.UserInfo("banyan", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "test.source.test.noted", []byte("not an event")); err != nil {
		t.Fatal(err)
	}
	w.publish("b")
	w.wantEffects("a b")
}

func TestAFullStreamKeepsEventsInTheOutbox(t *testing.T) {
	w := newWorld(t)
	small := w.settings()
	small.MaxBytes = 1 << 20
	b, err := broking.Open(small, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	// A consumer of somebody else that never acknowledges fills the stream.
	w.choice.Set(b)
	w.relay(never)
	w.publish("a")
	w.wantEffects("a")
	conn, err := nats.Connect(w.server.URL(), nats.UserInfo("banyan", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateConsumer(t.Context(), "test_source", jetstream.ConsumerConfig{Durable: "slow", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	long, want := strings.Repeat("x", 200<<10), "a"
	for range 8 {
		w.publish(long)
		want += " " + long
	}
	full := func() bool {
		all, err := outbox.ReadStatus(t.Context(), w.source)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.Consumer == "broker/nats" && s.Failures > 0 {
				return true
			}
		}
		return false
	}
	for !full() {
		if t.Context().Err() != nil {
			t.Fatal("a full stream took more events")
		}
	}
	if err := js.DeleteConsumer(t.Context(), "test_source", "slow"); err != nil {
		t.Fatal(err)
	}
	w.wantEffects(want)
}

func TestAWrongPasswordIsNamed(t *testing.T) {
	w := newWorld(t)
	wrong := w.settings()
	wrong.Password = "another"
	b, err := broking.Open(wrong, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = b.Publish(t.Context(), broker.Stream{Module: "source"}, nil)
	if err == nil || !strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "another") {
		t.Errorf("got %v, want an error that names the credentials and not the password", err)
	}
}
