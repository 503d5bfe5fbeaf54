// Package broker defines what carries events between an outbox and its consumers
// when it is not the relay itself: a message broker. Package jetstream implements it
// with NATS; package outbox uses it.
package broker

import (
	"context"
	"sync"

	"banyan/platform/events"
)

// Place is where an event stands in its outbox, in the order of commits.
type Place struct {
	TxID int64
	ID   int64
}

// Message is an event on its way. By its place the receiver sees whether others are
// missing before it.
type Message struct {
	Event events.Event
	Place Place
}

// Stream is what one database publishes, and for whom.
type Stream struct {
	Module    string
	DataID    string // of the database: messages of another one are not its own
	Consumers []Consumer
}

// Consumer receives the events of one topic.
type Consumer struct{ Name, Topic string }

// Broker carries messages. Implementations are safe for concurrent use, connect
// again by themselves, and make the streams and consumers that they need on the server
// before they publish.
type Broker interface {
	// Publish returns after the broker has stored all messages, in their order; an
	// error means that any of them may be missing. The same event published again
	// within minutes is stored once.
	Publish(ctx context.Context, from Stream, messages []Message) error
	// Receive calls handle with the messages of a topic, oldest first, at most limit
	// at once, until ctx ends or the broker fails. They are acknowledged when handle
	// returns nil. After an error they are received again, at the latest when the
	// broker's time for an acknowledgement is over.
	Receive(ctx context.Context, from Stream, to Consumer, limit int, handle func(context.Context, []Message) error) error
	// Waiting returns how many messages the broker has for a consumer that it has not
	// seen acknowledged.
	Waiting(ctx context.Context, from Stream, to Consumer) (int64, error)
	// Name names the kind of broker, like "nats".
	Name() string
}

// Choice is the broker in force, which may change while the program runs. The zero
// value is usable and has none: relays deliver by themselves.
type Choice struct {
	mu      sync.Mutex
	current Broker
	changed chan struct{}
}

// Get returns the broker, nil for none, and a channel that is closed when it changes.
func (c *Choice) Get() (Broker, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.current, c.changed
}

// Set changes the broker; nil = none.
func (c *Choice) Set(next Broker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = next
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}
