package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/publicnet"
)

// KindTest is of the message that Test sends.
const KindTest = "webhook.test"

// Endpoint is a server that receives messages.
type Endpoint struct {
	ID         int64    `json:"id"`
	URL        string   `json:"url"`
	Kinds      []string `json:"kinds"` // names; none = all
	CreatedMS  int64    `json:"created_ms"`
	Stopped    string   `json:"stopped,omitempty"` // why nothing is sent to it; "" = it is
	Waiting    int64    `json:"waiting"`           // messages, dead ones not counted
	Dead       int64    `json:"dead"`
	Failures   int64    `json:"failures"`         // attempts that failed, in a row
	LastMS     int64    `json:"last_ms"`          // of the last attempt; 0 = there was none
	LastStatus int64    `json:"last_status"`      // of HTTP; 0 = no answer
	LastError  string   `json:"last_error"`       // "" = it was taken
	OldUntilMS int64    `json:"old_secret_until"` // until then the secret before signs, too; 0 = there is none
}

// Described is a kind of message, for people.
type Described struct {
	Name    string          `json:"name"`
	About   string          `json:"about"`
	Example json.RawMessage `json:"example"` // of its data
}

// NewEndpoint is what an endpoint is made of.
type NewEndpoint struct {
	URL   string   `json:"url"`   // https
	Kinds []string `json:"kinds"` // none = all
}

// Added is an endpoint with its secret, which is shown this once.
type Added struct {
	ID     int64  `json:"id"`
	Secret string `json:"secret"` // whsec_ and base64
}

// Tested is what came of a test.
type Tested struct {
	Status  int    `json:"status"`  // of HTTP; 0 = no answer
	Problem string `json:"problem"` // "" = the endpoint took it
	TookMS  int64  `json:"took_ms"`
}

// Delivery is a message of an endpoint.
type Delivery struct {
	ID        int64  `json:"id"`
	MessageID string `json:"message_id"` // the header webhook-id
	Kind      string `json:"kind"`
	State     string `json:"state"` // waiting, delivered or dead
	Body      string `json:"body"`
	CreatedMS int64  `json:"created_ms"`
	Attempts  int64  `json:"attempts"`
	TriedMS   int64  `json:"tried_ms"` // the last attempt; 0 = there was none
	NextMS    int64  `json:"next_ms"`  // of one that waits
	Status    int64  `json:"status"`
	Error     string `json:"error"`
}

// Kinds describes what can be received.
func (h *Hooks) Kinds() []Described {
	all := make([]Described, 0, len(h.o.Kinds))
	for i := range h.o.Kinds {
		k := &h.o.Kinds[i]
		all = append(all, Described{k.Name, k.About, k.Example})
	}
	return all
}

