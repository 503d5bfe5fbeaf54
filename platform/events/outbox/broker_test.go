package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/broker"
	"banyan/platform/events/outbox"
	"banyan/platform/testenv/databasetest"
)

// memoryBroker is a broker that keeps messages in memory and, when it is unreliable,
// loses, repeats and exchanges them.
type memoryBroker struct {
	mu      sync.Mutex
	random  *rand.Rand
	queue   map[string][]broker.Message // by topic
	arrived chan struct{}               // holds a value when there may be messages
	unreliable,
	deaf bool // it takes messages and delivers none
}

func newMemoryBroker(unreliable bool) *memoryBroker {
	return &memoryBroker{
		random: rand.New(rand.NewPCG(3, 4)), queue: map[string][]broker.Message{}, arrived: make(chan struct{}, 1), unreliable: unreliable,
	}
}

func (b *memoryBroker) Name() string { return "memory" }

func (b *memoryBroker) Publish(_ context.Context, _ broker.Stream, messages []broker.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake() // also for those that it took before it failed
	for _, m := range messages {
		copies := 1
		if b.unreliable {
			switch b.random.IntN(8) {
			case 0:
				copies = 0
			case 1:
				copies = 2
			case 2:
				return errors.New("the broker is away")
			}
		}
		for range copies {
			b.queue[m.Event.Topic] = append(b.queue[m.Event.Topic], m)
		}
	}
	return nil
}

func (b *memoryBroker) wake() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// take removes up to limit messages, in a wrong order now and then.
func (b *memoryBroker) take(topic string, limit int) []broker.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deaf {
		return nil
	}
	queue := b.queue[topic]
	n := min(limit, len(queue))
	taken := append([]broker.Message{}, queue[:n]...)
	b.queue[topic] = queue[n:]
	if b.unreliable && b.random.IntN(2) == 0 {
		b.random.Shuffle(len(taken), func(i, j int) { taken[i], taken[j] = taken[j], taken[i] })
	}
	return taken
}

func (b *memoryBroker) Receive(ctx context.Context, _ broker.Stream, to broker.Consumer, limit int, handle func(context.Context, []broker.Message) error) error {
	for {
		messages := b.take(to.Topic, limit)
		if len(messages) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-b.arrived:
			}
			continue
		}
		if err := handle(ctx, messages); err != nil {
			b.mu.Lock()
			b.queue[to.Topic] = append(messages, b.queue[to.Topic]...)
			b.mu.Unlock()
			b.wake()
			return err
		}
	}
}

func (b *memoryBroker) Waiting(_ context.Context, _ broker.Stream, to broker.Consumer) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.queue[to.Topic])), nil
}

// consumerStatus returns the state of the consumer "receiver".
func (w *world) consumerStatus() (s outbox.Status, brokers int) {
	w.t.Helper()
	all, err := outbox.ReadStatus(w.t.Context(), w.source)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range all {
		if strings.HasPrefix(one.Consumer, "broker/") {
			brokers++
		} else {
			s = one
		}
	}
	return s, brokers
}

// brokered starts a relay with a choice of brokers; stop ends it.
func (w *world) brokered(choice *broker.Choice, deliver outbox.Deliver) (stop func()) {
	return w.brokeredOn(w.source, choice, deliver)
}

func (w *world) brokeredOn(source *database.DB, choice *broker.Choice, deliver outbox.Deliver) (stop func()) {
	w.t.Helper()
	options := w.options()
	options.Choice, options.DataID, options.MaxAttempts = choice, func() string { return "data" }, 1000
	options.Batch, options.Poll, options.Stalled = 7, time.Millisecond, time.Second
	relay := outbox.NewRelay(source, options, outbox.Consumer{Name: "receiver", Topic: noted().Name(), Deliver: deliver})
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := relay.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// Two replicas, a broker that loses, repeats and exchanges messages, which is chosen
// and left again and again while others publish and events fail: in the end each
// event has had its effect once.
func TestThroughAnUnreliableBrokerEachEffectHappensOnce(t *testing.T) {
	each(t, func(w *world) {
		failing := &chaos{random: rand.New(rand.NewPCG(5, 6))}
		deliver := outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
			if err := writeEffect(ctx, tx, e); err != nil {
				return err
			}
			if failing.roll(10) == 0 {
				return errors.New("refused for now")
			}
			return nil
		})
		choice, unreliable := new(broker.Choice), newMemoryBroker(true)
		for _, source := range []*database.DB{w.source, databasetest.Again(t, w.source)} {
			defer w.brokeredOn(source, choice, deliver)()
		}
		var publishers sync.WaitGroup
		const publishing, eachPublishes = 3, 30
		for p := range publishing {
			publishers.Go(func() {
				for i := range eachPublishes {
					w.publishOrRollBack(fmt.Sprintf("%d-%d", p, i), i%3 == 0)
					if i%5 == p {
						choice.Set(unreliable)
					} else if i%7 == p {
						choice.Set(nil)
					}
				}
			})
		}
		publishers.Wait()
		choice.Set(unreliable)
		w.await(func() bool {
			w.clock.Pass(time.Minute)
			s, _ := w.consumerStatus()
			return s.Lag == 0 && s.Parked == 0
		})
		w.wantEach(publishing * eachPublishes * 2 / 3)
	})
}

