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
	"banyan/platform/events/outbox"
	"banyan/platform/testenv/databasetest"
)

// chaos is a delivery on which nothing can be relied: it fails before the
// effect, after it, or loses a part of the receipt.
type chaos struct {
	mu      sync.Mutex
	random  *rand.Rand
	deliver outbox.Deliver
}

func (c *chaos) roll(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n)
}

func (c *chaos) Deliver(ctx context.Context, batch events.Batch) (events.Receipt, error) {
	switch c.roll(6) {
	case 0:
		return events.Receipt{}, errors.New("not reached")
	case 1:
		if _, err := c.deliver(ctx, batch); err != nil {
			return events.Receipt{}, err
		}
		return events.Receipt{}, errors.New("died before the answer")
	case 2:
		receipt, err := c.deliver(ctx, batch)
		if err == nil {
			receipt.Results = receipt.Results[:len(receipt.Results)-1]
		}
		return receipt, err
	case 3:
		panic("a defect in the client")
	}
	return c.deliver(ctx, batch)
}

// Two replicas, a consumer that fails in every way, handlers that fail now and
// then, publishers that roll back: in the end each committed event has had its
// effect exactly once.
func TestWhateverFailsEachEffectHappensOnce(t *testing.T) {
	each(t, func(w *world) {
		unreliable := &chaos{random: rand.New(rand.NewPCG(1, 2))}
		unreliable.deliver = outbox.Local(w.receiver, func(ctx context.Context, tx *database.Tx, e events.Event) error {
			if err := writeEffect(ctx, tx, e); err != nil {
				return err
			}
			if unreliable.roll(10) == 0 {
				return errors.New("a bad day")
			}
			return nil
		})
		ctx, cancel := context.WithCancel(w.t.Context())
		var relays, publishers sync.WaitGroup
		for _, source := range []*database.DB{w.source, databasetest.Again(w.t, w.source)} {
			options := w.options()
			options.MaxAttempts, options.Batch, options.Poll = 1000, 5, time.Millisecond
			relay := outbox.NewRelay(source, options, outbox.Consumer{Name: "receiver", Topic: noted().Name(), Deliver: unreliable.Deliver})
			relays.Go(func() {
				for ctx.Err() == nil { // instead of Run, whose back-off would take minutes
					_ = relay.LookOnce(ctx) // failing is what it is here for
					w.clock.Pass(time.Minute)
				}
			})
		}
		const publishing, eachPublishes = 4, 30
		for p := range publishing {
			publishers.Go(func() {
				for i := range eachPublishes {
					w.publishOrRollBack(fmt.Sprintf("%d-%d", p, i), i%3 == 0)
				}
			})
		}
		publishers.Wait()
		want := publishing * eachPublishes * 2 / 3
		w.await(func() bool {
			s := w.status()
			return s.Lag == 0 && s.Parked == 0
		})
		cancel()
		relays.Wait()
		got := strings.Fields(w.effects())
		seen := map[string]bool{}
		for _, text := range got {
			if seen[text] || strings.HasPrefix(text, "rolled") {
				w.t.Errorf("%s: its effect came twice, or should not be", text)
			}
			seen[text] = true
		}
		if len(got) != want {
			w.t.Errorf("%d effects, want %d", len(got), want)
		}
		if s := w.status(); s.Dead != 0 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func (w *world) publishOrRollBack(text string, rollBack bool) {
	refusal := errors.New("rolled back")
	err := w.source.Write(context.Background(), func(tx *database.Tx) error {
		if rollBack {
			text = "rolled back " + text
		}
		if err := outbox.Publish(context.Background(), tx, noted(), "", note{Text: text}); err != nil {
			return err
		}
		if rollBack {
			return refusal
		}
		return nil
	})
	if rollBack != errors.Is(err, refusal) || (!rollBack && err != nil) {
		w.t.Error(err)
	}
}
