package outbox_test

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/testenv/databasetest"
)

// BenchmarkDelivery publishes from 64 callers while a relay delivers to another
// module's database: events per second from the first write to the last effect.
func BenchmarkDelivery(b *testing.B) {
	open := func(name string) *database.DB {
		return databasetest.Open(b, database.Options{
			Module: name, URL: "sqlite:" + b.TempDir(), Migrations: migrations.FS, Sets: []string{"events"},
		})
	}
	source, receiver := open("source"), open("receiver")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	arrived := make(chan struct{}, 1024)
	relay := outbox.NewRelay(source, outbox.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, outbox.Consumer{
		Name: "receiver", Topic: noted().Name(),
		Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			receipt, err := outbox.Consume(ctx, receiver, batch.Consumer, batch, func(context.Context, *database.Tx, events.Event) error { return nil })
			for range receipt.Results {
				arrived <- struct{}{}
			}
			return receipt, err
		},
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := relay.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	const callers = 64
	begun := time.Now()
	for caller := range callers {
		wg.Go(func() {
			for range (b.N + callers - 1 - caller) / callers {
				err := source.Write(ctx, func(tx *database.Tx) error { return outbox.Publish(ctx, tx, noted(), "key", note{Text: "text"}) })
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		<-arrived
	}
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "events/s")
	cancel()
	wg.Wait()
}
