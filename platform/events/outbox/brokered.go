package outbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"banyan/platform/database"
	"banyan/platform/events/broker"
	"banyan/platform/periodic"
)

// With a broker the events of a topic take two steps, each with its own position
// in the outbox:
//
//	event_outbox ── publish, position of broker/NAME ──▶ broker ── receive ──▶ deliver
//	     ▲                                                                       │
//	     └──────────────── position of the consumer, parked events ◀── receipt ──┘
//
// The consumer's position means the same as without a broker: all events up to it
// had their effect, or are parked. So a broker can be changed at any time, and what
// it loses is delivered from the outbox: before a later message (received), or when
// the position stands still (recover).

// brokerPrefix begins the name under which a broker's position is kept.
const brokerPrefix = "broker/"

// publishBatch is how many events are given to a broker at once, at most.
const publishBatch = 500

// runBrokered starts the goroutines that deliver through a broker.
func (r *Relay) runBrokered(ctx context.Context, b broker.Broker, wg *sync.WaitGroup) {
	for _, c := range r.consumers {
		wg.Go(func() { r.receive(ctx, b, c) })
		wg.Go(func() {
			// Parked events are tried again from the outbox, with or without a broker.
			r.serve(ctx, c, func(ctx context.Context, c Consumer) (bool, error) { return r.passBeside(ctx, b, c) })
		})
	}
	for _, topic := range r.topics() {
		wg.Go(func() {
			r.serve(ctx, Consumer{Name: brokerPrefix + b.Name(), Topic: topic}, func(ctx context.Context, c Consumer) (bool, error) {
				return r.publish(ctx, b, c)
			})
		})
	}
}

