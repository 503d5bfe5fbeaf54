// Package jetstream carries events through NATS JetStream. The outbox stays the
// truth: what the server loses (by default it syncs its disk every two minutes only)
// is delivered from there, see outbox.
//
// Each publishing module has a stream, PREFIX_MODULE, with one subject a topic,
// PREFIX.MODULE.TOPIC. A message is removed when all consumers have acknowledged it;
// a stream that is full refuses new messages, and the outbox keeps them. Other
// programs may add consumers of their own.
package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"banyan/platform/events/broker"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Times of the protocol.
const (
	// duplicates is how long the server recognises a message that is published again.
	duplicates = 2 * time.Minute
	// ackWait is how long the server waits for an acknowledgement before it delivers a
	// message again. It is longer than one delivery to a consumer may take.
	ackWait = time.Minute
	// fetchWait is how long one request for messages waits when there are none.
	fetchWait = 5 * time.Second
	// requestWait bounds requests about streams and consumers.
	requestWait = 5 * time.Second
)

// maxPending bounds the messages on their way to one consumer.
const maxPending = 4096

// The headers of a message, besides Nats-Msg-Id.
const (
	dataHeader  = "Banyan-Data"
	placeHeader = "Banyan-Place"
	traceHeader = "traceparent"
)

// Broker is a broker.Broker on a NATS server.
type Broker struct {
	settings Settings
	log      *slog.Logger
	conn     *nats.Conn
	js       jetstream.JetStream

	mu    sync.Mutex
	ready map[string]bool // streams that were made on this connection, with their consumers
}

var _ broker.Broker = (*Broker)(nil)

// Open returns a Broker that connects in the background, and again whenever the
// connection is lost. It fails only for settings that cannot be right.
func Open(s Settings, log *slog.Logger) (*Broker, error) {
	b := &Broker{settings: s, log: log, ready: map[string]bool{}}
	options := []nats.Option{
		nats.Name("banyan"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.Timeout(requestWait),
		nats.ConnectHandler(func(*nats.Conn) { log.Info("connected to NATS") }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.forget()
			if err != nil {
				log.Warn("the connection to NATS is lost: events wait in the outbox until it is back, or are delivered from there", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("connected to NATS again") }),
	}
	switch {
	case s.User != "":
		options = append(options, nats.UserInfo(s.User, s.Password.Reveal()))
	case s.Token != "":
		options = append(options, nats.Token(s.Token.Reveal()))
	case s.Credentials != "":
		options = append(options, nats.UserCredentials(s.Credentials))
	}
	if s.CA != "" {
		options = append(options, nats.RootCAs(s.CA))
	}
	conn, err := nats.Connect(strings.Join(s.URL, ","), options...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "events.nats: the client of NATS cannot start with these settings: check the addresses, the credentials and the CA file")
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(maxPending)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return b, nil
}

// Close ends the connection; running calls fail.
func (b *Broker) Close() { b.conn.Close() }

// Name implements broker.Broker.
func (b *Broker) Name() string { return "nats" }

// Ping reports an error while there is no connection.
func (b *Broker) Ping(context.Context) error {
	if !b.conn.IsConnected() {
		return fault.New(fault.Unavailable, "NATS is not reached: check that it runs at events.nats.url and accepts the credentials")
	}
	return nil
}

// Try waits for a connection until ctx ends, and asks whether JetStream is on.
func (b *Broker) Try(ctx context.Context) error {
	for b.Ping(ctx) != nil {
		if err := periodic.Sleep(ctx, 50*time.Millisecond); err != nil {
			return b.Ping(context.WithoutCancel(ctx))
		}
	}
	bounded, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	_, err := b.js.AccountInfo(bounded)
	return failed(err, "describe the account")
}

// forget makes streams and consumers be looked for again: after a lost connection
// the server may have come back with an empty disk.
func (b *Broker) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.ready)
}

