// Package webhooks sends a module's public events to servers of other people, as
// Standard Webhooks (https://www.standardwebhooks.com) describes: signed, at least
// once, tried again for three days.
//
//	hooks := webhooks.New(webhooks.Options{DB: db, Kinds: kinds, Log: log})
//	relay := outbox.NewRelay(db, options, hooks.Consumers()...)
//	err = hooks.Run(ctx)                                  // only the owner of the writes sends
//	added, err := hooks.Add(ctx, webhooks.NewEndpoint{URL: "https://example.com/hook"})
//
//	event_outbox ── relay ──▶ webhook_message, one for each endpoint ── Run ──▶ POST
//
//	waiting ──▶ delivered
//	   │ ▲
//	   ▼ │ Replay
//	  dead, after the last of the pauses between attempts
//
// Endpoints and messages are in the module's own database and follow its data wherever
// it runs. Each endpoint has its own queue, so that one that does not answer holds up no
// other. One process sends to an endpoint at a time: it holds a lease in the endpoint's
// row and renews it with each result. After a crash the message that was under way is
// sent again, under the same webhook-id.
package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/publicnet"
)

// The limits.
const (
	MaxEndpoints = 50     // of one module
	MaxWaiting   = 10_000 // messages that an endpoint has not taken; beyond, it is stopped
	maxURL       = 2000   // bytes

	timeout   = 10 * time.Second // for one attempt, with its answer
	maxAnswer = 4 << 10          // bytes of an answer that are read
	lease     = time.Minute      // well over the time of an attempt
	keptSent  = 7 * 24 * time.Hour
	keptDead  = 30 * 24 * time.Hour
	// OldSecret is how long the secret before a new one signs, too.
	OldSecret = 24 * time.Hour
)

// pauses are those between the attempts of one message: 12 attempts in three days.
var pauses = [...]time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 10 * time.Hour, 12 * time.Hour, 14 * time.Hour, 18 * time.Hour,
}

// Kind is one kind of message that endpoints can receive.
type Kind struct {
	Name    string          // review.published
	About   string          // when it is sent, for people
	Topic   string          // of the events that it is made of
	Example json.RawMessage // its data
	data    func(events.Event) (data json.RawMessage, isOf bool, err error)
}

// NewKind returns the kind of this name for events of a topic. data returns what is
// sent, which must be public, and whether the event is of this kind.
func NewKind[T, D any](topic events.Topic[T], name, about string, example D, data func(T) (D, bool)) Kind {
	shown, err := json.Marshal(example)
	if err != nil {
		panic("the example of " + name + " cannot be encoded: " + err.Error())
	}
	return Kind{Name: name, About: about, Topic: topic.Name(), Example: shown, data: func(e events.Event) (json.RawMessage, bool, error) {
		value, err := topic.Decode(e)
		if err != nil {
			return nil, false, err
		}
		sent, isOf := data(value)
		if !isOf {
			return nil, false, nil
		}
		text, err := json.Marshal(sent)
		if err != nil {
			return nil, false, fmt.Errorf("encode a message of %s: %w", name, err)
		}
		return text, true, nil
	}}
}

// Message is the body of a request.
type Message struct {
	Type      string          `json:"type"`      // the kind's name
	Timestamp string          `json:"timestamp"` // of the event, RFC 3339
	Data      json.RawMessage `json:"data"`
}

// Options are what the webhooks of a module need.
type Options struct {
	DB    *database.DB
	Kinds []Kind
	Log   *slog.Logger
	Clock func() time.Time
	// Client sends; nil = one of package publicnet, which reaches public addresses only.
	Client *http.Client
	// Poll is how often messages that are due are looked for without a notification; 2 s.
	Poll time.Duration
}

// Hooks are the webhooks of one module.
type Hooks struct {
	o      Options
	client *http.Client
	sender string // of this process, in leases

	mu   sync.Mutex
	busy map[int64]bool // endpoints to which this process sends now

	delivered, failed atomic.Int64 // attempts
}

// New returns the webhooks of a module.
func New(o Options) *Hooks {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Poll <= 0 {
		o.Poll = 2 * time.Second
	}
	h := &Hooks{o: o, client: o.Client, sender: randomName(), busy: make(map[int64]bool)}
	if h.client == nil {
		h.client = publicnet.Client(timeout)
	}
	return h
}

// known reports whether a kind of this name exists.
func (h *Hooks) known(name string) bool {
	for i := range h.o.Kinds {
		if h.o.Kinds[i].Name == name {
			return true
		}
	}
	return false
}

// about a tenth more or less, so that messages that failed together are not tried
// again together.
func spread(d time.Duration) time.Duration {
	return d*9/10 + rand.N(d/5+1) //nolint:gosec // spreads retries, keeps no secret
}

// write runs a transaction on the module's database.
func (h *Hooks) write(ctx context.Context, what string, do func(store) error) error {
	err := h.o.DB.Write(ctx, func(tx *database.Tx) error { return do(store{tx, h.o.Clock()}) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
