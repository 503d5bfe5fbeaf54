package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Deliver brings a batch to a consumer, in this process or over the seam, and
// returns its receipt. An error means that the consumer was not reached: the
// whole batch is sent again later, and no event is blamed for it.
type Deliver func(ctx context.Context, batch events.Batch) (events.Receipt, error)

// Consumer is who wants the events of a topic. Name and Topic identify its
// position in the publisher's database: renaming one starts anew.
type Consumer struct {
	Name    string
	Topic   string
	Deliver Deliver
}

// Options tune a relay; zero values take the defaults named here.
type Options struct {
	Batch          int           // events delivered at once, at most; 100
	MaxAttempts    int           // failures of one event until it is a dead letter; 10
	Poll           time.Duration // looks this often without being woken; 2 s
	DeliverTimeout time.Duration // for one batch; 30 s
	Keep           time.Duration // delivered events stay this long; 168 h
	InboxKeep      time.Duration // recognises a repeated event this long; twice Keep
	Prune          time.Duration // deletes what is over this often; 10 min
	Log            *slog.Logger  // nil = slog.Default()
	Clock          func() time.Time
	// Jitter gives a random duration below d; nil = a good one.
	Jitter func(d time.Duration) time.Duration
}

func (o Options) withDefaults() Options {
	if o.Batch <= 0 {
		o.Batch = 100
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 10
	}
	durations := []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.Poll, 2 * time.Second},
		{&o.DeliverTimeout, 30 * time.Second},
		{&o.Keep, 168 * time.Hour},
		{&o.Prune, 10 * time.Minute},
	}
	for _, d := range durations {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	// An event younger than Keep may come again, so its id must be known longer.
	o.InboxKeep = max(o.InboxKeep, 2*o.Keep)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = func(d time.Duration) time.Duration { return rand.N(d) } //nolint:gosec // spreads retries, keeps no secret
	}
	return o
}

// Relay delivers the events of one publishing database to its consumers, and
// deletes what is no longer needed from that database's outbox and inbox. Run
// one for each database that this process owns, even without consumers.
//
// Several relays on one database (replicas) are safe: a position moves by
// compare-and-set, and the inbox keeps a double delivery without effect.
type Relay struct {
	source    *database.DB
	consumers []Consumer
	options   Options
}

// NewRelay makes a relay that Run starts.
func NewRelay(source *database.DB, options Options, consumers ...Consumer) *Relay {
	return &Relay{source: source, consumers: consumers, options: options.withDefaults()}
}

// Run delivers until ctx ends, and returns nil after everything it started has
// ended. It fails at once when the source cannot be read, and otherwise does not
// give up: what fails is tried again later, logged and shown by Status.
func (r *Relay) Run(ctx context.Context) error {
	if err := r.register(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, c := range r.consumers {
		wg.Go(func() { r.serve(ctx, c) })
	}
	wg.Go(func() { r.tidy(ctx) })
	wg.Wait()
	return nil
}

// register makes every consumer known to the source, so that events wait for
// it from now on.
func (r *Relay) register(ctx context.Context) error {
	for i, c := range r.consumers {
		if c.Name == "" || c.Topic == "" || c.Deliver == nil {
			return fault.Newf(fault.Invalid, "consumer %d of %s needs a name, a topic and a way to deliver", i, r.source.Module())
		}
		for _, other := range r.consumers[:i] {
			if other.Name == c.Name && other.Topic == c.Topic {
				return fault.Newf(fault.Invalid, "consumer %s is there twice for %s: give each its own name", c.Name, c.Topic)
			}
		}
	}
	err := r.source.Write(ctx, func(tx *database.Tx) error {
		rebased, err := store{tx}.rebase(ctx)
		if err != nil {
			return err
		}
		if rebased {
			r.options.Log.WarnContext(ctx, "the database was restored into a PostgreSQL with a younger transaction counter: all events kept are delivered again, and recognised by their ids",
				"module", r.source.Module())
		}
		for _, c := range r.consumers {
			if err := (store{tx}).insertConsumer(ctx, c.Name, c.Topic, tx.Now().UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("register the consumers of %s: %w", r.source.Module(), err)
	}
	return nil
}

// Backing off from a consumer that is not reached.
const (
	firstBackOff = 200 * time.Millisecond
	mostBackOff  = 30 * time.Second
)

// serve is the goroutine of one consumer.
//
//	look ── something ──▶ deliver ── receipt ──▶ look
//	 │                       └────── error ────▶ back off ──▶ look
//	 └───── nothing ─────▶ wait for a wake, the poll or the next retry ──▶ look
func (r *Relay) serve(ctx context.Context, c Consumer) {
	woken, stop := r.source.Listen(wakeName)
	defer stop()
	log := r.options.Log.With("consumer", c.Name, "topic", c.Topic)
	failures := 0
	for ctx.Err() == nil {
		more, err := r.pass(ctx, c)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			wait := r.backOff(firstBackOff, mostBackOff, failures)
			failures++
			log.WarnContext(ctx, "events were not delivered", "error", err, "failures", failures, "again_in", wait)
			_ = periodic.Sleep(ctx, wait) // ctx is looked at above
			continue
		}
		if failures > 0 {
			log.InfoContext(ctx, "events are delivered again", "failures", failures)
			failures = 0
		}
		if !more {
			_ = periodic.SleepUntil(ctx, r.untilNext(ctx, c), woken) // likewise
		}
	}
}

// heldBackWait is how soon to look again at events that are committed but must
// wait for an older PostgreSQL transaction, whose end wakes nobody.
const heldBackWait = 25 * time.Millisecond

// untilNext is how long to wait without a wake. An error shows again in the
// next pass.
func (r *Relay) untilNext(ctx context.Context, c Consumer) time.Duration {
	wait := r.options.Poll
	read := r.source.Read()
	if next, err := readNextDue(ctx, read, c.Name, c.Topic); err == nil && next > 0 {
		wait = min(wait, max(time.UnixMilli(next).Sub(r.options.Clock()), time.Millisecond))
	}
	if r.source.Dialect() != database.Postgres {
		return wait
	}
	at, err := readConsumer(ctx, read, c.Name, c.Topic)
	if err != nil {
		return wait
	}
	if last, err := readLast(ctx, read, c.Topic); err == nil && at.before(last) {
		wait = min(wait, heldBackWait)
	}
	return wait
}

// backOff doubles from first to most; half of it is chance, so that relays and
// events that failed together do not come back together.
func (r *Relay) backOff(first, most time.Duration, failures int) time.Duration {
	wait := most
	if failures < 32 && first<<failures < most {
		wait = first << failures
	}
	return wait/2 + r.options.Jitter(wait/2)
}

// errMoved says that another relay has taken these events on.
var errMoved = errors.New("another relay has moved the position")
