package host

import (
	"context"
	"log/slog"
	"reflect"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/events/broker"
	"banyan/platform/events/jetstream"
	"banyan/platform/events/outbox"
)

// eventBroker is what carries the events of all modules. Its zero value is none, so
// that the relays deliver by themselves.
type eventBroker struct {
	choice   broker.Choice
	settings outbox.Settings   // of nats
	nats     *jetstream.Broker // nil: embedded
}

// openBroker puts events.broker into force.
func (p *Process) openBroker(ctx context.Context) error {
	p.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "banyan_events_broker_connected",
		Help: "Whether the broker of events is reached: 1 or 0. Without a broker (events.broker: embedded) it is 1.",
	}, p.broker.connected))
	return p.broker.change(ctx, p.settings.Events, p.log)
}

// connected implements the metric.
func (b *eventBroker) connected() float64 {
	chosen, _ := b.choice.Get()
	if nats, is := chosen.(*jetstream.Broker); is && nats.Ping(context.Background()) != nil {
		return 0
	}
	return 1
}

// change puts these settings into force while relays run: they go on at the same
// positions. If it fails, what was in force stays. Calls must not overlap.
func (b *eventBroker) change(ctx context.Context, next outbox.Settings, log *slog.Logger) error {
	wanted := next.Broker == outbox.NATS
	if wanted == (b.nats != nil) && (!wanted || reflect.DeepEqual(next.NATS, b.settings.NATS)) {
		return nil
	}
	old := b.nats
	if wanted {
		opened, err := jetstream.Open(next.NATS, log)
		if err != nil {
			return err
		}
		b.nats = opened
		b.choice.Set(opened)
	} else {
		b.nats = nil
		b.choice.Set(nil)
	}
	b.settings = next
	if old != nil {
		old.Close()
	}
	log.InfoContext(ctx, "what carries events", "events.broker", next.Broker)
	return nil
}

func (b *eventBroker) close() {
	if b.nats != nil {
		b.nats.Close()
	}
}