// wantEach fails unless this many effects happened, each once.
func (w *world) wantEach(want int) {
	w.t.Helper()
	got, seen := strings.Fields(w.effects()), map[string]bool{}
	for _, text := range got {
		if seen[text] {
			w.t.Errorf("%s: its effect came twice", text)
		}
		seen[text] = true
	}
	if len(got) != want {
		w.t.Errorf("%d effects, want %d", len(got), want)
	}
}

func TestAConsumerKeepsItsPlaceWhenTheBrokerChanges(t *testing.T) {
	each(t, func(w *world) {
		choice, memory := new(broker.Choice), newMemoryBroker(false)
		var mu sync.Mutex
		delivered := map[string]int{}
		effects := outbox.Local(w.receiver, writeEffect)
		stop := w.brokered(choice, func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			mu.Lock()
			for _, e := range batch.Events {
				delivered[e.ID]++
			}
			mu.Unlock()
			return effects(ctx, batch)
		})
		defer stop()
		reached := func(want string, wantBrokers int) {
			t.Helper()
			w.await(func() bool {
				s, brokers := w.consumerStatus()
				return s.Lag == 0 && s.Position != "0/0" && w.effects() == want && brokers == wantBrokers
			})
		}
		w.publish("a", "b")
		reached("a b", 0)
		choice.Set(memory)
		w.publish("c", "d")
		reached("a b c d", 1)
		choice.Set(nil)
		w.publish("e")
		reached("a b c d e", 0)
		mu.Lock()
		defer mu.Unlock()
		for id, times := range delivered {
			if times != 1 {
				t.Errorf("event %s was delivered %d times, want once: positions must carry over", id, times)
			}
		}
	})
}

func TestWhatABrokerDoesNotDeliverComesFromTheOutbox(t *testing.T) {
	each(t, func(w *world) {
		choice, memory := new(broker.Choice), newMemoryBroker(false)
		memory.deaf = true
		choice.Set(memory)
		defer w.brokered(choice, outbox.Local(w.receiver, writeEffect))()
		w.publish("a", "b", "c")
		w.await(func() bool {
			_, brokers := w.consumerStatus()
			waiting, _ := memory.Waiting(t.Context(), broker.Stream{}, broker.Consumer{Topic: noted().Name()})
			return brokers == 1 && waiting == 3
		})
		if got := w.effects(); got != "" {
			t.Errorf("the broker has the events, and %q had its effect: it must wait for the broker", got)
		}
		memory.mu.Lock()
		memory.queue = map[string][]broker.Message{} // its disk is lost
		memory.mu.Unlock()
		w.clock.Pass(time.Minute)
		w.await(func() bool { return w.effects() == "a b c" })
	})
}

func TestAMessageThatTheOutboxDoesNotHaveIsLeftOut(t *testing.T) {
	each(t, func(w *world) {
		choice, memory := new(broker.Choice), newMemoryBroker(false)
		stray, err := noted().Event("key", note{Text: "stray"})
		if err != nil {
			t.Fatal(err)
		}
		stray.ID = "of another time"
		for _, place := range []broker.Place{{ID: 1}, {TxID: 1 << 40, ID: 1 << 40}} {
			memory.queue[noted().Name()] = append(memory.queue[noted().Name()], broker.Message{Event: stray, Place: place})
		}
		choice.Set(memory)
		memory.wake()
		defer w.brokered(choice, outbox.Local(w.receiver, writeEffect))()
		w.publish("a", "b")
		w.await(func() bool {
			s, _ := w.consumerStatus()
			return s.Lag == 0 && w.effects() == "a b"
		})
		w.publish("c")
		w.await(func() bool { return w.effects() == "a b c" })
	})
}

// Whoever may publish at the broker cannot make an effect that was not announced: not
// by a message of their own, and not by another text under a true id.
func TestAForgedMessageHasNoEffectOfItsOwn(t *testing.T) {
	each(t, func(w *world) {
		choice, memory := new(broker.Choice), newMemoryBroker(false)
		memory.deaf = true
		choice.Set(memory)
		defer w.brokered(choice, outbox.Local(w.receiver, writeEffect))()
		w.publish("true")
		w.await(func() bool {
			waiting, _ := memory.Waiting(t.Context(), broker.Stream{}, broker.Consumer{Topic: noted().Name()})
			return waiting == 1
		})
		memory.mu.Lock()
		memory.queue[noted().Name()][0].Event.Payload = []byte(`{"text":"forged"}`)
		memory.deaf = false
		memory.mu.Unlock()
		memory.wake()
		w.await(func() bool { return w.effects() != "" })
		w.wantEffects("true")
	})
}