// once makes something on the server unless that was done on this connection.
func (b *Broker) once(ctx context.Context, key string, make func(context.Context) error) error {
	b.mu.Lock()
	done := b.ready[key]
	b.mu.Unlock()
	if done {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	if err := make(bounded); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready[key] = true
	return nil
}

func (b *Broker) streamName(from broker.Stream) string { return b.settings.Prefix + "_" + from.Module }

func (b *Broker) subject(from broker.Stream, topic string) string {
	return b.settings.Prefix + "." + from.Module + "." + topic
}

// durable returns the name of a consumer on the server: of a module that consumes
// two topics there are two.
func durable(c broker.Consumer) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(".*>/\\ \t", r) {
			return '_'
		}
		return r
	}, c.Name+"__"+c.Topic)
}

// ensure makes the stream and its consumers: a message without a consumer that wants
// it is not kept.
func (b *Broker) ensure(ctx context.Context, from broker.Stream) error {
	name := b.streamName(from)
	return b.once(ctx, name, func(ctx context.Context) error {
		_, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{b.settings.Prefix + "." + from.Module + ".>"},
			Description: "Events of Banyan's module " + from.Module,
			Retention:   jetstream.InterestPolicy, Discard: jetstream.DiscardNew,
			MaxBytes: int64(b.settings.MaxBytes), MaxAge: b.settings.MaxAge, Replicas: b.settings.Replicas,
			Storage: jetstream.FileStorage, Duplicates: min(duplicates, b.settings.MaxAge),
		})
		if err != nil {
			return failed(err, "make the stream "+name)
		}
		for _, c := range from.Consumers {
			_, err := b.js.CreateOrUpdateConsumer(ctx, name, jetstream.ConsumerConfig{
				Durable: durable(c), FilterSubject: b.subject(from, c.Topic), Description: "Banyan's " + c.Name,
				AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxPending, DeliverPolicy: jetstream.DeliverAllPolicy,
			})
			if err != nil {
				return failed(err, "make the consumer "+durable(c))
			}
		}
		return nil
	})
}

// failed wraps an error of NATS.
func failed(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.Unavailable, "NATS did not "+doing+": check that JetStream is on there, and its limits")
}

// Publish implements broker.Broker.
func (b *Broker) Publish(ctx context.Context, from broker.Stream, messages []broker.Message) error {
	if err := b.Ping(ctx); err != nil {
		return err
	}
	if err := b.ensure(ctx, from); err != nil {
		return err
	}
	stream := b.streamName(from)
	stored := make([]jetstream.PubAckFuture, 0, len(messages))
	for _, m := range messages {
		message, err := b.encode(from, m)
		if err != nil {
			return err
		}
		future, err := b.js.PublishMsgAsync(message, jetstream.WithMsgID(m.Event.ID), jetstream.WithExpectStream(stream))
		if err != nil {
			return failed(err, "take an event")
		}
		stored = append(stored, future)
	}
	for _, future := range stored {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			b.forget()
			return failed(err, "store an event")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *Broker) encode(from broker.Stream, m broker.Message) (*nats.Msg, error) {
	body, err := json.Marshal(m.Event)
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	message := nats.NewMsg(b.subject(from, m.Event.Topic))
	message.Data = body
	message.Header.Set(dataHeader, from.DataID)
	message.Header.Set(placeHeader, formatPlace(m.Place))
	if m.Event.TraceParent != "" {
		message.Header.Set(traceHeader, m.Event.TraceParent)
	}
	return message, nil
}

func formatPlace(p broker.Place) string {
	return strconv.FormatInt(p.TxID, 10) + "/" + strconv.FormatInt(p.ID, 10)
}

func parsePlace(text string) (p broker.Place, err error) {
	txid, id, found := strings.Cut(text, "/")
	if !found {
		return p, errors.New("a place is written TRANSACTION/ID")
	}
	if p.TxID, err = strconv.ParseInt(txid, 10, 64); err != nil {
		return p, err
	}
	p.ID, err = strconv.ParseInt(id, 10, 64)
	return p, err
}

// Waiting implements broker.Broker.
func (b *Broker) Waiting(ctx context.Context, from broker.Stream, to broker.Consumer) (int64, error) {
	if err := b.Ping(ctx); err != nil {
		return 0, err
	}
	bounded, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	c, err := b.js.Consumer(bounded, b.streamName(from), durable(to))
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, failed(err, "describe a consumer")
	}
	info, err := c.Info(bounded)
	if err != nil {
		return 0, failed(err, "describe a consumer")
	}
	return int64(info.NumPending) + int64(info.NumAckPending), nil
}
