package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/testenv/databasetest"
)

func TestMetricsSayWhatIsWaiting(t *testing.T) {
	databasetest.Each(t, "airdrop", func(t *testing.T, db *database.DB) {
		topic := events.NewTopic[int]("test.numbers")
		refuse := func(_ context.Context, _ events.Batch) (events.Receipt, error) {
			return events.Receipt{}, errors.New("away")
		}
		relay := outbox.NewRelay(db, outbox.Options{Log: slog.New(slog.DiscardHandler)}, outbox.Consumer{Name: "far", Topic: topic.Name(), Deliver: refuse})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- relay.Run(ctx) }()
		for n := range 3 {
			err := db.Write(t.Context(), func(tx *database.Tx) error { return outbox.Publish(t.Context(), tx, topic, "k", n) })
			if err != nil {
				t.Fatal(err)
			}
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(outbox.Collector{db})
		var waiting float64
		for deadline := time.Now().Add(time.Minute); waiting != 3 && time.Now().Before(deadline); {
			waiting = gaugeOf(t, registry, "banyan_events_waiting")
		}
		if waiting != 3 {
			t.Errorf("%v events are waiting, want 3", waiting)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func gaugeOf(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}