// Endpoints returns all endpoints, the oldest first.
func (h *Hooks) Endpoints(ctx context.Context) ([]Endpoint, error) {
	rows, err := readEndpoints(ctx, h.o.DB.Read())
	if err != nil {
		return nil, fmt.Errorf("read the endpoints: %w", err)
	}
	all := make([]Endpoint, 0, len(rows))
	for i := range rows {
		e, now := rows[i].endpoint(), h.o.Clock().UnixMilli()
		if e.OldUntilMS < now {
			e.OldUntilMS = 0
		}
		if e.Waiting, err = countMessages(ctx, h.o.DB.Read(), e.ID, stateWaiting); err != nil {
			return nil, err
		}
		if e.Dead, err = countMessages(ctx, h.o.DB.Read(), e.ID, stateDead); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// Add adds an endpoint. It receives what happens from now on. Invalid: the address
// cannot be sent to, or there is no kind of a name. Conflict: there are MaxEndpoints.
func (h *Hooks) Add(ctx context.Context, q NewEndpoint) (done Added, err error) {
	if err := h.check(&q); err != nil {
		return done, err
	}
	key := newSecret()
	err = h.write(ctx, "add an endpoint", func(s store) error {
		if err := s.tx.Lock(ctx, "webhooks"); err != nil {
			return err
		}
		n, err := s.countEndpoints(ctx)
		if err != nil {
			return err
		}
		if n >= MaxEndpoints {
			return fault.Newf(fault.Conflict, "there are %d endpoints already, which is the most: remove one that is not used", n)
		}
		done.ID, err = s.addEndpoint(ctx, q, key)
		return err
	})
	done.Secret = shown(key)
	return done, err
}

func (h *Hooks) check(q *NewEndpoint) error {
	var wrong []fault.Field
	q.URL = strings.TrimSpace(q.URL)
	if problem := checkURL(q.URL); problem != "" {
		wrong = append(wrong, fault.Field{Name: "url", Message: problem})
	}
	slices.Sort(q.Kinds)
	q.Kinds = slices.Compact(q.Kinds)
	for _, name := range q.Kinds {
		if !h.known(name) {
			wrong = append(wrong, fault.Field{Name: "kinds", Message: fmt.Sprintf("has %q, which this module does not send: choose from the list", name)})
			break
		}
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the endpoint cannot be added: see the fields").With(wrong...)
	}
	return nil
}

// checkURL says what is wrong with an address. Where its name leads is checked when
// something is sent.
func checkURL(text string) string {
	at, err := url.Parse(text)
	switch {
	case text == "":
		return "is missing: the https address that receives the messages"
	case len(text) > maxURL:
		return fmt.Sprintf("has at most %d characters", maxURL)
	case err != nil || at.Host == "" || at.Scheme != "https":
		return "must be an address that begins with https://"
	case at.User != nil:
		return "must have no name and password in it: messages are signed instead"
	case at.Fragment != "":
		return "must have no part after #, which is never sent"
	}
	host := strings.TrimSuffix(strings.ToLower(at.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil && !publicnet.Is(a.Unmap()) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return "is on this machine or in a private network: messages are sent to public addresses only"
	}
	return ""
}

// Remove deletes an endpoint and its messages. NotFound: there is none.
func (h *Hooks) Remove(ctx context.Context, id int64) error {
	return h.change(ctx, "remove an endpoint", id, func(s store) (int64, error) { return s.deleteEndpoint(ctx, id) })
}

// Stop stops sending to an endpoint: nothing is kept for it until Start.
func (h *Hooks) Stop(ctx context.Context, id int64) error {
	return h.change(ctx, "stop an endpoint", id, func(s store) (int64, error) {
		return 1, s.stop(ctx, id, "an operator has stopped it")
	})
}

// Start sends to a stopped endpoint again, first what waits for it.
func (h *Hooks) Start(ctx context.Context, id int64) error {
	return h.change(ctx, "start an endpoint", id, func(s store) (int64, error) { return s.start(ctx, id) })
}

// Renew makes a new secret for an endpoint; the one before signs, too, for OldSecret.
func (h *Hooks) Renew(ctx context.Context, id int64) (Added, error) {
	key := newSecret()
	err := h.change(ctx, "renew a secret", id, func(s store) (int64, error) {
		return s.renew(ctx, id, key, s.now.Add(OldSecret).UnixMilli())
	})
	return Added{id, shown(key)}, err
}

func (h *Hooks) change(ctx context.Context, what string, id int64, do func(store) (int64, error)) error {
	return h.write(ctx, what, func(s store) error {
		if _, err := readEndpoint(ctx, s.tx, id); err != nil {
			return noEndpoint(err, id)
		}
		_, err := do(s)
		s.tx.Wake(wakeName)
		return err
	})
}

func noEndpoint(err error, id int64) error {
	if database.IsNoRows(err) {
		return fault.NoSuch("endpoint", "there is no endpoint %d: it was removed, load the list again", id)
	}
	return err
}

// Test sends a message of the kind webhook.test to an endpoint, also to a stopped one,
// and waits for the answer.
func (h *Hooks) Test(ctx context.Context, id int64) (Tested, error) {
	e, err := readEndpoint(ctx, h.o.DB.Read(), id)
	if err != nil {
		return Tested{}, noEndpoint(err, id)
	}
	now := h.o.Clock()
	body, err := bodyOf(KindTest, events.Event{Time: now.UnixMilli()}, json.RawMessage(`{"module":"`+h.o.DB.Module()+`"}`))
	if err != nil {
		return Tested{}, err
	}
	sent := h.post(ctx, &e, "test-"+randomName(), body)
	return Tested{sent.status, sent.problem, sent.took.Round(time.Millisecond).Milliseconds()}, nil
}

// stateNames are of the states of messages.
var stateNames = [...]string{stateWaiting: "waiting", stateDelivered: "delivered", stateDead: "dead"}

// Deliveries returns messages of an endpoint in a state, "" for any, newest first.
func (h *Hooks) Deliveries(ctx context.Context, id int64, state, cursor string, limit int) (all []Delivery, next string, err error) {
	if err := page.Standard().Check(limit); err != nil {
		return nil, "", err
	}
	number := int64(slices.Index(stateNames[:], state))
	if state != "" && number < 0 {
		return nil, "", fault.New(fault.Invalid, "there is no such state").With(fault.Field{Name: "state", Message: "is waiting, delivered or dead"})
	}
	list := page.NewList[int64]("messages of a webhook", fmt.Sprint(id), state)
	before, err := list.After(cursor, 1<<62)
	if err != nil {
		return nil, "", err
	}
	if _, err := readEndpoint(ctx, h.o.DB.Read(), id); err != nil {
		return nil, "", noEndpoint(err, id)
	}
	size := page.Standard().Size(limit)
	rows, err := readMessages(ctx, h.o.DB.Read(), id, number, before, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("read the messages of an endpoint: %w", err)
	}
	rows, next = page.Cut(list, rows, size, func(m messageRow) int64 { return m.ID })
	all = make([]Delivery, 0, len(rows))
	for i := range rows {
		all = append(all, rows[i].delivery())
	}
	return all, next, nil
}

// maxReplayed bounds the ids of one Replay.
const maxReplayed = 200

// Replay sends dead messages of an endpoint again, these or, without any, all of them.
func (h *Hooks) Replay(ctx context.Context, id int64, messages []int64) (count int64, err error) {
	if len(messages) > maxReplayed {
		return 0, fault.Newf(fault.TooLarge, "at most %d messages can be named at once: name fewer, or none for all", maxReplayed)
	}
	err = h.change(ctx, "replay messages", id, func(s store) (int64, error) {
		count, err = s.revive(ctx, id, messages)
		return count, err
	})
	return count, err
}
