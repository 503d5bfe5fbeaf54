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
	"banyan/platform/events/broker"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Deliver delivers a batch to a consumer, in this process or over the seam, and
// returns its receipt. An error means that the consumer was not reached: the
// whole batch is sent again later, and counts as a failure of no event.
type Deliver func(ctx context.Context, batch events.Batch) (events.Receipt, error)

// Consumer subscribes to the events of a topic. Name and Topic identify its
// position in the publisher's database: after a renaming it starts with the oldest
// event again.
type Consumer struct {
	Name    string
	Topic   string
	Deliver Deliver
}

// Options tune a relay; zero values take the defaults named here.
type Options struct {
	Batch          int           // events delivered at once, at most; 100
	MaxAttempts    int           // failures of one event until it becomes a dead letter; 10
	Poll           time.Duration // interval of reading the outbox without a notification; 2 s
	DeliverTimeout time.Duration // for one batch; 30 s
	Keep           time.Duration // how long delivered events are kept; 168 h
	InboxKeep      time.Duration // how long a repeated event is recognised; twice Keep
	Prune          time.Duration // interval of deleting old events; 10 min
	Log            *slog.Logger  // nil = slog.Default()
	Clock          func() time.Time
	// Jitter returns a random duration below d; nil = math/rand/v2.
	Jitter func(d time.Duration) time.Duration
	// Choice is the broker in force; nil = never one. DataID is the id of the source's
	// data, which a broker needs.
	Choice *broker.Choice
	DataID func() string
	// Stalled is how long a consumer's position may stand still behind what the broker
	// was given before the events are delivered from the outbox; 15 s.
	Stalled time.Duration
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
		{&o.Stalled, 15 * time.Second},
	}
	for _, d := range durations {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	// An event newer than Keep may be delivered again, so its id must be kept longer.
	o.InboxKeep = max(o.InboxKeep, 2*o.Keep)
	if o.Choice == nil {
		o.Choice = new(broker.Choice)
	}
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

// NewRelay returns a relay that Run starts.
func NewRelay(source *database.DB, options Options, consumers ...Consumer) *Relay {
	return &Relay{source: source, consumers: consumers, options: options.withDefaults()}
}

// Run delivers until ctx ends, and returns nil after all goroutines that it started
// have. It fails at once when the source cannot be read; later failures are tried
// again, logged and shown by Status.
//
// When the broker in force changes, the work goes on at the same positions with the
// next one.
func (r *Relay) Run(ctx context.Context) error {
	if err := r.register(ctx); err != nil {
		return err
	}
	var pruning sync.WaitGroup
	pruning.Go(func() { r.pruneLoop(ctx) })
	defer pruning.Wait()
	for ctx.Err() == nil {
		chosen, changed := r.options.Choice.Get()
		r.runUntil(ctx, changed, chosen)
	}
	return nil
}

// runUntil delivers through the broker, or without one, until it changes or ctx ends.
func (r *Relay) runUntil(ctx context.Context, changed <-chan struct{}, chosen broker.Broker) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-changed:
			stop()
		case <-ctx.Done():
		}
	})
	if chosen != nil {
		r.runBrokered(ctx, chosen, &wg)
	} else {
		wg.Go(func() { r.keepTrying(ctx, "a broker that is no longer used could not be forgotten", r.forgetBrokers) })
		for _, c := range r.consumers {
			wg.Go(func() { r.serve(ctx, c, r.pass) })
		}
	}
	wg.Wait()
}

// register inserts every consumer into the source, so that from now on events are
// kept for it.
func (r *Relay) register(ctx context.Context) error {
	for i, c := range r.consumers {
		if c.Name == "" || c.Topic == "" || c.Deliver == nil {
			return fault.Newf(fault.Invalid, "consumer %d of %s needs a name, a topic and a way to deliver", i, r.source.Module())
		}
		for _, other := range r.consumers[:i] {
			if other.Name == c.Name && other.Topic == c.Topic {
				return fault.Newf(fault.Invalid, "consumer %s is listed twice for the topic %s: each needs its own name", c.Name, c.Topic)
			}
		}
	}
	if err := r.order(ctx); err != nil {
		return err
	}
	err := r.source.Write(ctx, func(tx *database.Tx) error {
		rebased, err := store{tx}.rebase(ctx)
		if err != nil {
			return err
		}
		if rebased {
			r.options.Log.WarnContext(ctx, "the database was restored into a PostgreSQL cluster with a lower transaction counter: all events that are kept are delivered again; the consumers recognise repeated ones by their ids",
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

// renumberAtOnce bounds how long other writes wait for order.
const renumberAtOnce = 1_000

// order puts the events of data that came back from PostgreSQL into SQLite's order,
// before the first is delivered. When it ends half-way, some are delivered again.
func (r *Relay) order(ctx context.Context) error {
	is, err := numbered(ctx, r.source.Read())
	if err == nil && is {
		err = r.source.Write(ctx, func(tx *database.Tx) error { return store{tx}.passByID(ctx) })
	}
	for last := int64(0); err == nil && is; {
		var next int64
		err = r.source.Write(ctx, func(tx *database.Tx) (err error) {
			next, err = store{tx}.renumber(ctx, last, renumberAtOnce)
			return err
		})
		is, last = next > 0, next
	}
	if err != nil {
		return fmt.Errorf("put the events of %s into the order of SQLite: %w", r.source.Module(), err)
	}
	return nil
}

// The back-off of a consumer that cannot be reached.
const (
	firstBackOff = 200 * time.Millisecond
	maxBackOff   = 30 * time.Second
)

// serve is the goroutine of one consumer.
//
//	read ── events ──▶ deliver ── receipt ──▶ read
//	 │                    └────── error ────▶ back off ──▶ read
//	 └───── none ─────▶ wait for a notification, the poll or the next retry ──▶ read
func (r *Relay) serve(ctx context.Context, c Consumer, pass func(context.Context, Consumer) (more bool, err error)) {
	woken, stop := r.source.Listen(wakeName)
	defer stop()
	log := r.options.Log.With("consumer", c.Name, "topic", c.Topic)
	failures := 0
	for ctx.Err() == nil {
		more, err := pass(ctx, c)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			wait := r.backOff(firstBackOff, maxBackOff, failures)
			failures++
			log.WarnContext(ctx, "events were not delivered", "error", err, "failures", failures, "again_in", wait)
			_ = periodic.Sleep(ctx, wait) // ctx is checked above
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

// heldBackWait is how soon to read events again that are committed but must wait
// for an older PostgreSQL transaction, whose end is not notified.
const heldBackWait = 25 * time.Millisecond

// untilNext returns how long to wait without a notification. An error is ignored:
// the next pass fails with it, too.
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

// backOff doubles from first to most; half of it is random, so that relays and
// events that failed together are not tried again together.
func (r *Relay) backOff(first, most time.Duration, failures int) time.Duration {
	wait := most
	if failures < 32 && first<<failures < most {
		wait = first << failures
	}
	return wait/2 + r.options.Jitter(wait/2)
}

// errMoved reports that another relay has delivered these events.
var errMoved = errors.New("another relay has moved the position")