func (r *Relay) topics() []string {
	var topics []string
	for _, c := range r.consumers {
		if !slices.Contains(topics, c.Topic) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

func (r *Relay) stream() broker.Stream {
	s := broker.Stream{Module: r.source.Module()}
	if r.options.DataID != nil {
		s.DataID = r.options.DataID()
	}
	for _, c := range r.consumers {
		s.Consumers = append(s.Consumers, toBroker(c))
	}
	return s
}

func toBroker(c Consumer) broker.Consumer { return broker.Consumer{Name: c.Name, Topic: c.Topic} }

// publish gives the broker the next events of a topic; to is its own position.
func (r *Relay) publish(ctx context.Context, b broker.Broker, to Consumer) (more bool, err error) {
	read := r.source.Read()
	at, err := readConsumer(ctx, read, to.Name, to.Topic)
	if database.IsNoRows(err) {
		return true, r.source.Write(ctx, func(tx *database.Tx) error {
			return store{tx}.insertBroker(ctx, to.Name, to.Topic, tx.Now().UnixMilli())
		})
	}
	if err != nil {
		return false, fmt.Errorf("read the broker's position: %w", err)
	}
	rows, err := readAfter(ctx, read, to.Topic, at.position, publishBatch)
	if err != nil {
		return false, fmt.Errorf("read the outbox: %w", err)
	}
	if len(rows) == 0 {
		return false, r.noteReached(ctx, to, at)
	}
	full := len(rows) == publishBatch
	rows, wasCut := fitting(rows)
	messages := make([]broker.Message, len(rows))
	for i, row := range rows {
		messages[i] = broker.Message{Event: row.event(), Place: broker.Place(row.position)}
	}
	bounded, cancel := context.WithTimeout(ctx, r.options.DeliverTimeout)
	defer cancel()
	if err := b.Publish(bounded, r.stream(), messages); err != nil {
		if ctx.Err() == nil {
			r.recordFailure(ctx, to, err)
		}
		return false, fmt.Errorf("publish: %w", err)
	}
	err = r.source.Write(ctx, func(tx *database.Tx) error {
		// Another relay may have moved it: then both have published, and the broker
		// recognises what it has.
		_, err := store{tx}.moveConsumer(ctx, to.Name, to.Topic, at.position, rows[len(rows)-1].position, r.options.Clock().UnixMilli())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("move the broker's position: %w", err)
	}
	return full || wasCut, nil
}

// receive is the goroutine that receives a consumer's messages.
func (r *Relay) receive(ctx context.Context, b broker.Broker, c Consumer) {
	log := r.options.Log.With("consumer", c.Name, "topic", c.Topic, "broker", b.Name())
	for failures := 0; ctx.Err() == nil; failures++ {
		err := b.Receive(ctx, r.stream(), toBroker(c), r.options.Batch, func(ctx context.Context, messages []broker.Message) error {
			failures = 0
			return r.received(ctx, c, messages)
		})
		if ctx.Err() != nil {
			return
		}
		wait := r.backOff(firstBackOff, maxBackOff, failures)
		log.WarnContext(ctx, "events are not received from the broker", "error", err, "again_in", wait)
		_ = periodic.Sleep(ctx, wait) // ctx is checked above
	}
}

// received delivers messages, oldest first, and keeps trying while the consumer
// cannot be reached. It returns an error only when ctx ends.
func (r *Relay) received(ctx context.Context, c Consumer, messages []broker.Message) error {
	for failures := 0; len(messages) > 0; {
		rest, err := r.receivedStep(ctx, c, messages)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			messages, failures = rest, 0
			continue
		}
		r.recordFailure(ctx, c, err)
		wait := r.backOff(firstBackOff, maxBackOff, failures)
		failures++
		r.options.Log.WarnContext(ctx, "events were not delivered", "consumer", c.Name, "topic", c.Topic, "error", err, "failures", failures, "again_in", wait)
		_ = periodic.Sleep(ctx, wait)
	}
	return nil
}

// receivedStep delivers the first messages as far as they are the next ones of the
// outbox, and returns the rest. What is missing before them is delivered from the
// outbox; what has been delivered is left out, and so is what the outbox does not
// have, as after an older state of the database was restored.
func (r *Relay) receivedStep(ctx context.Context, c Consumer, messages []broker.Message) (rest []broker.Message, err error) {
	read := r.source.Read()
	at, err := readConsumer(ctx, read, c.Name, c.Topic)
	if err != nil {
		return nil, fmt.Errorf("read the position: %w", err)
	}
	messages = slices.DeleteFunc(slices.Clone(messages), func(m broker.Message) bool { return !at.before(position(m.Place)) })
	if len(messages) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(messages, func(a, b broker.Message) int {
		switch {
		case position(a.Place).before(position(b.Place)):
			return -1
		case position(b.Place).before(position(a.Place)):
			return 1
		}
		return strings.Compare(a.Event.ID, b.Event.ID)
	})
	messages = slices.CompactFunc(messages, func(a, b broker.Message) bool { return a.Place == b.Place && a.Event.ID == b.Event.ID })
	next, err := readAfter(ctx, read, c.Topic, at.position, len(messages))
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	// What is delivered is the outbox's own: whoever may publish at the broker could
	// have written anything else under the same id.
	rows := next[:following(messages, next)]
	switch {
	case len(rows) > 0:
		rows, _ = fitting(rows)
		moved, err := r.deliverFrom(ctx, c, at.position, rows)
		if err != nil || !moved {
			return messages, err
		}
		return messages[len(rows):], nil
	case len(next) == 0 || !next[0].before(position(messages[0].Place)):
		return messages[1:], nil // the outbox does not have it
	}
	r.options.Log.WarnContext(ctx, "events that the broker did not deliver are delivered from the outbox", "consumer", c.Name, "topic", c.Topic)
	_, err = r.passNew(ctx, c)
	return messages, err
}

// following counts the first messages that are the next ones of the outbox.
func following(messages []broker.Message, next []eventRow) int {
	for i, m := range messages {
		if i == len(next) || next[i].position != position(m.Place) || next[i].EventID != m.Event.ID {
			return i
		}
	}
	return len(messages)
}

// passBeside does beside the broker what needs the outbox: it tries parked events
// again, and delivers from there when the broker does not.
func (r *Relay) passBeside(ctx context.Context, b broker.Broker, c Consumer) (more bool, err error) {
	again, err := r.passDue(ctx, c)
	if err == nil {
		more, err = r.recover(ctx, b, c)
	}
	if err != nil && ctx.Err() == nil {
		r.recordFailure(ctx, c, err)
	}
	return more || again, err
}

// recover delivers the next events from the outbox if the consumer's position has
// stood still behind them, because the broker has lost them, refuses them or is not
// reached. A broker that still has them, for a consumer that fails or is slow, keeps
// them.
func (r *Relay) recover(ctx context.Context, b broker.Broker, c Consumer) (more bool, err error) {
	read := r.source.Read()
	at, err := readConsumer(ctx, read, c.Name, c.Topic)
	if err != nil {
		return false, fmt.Errorf("read the position: %w", err)
	}
	next, err := readAfter(ctx, read, c.Topic, at.position, 1)
	if err != nil || len(next) == 0 {
		return false, err
	}
	since := max(at.MovedAt, next[0].Time) // UTC milliseconds
	if r.options.Clock().UnixMilli()-since < r.options.Stalled.Milliseconds() {
		return false, nil
	}
	waiting, problem := b.Waiting(ctx, r.stream(), toBroker(c))
	if problem == nil && waiting > 0 {
		return false, nil
	}
	r.options.Log.WarnContext(ctx, "the broker does not deliver: events are delivered from the outbox",
		"consumer", c.Name, "topic", c.Topic, "broker", b.Name(), "error", problem)
	// All that waits, not one batch: each would be new for as long again.
	for more = true; more && err == nil; {
		more, err = r.passNew(ctx, c)
	}
	return false, err
}

// forgetBrokers deletes the positions of brokers, for which events would be kept.
func (r *Relay) forgetBrokers(ctx context.Context) error {
	return r.source.Write(ctx, func(tx *database.Tx) error { return store{tx}.deleteBrokers(ctx) })
}

// keepTrying calls do until it succeeds or ctx ends.
func (r *Relay) keepTrying(ctx context.Context, problem string, do func(context.Context) error) {
	for failures := 0; ctx.Err() == nil; failures++ {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		r.options.Log.WarnContext(ctx, problem, "module", r.source.Module(), "error", err)
		_ = periodic.Sleep(ctx, r.backOff(firstBackOff, maxBackOff, failures))
	}
}
