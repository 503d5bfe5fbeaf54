package jetstream_test

import (
	"context"
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

// BenchmarkEvents compares events a second: delivered by the relay itself, through
// JetStream, and nats.go alone with the same acknowledgements and no database. The
// events wait in the outbox when the clock starts.
func BenchmarkEvents(b *testing.B) {
	server := natstest.Start(b)
	b.Run("embedded", func(b *testing.B) { deliverAll(b, nil) })
	b.Run("jetstream", func(b *testing.B) {
		carrier, err := broking.Open(broking.Settings{
			URL: []string{server.URL()}, User: "banyan", Password: "secret", Prefix: "bench", Replicas: 1, MaxBytes: 1 << 30, MaxAge: time.Hour,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		defer carrier.Close()
		deliverAll(b, carrier)
	})
	b.Run("nats.go alone", func(b *testing.B) { natsAlone(b, server) })
}

func deliverAll(b *testing.B, carrier broker.Broker) {
	b.Helper()
	open := func(name string) *database.DB {
		return databasetest.Open(b, database.Options{
			Module: name, URL: "sqlite:" + b.TempDir(), Migrations: migrations.FS, Sets: []string{"events"}, Clock: time.Now,
		})
	}
	source, receiver := open("source"), open("receiver")
	for first := 0; first < b.N; first += 500 {
		err := source.Write(b.Context(), func(tx *database.Tx) error {
			for range min(500, b.N-first) {
				if err := outbox.Publish(b.Context(), tx, noted(), "key", note{Text: "text"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	choice := new(broker.Choice)
	if carrier != nil {
		choice.Set(carrier)
	}
	arrived := make(chan int, 1024)
	id := b.Name() + time.Now().String()
	relay := outbox.NewRelay(source, outbox.Options{Log: slog.New(slog.DiscardHandler), Choice: choice, DataID: func() string { return id }, Stalled: time.Hour}, outbox.Consumer{
		Name: "receiver", Topic: noted().Name(),
		Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			receipt, err := outbox.Consume(ctx, receiver, batch.Consumer, batch, func(context.Context, *database.Tx, events.Event) error { return nil })
			arrived <- len(receipt.Results)
			return receipt, err
		},
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var running sync.WaitGroup
	b.ResetTimer()
	running.Go(func() { _ = relay.Run(ctx) }) // it ends with ctx
	for n := 0; n < b.N; {
		n += <-arrived
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	cancel()
	running.Wait()
}

// natsAlone publishes with the acknowledgement of each message awaited in groups as
// large as the relay's, and acknowledges each message that it fetches.
func natsAlone(b *testing.B, server *natstest.Server) {
	b.Helper()
	conn, err := nats.Connect(server.URL(), nats.UserInfo("banyan", "secret"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	_ = js.DeleteStream(b.Context(), "alone") // of the run before
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "alone", Subjects: []string{"alone"}, Retention: jetstream.InterestPolicy}); err != nil {
		b.Fatal(err)
	}
	consumer, err := js.CreateConsumer(b.Context(), "alone", jetstream.ConsumerConfig{Durable: "alone", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4096})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat("x", 200)) // as long as an event of the others
	b.ResetTimer()
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for first := 0; first < b.N; first += 500 {
			var stored []jetstream.PubAckFuture
			for range min(500, b.N-first) {
				future, err := js.PublishAsync("alone", body)
				if err != nil {
					b.Error(err)
					return
				}
				stored = append(stored, future)
			}
			for _, future := range stored {
				<-future.Ok()
			}
		}
	})
	for n := 0; n < b.N; {
		batch, err := consumer.FetchNoWait(100)
		if err != nil {
			b.Fatal(err)
		}
		for m := range batch.Messages() {
			if err := m.Ack(); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	publishing.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
