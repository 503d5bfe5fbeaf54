package webhooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/webhooks"
)

const module = "airdrop"

type said struct {
	Text  string `json:"text"`
	Quiet bool   `json:"quiet"`
}

var saidTopic = events.NewTopic[said]("test.said")

// world is a module with webhooks, and a clock that a test sets.
type world struct {
	t     *testing.T
	db    *database.DB
	clock *testclock.Clock
	hooks *webhooks.Hooks
}

func eachWorld(t *testing.T, test func(w *world)) {
	databasetest.Each(t, module, func(t *testing.T, db *database.DB) {
		w := &world{t: t, db: db, clock: testclock.At(time.Now())}
		w.hooks = w.again(db, insecure())
		test(w)
	})
}

// insecure reaches this machine, which the client of the program does not, and trusts
// the certificates of httptest.
func insecure() *http.Client {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	client := server.Client()
	client.Timeout = time.Minute
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// again are the webhooks as another process has them.
func (w *world) again(db *database.DB, client *http.Client) *webhooks.Hooks {
	return webhooks.New(webhooks.Options{
		DB: db, Client: client, Clock: w.clock.Now, Log: slog.New(slog.DiscardHandler), Poll: 5 * time.Millisecond,
		Kinds: []webhooks.Kind{
			webhooks.NewKind(saidTopic, "something.said", "Somebody has said something.", said{Text: "hello"}, func(s said) (said, bool) { return s, !s.Quiet }),
			webhooks.NewKind(saidTopic, "something.whispered", "Likewise, quietly.", said{Quiet: true}, func(s said) (said, bool) { return s, s.Quiet }),
		},
	})
}

// add adds an endpoint at a server of a test, which Add itself would refuse.
func (w *world) add(address string, kinds ...string) webhooks.Added {
	w.t.Helper()
	added, err := w.hooks.Add(w.t.Context(), webhooks.NewEndpoint{URL: "https://example.com/hook", Kinds: kinds})
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`UPDATE webhook_endpoint SET url = ? WHERE id = ?`, address, added.ID)
	return added
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(w.t.Context(), query, args...)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// publish publishes and delivers to the webhooks, as the module's relay does.
func (w *world) publish(texts ...string) {
	w.t.Helper()
	batch := events.Batch{Consumer: webhooks.ConsumerName, Topic: saidTopic.Name()}
	for i, text := range texts {
		e, err := saidTopic.Event("", said{Text: text, Quiet: text == "psst"})
		if err != nil {
			w.t.Fatal(err)
		}
		e.ID, e.Time = fmt.Sprintf("event-%s-%d", text, i), w.clock.Now().UnixMilli()
		batch.Events = append(batch.Events, e)
	}
	for range 2 { // a relay may deliver twice
		receipt, err := w.hooks.Consumers()[0].Deliver(w.t.Context(), batch)
		if err != nil || len(receipt.Results) != len(texts) {
			w.t.Fatalf("delivered %+v, %v", receipt, err)
		}
	}
}

// run sends until stop, which waits for the end.
func run(t *testing.T, h *webhooks.Hooks) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func (w *world) messages(endpoint int64, state string) []webhooks.Delivery {
	w.t.Helper()
	all, _, err := w.hooks.Deliveries(w.t.Context(), endpoint, state, "", 200)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) endpoint(id int64) webhooks.Endpoint {
	w.t.Helper()
	all, err := w.hooks.Endpoints(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range all {
		if e.ID == id {
			return e
		}
	}
	w.t.Fatalf("there is no endpoint %d", id)
	return webhooks.Endpoint{}
}

func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !true() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("it never came true: " + what)
		}
	}
}

// received is a request that a receiver took.
type received struct {
	header http.Header
	body   string
}

// receiver is a server that answers with the statuses in turn, the last one for ever.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	requests []received
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	r := &receiver{statuses: statuses}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, received{req.Header.Clone(), string(body)})
		status := r.statuses[0]
		if len(r.statuses) > 1 {
			r.statuses = r.statuses[1:]
		}
		rw.Header().Set("Location", "https://example.com/elsewhere")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, strings.Repeat("no room ", 10_000))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// signature is what a receiver computes, by the specification and nothing of ours.
func signature(t *testing.T, secret string, got received) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", got.header.Get("Webhook-Id"), got.header.Get("Webhook-Timestamp"), got.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestMessagesAreSignedAndOnlyThoseThatAreWanted: from the outbox to the receiver, with the
// relay that the program has; after a rotation both secrets sign.
func TestMessagesAreSignedAndOnlyThoseThatAreWanted(t *testing.T) {
	eachWorld(t, func(w *world) {
		to := newReceiver(w.t, 204)
		added := w.add(to.URL, "something.said")
		relay := outbox.NewRelay(w.db, outbox.Options{Poll: 10 * time.Millisecond, Keep: time.Hour}, w.hooks.Consumers()...)
		ctx, stop := context.WithCancel(w.t.Context())
		ended := make(chan error, 1)
		go func() { ended <- relay.Run(ctx) }()
		defer func() { stop(); <-ended }()
		run(w.t, w.hooks)
		say := func(s said) {
			if err := w.db.Write(w.t.Context(), func(tx *database.Tx) error { return outbox.Publish(w.t.Context(), tx, saidTopic, "", s) }); err != nil {
				w.t.Fatal(err)
			}
		}
		say(said{Text: "psst", Quiet: true})
		say(said{Text: "hello"})
		until(w.t, "the message arrives", func() bool { return len(to.all()) == 1 })
		got := to.all()[0]
		if want := signature(w.t, added.Secret, got); got.header.Get("Webhook-Signature") != want {
			w.t.Errorf("signed %s, not %s", got.header.Get("Webhook-Signature"), want)
		}
		var message struct {
			Type, Timestamp string
			Data            said
		}
		if err := json.Unmarshal([]byte(got.body), &message); err != nil || message.Type != "something.said" || message.Data.Text != "hello" {
			w.t.Errorf("the body is %s, %v", got.body, err)
		}
		if _, err := time.Parse(time.RFC3339, message.Timestamp); err != nil {
			w.t.Errorf("its time: %v", err)
		}
		renewed, err := w.hooks.Renew(w.t.Context(), added.ID)
		if err != nil || renewed.Secret == added.Secret {
			w.t.Fatalf("renewed %v, %v", renewed, err)
		}
		say(said{Text: "again"})
		until(w.t, "the next one arrives", func() bool { return len(to.all()) == 2 })
		got = to.all()[1]
		if want := signature(w.t, renewed.Secret, got) + " " + signature(w.t, added.Secret, got); got.header.Get("Webhook-Signature") != want {
			w.t.Errorf("signed %s, not %s", got.header.Get("Webhook-Signature"), want)
		}
		w.clock.Pass(webhooks.OldSecret)
		say(said{Text: "later"})
		until(w.t, "the last one arrives", func() bool { return len(to.all()) == 3 })
		if got = to.all()[2]; got.header.Get("Webhook-Signature") != signature(w.t, renewed.Secret, got) {
			w.t.Error("the old secret still signs")
		}
	})
}

// TestWhatFailsIsTriedAgainAndAtLastADeadLetter: under the same id, with longer and longer
// pauses; a replay sends it.
func TestWhatFailsIsTriedAgainAndAtLastADeadLetter(t *testing.T) {
	eachWorld(t, func(w *world) {
		to := newReceiver(w.t, slices.Concat(slices.Repeat([]int{500}, 12), []int{200})...)
		id := w.add(to.URL).ID
		w.publish("hello")
		run(w.t, w.hooks)
		for n := 1; n < 12; n++ {
			until(w.t, fmt.Sprintf("attempt %d", n), func() bool {
				all := w.messages(id, "waiting")
				return len(all) == 1 && all[0].Attempts == int64(n)
			})
			w.clock.Pass(22 * time.Hour)
		}
		until(w.t, "it is dead", func() bool { return len(w.messages(id, "dead")) == 1 })
		dead := w.messages(id, "dead")[0]
		if dead.Attempts != 12 || dead.Status != 500 || !strings.Contains(dead.Error, "the status 500: no room") || len(dead.Error) > 400 {
			w.t.Errorf("dead: %+v", dead)
		}
		for _, got := range to.all() {
			if got.header.Get("Webhook-Id") != dead.MessageID {
				w.t.Errorf("an attempt has the id %s, not %s", got.header.Get("Webhook-Id"), dead.MessageID)
			}
		}
		if e := w.endpoint(id); e.Dead != 1 || e.Waiting != 0 || e.Failures != 12 || e.LastStatus != 500 {
			w.t.Errorf("the endpoint: %+v", e)
		}
		w.clock.Pass(time.Hour)
		if n, err := w.hooks.Replay(w.t.Context(), id, []int64{dead.ID}); err != nil || n != 1 {
			w.t.Fatalf("replayed %d, %v", n, err)
		}
		until(w.t, "it is delivered", func() bool { return len(w.messages(id, "delivered")) == 1 })
		if e := w.endpoint(id); e.Failures != 0 || e.LastError != "" {
			w.t.Errorf("after it was taken: %+v", e)
		}
	})
}

// TestAnEndpointThatHangsHoldsUpNobody: another one receives, and events go on.
func TestAnEndpointThatHangsHoldsUpNobody(t *testing.T) {
	eachWorld(t, func(w *world) {
		release := make(chan struct{})
		hanging := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		w.t.Cleanup(func() { close(release); hanging.Close() })
		to := newReceiver(w.t, 200)
		slow, quick := w.add(hanging.URL).ID, w.add(to.URL).ID
		stop := run(w.t, w.hooks)
		w.publish("one", "two", "three")
		until(w.t, "the other receives all", func() bool { return len(w.messages(quick, "delivered")) == 3 })
		if n := len(w.messages(slow, "delivered")); n != 0 {
			w.t.Errorf("%d messages to the one that hangs are delivered", n)
		}
		stop() // what was under way counts for nothing: it is sent again by the next process
		for _, m := range w.messages(slow, "waiting") {
			if m.Attempts != 0 {
				w.t.Errorf("an attempt that was cut off counts: %+v", m)
			}
		}
		next := newReceiver(w.t, 200)
		w.exec(`UPDATE webhook_endpoint SET url = ? WHERE id = ?`, next.URL, slow)
		run(w.t, w.again(databasetest.Again(w.t, w.db), insecure()))
		until(w.t, "the next process sends the rest", func() bool { return len(w.messages(slow, "delivered")) == 3 })
	})
}

// TestOneProcessSendsToAnEndpoint: of three replicas, and each message arrives once; the
// lease of one that is gone ends by itself.
func TestOneProcessSendsToAnEndpoint(t *testing.T) {
	eachWorld(t, func(w *world) {
		to := newReceiver(w.t, 200)
		id := w.add(to.URL).ID
		w.exec(`UPDATE webhook_endpoint SET sender = 'gone', lease_ms = ? WHERE id = ?`, w.clock.Now().Add(time.Minute).UnixMilli(), id)
		w.publish("a", "b", "c", "d", "e", "f", "g", "h")
		for range 3 {
			run(w.t, w.again(databasetest.Again(w.t, w.db), insecure()))
		}
		w.clock.Pass(59 * time.Second)
		if n := len(to.all()); n != 0 {
			w.t.Errorf("%d messages were sent under the lease of another", n)
		}
		w.clock.Pass(2 * time.Second)
		until(w.t, "all are delivered", func() bool { return len(w.messages(id, "delivered")) == 8 })
		if n := len(to.all()); n != 8 {
			w.t.Errorf("8 messages were sent %d times", n)
		}
	})
}

// TestAReceiverThatWantsNothingMoreIsStopped, one that redirects is not followed, and
// nothing is kept for one that is stopped.
func TestAReceiverThatWantsNothingMoreIsStopped(t *testing.T) {
	eachWorld(t, func(w *world) {
		gone, moved := newReceiver(w.t, http.StatusGone), newReceiver(w.t, http.StatusTemporaryRedirect)
		one, two := w.add(gone.URL).ID, w.add(moved.URL).ID
		w.publish("hello")
		run(w.t, w.hooks)
		until(w.t, "both are tried", func() bool { return w.endpoint(one).Stopped != "" && w.endpoint(two).Failures == 1 })
		if e := w.endpoint(two); !strings.Contains(e.LastError, "redirects are not followed") || e.Stopped != "" {
			w.t.Errorf("the one that redirects: %+v", e)
		}
		w.publish("more")
		if n := len(w.messages(one, "")); n != 1 {
			w.t.Errorf("%d messages are kept for one that is stopped", n)
		}
		if err := w.hooks.Start(w.t.Context(), one); err != nil || w.endpoint(one).Stopped != "" {
			w.t.Errorf("started: %v", err)
		}
		if err := w.hooks.Remove(w.t.Context(), one); err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.hooks.Test(w.t.Context(), one); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("a test of one that was removed: %v", err)
		}
	})
}

// TestTooManyMessagesStopAnEndpoint, so that what is kept is bounded.
func TestTooManyMessagesStopAnEndpoint(t *testing.T) {
	eachWorld(t, func(w *world) {
		id := w.add("https://example.com/hook").ID
		for part := range webhooks.MaxWaiting / 1000 {
			texts := make([]string, 1000)
			for i := range texts {
				texts[i] = fmt.Sprintf("%d-%d", part, i)
			}
			w.publish(texts...)
		}
		w.publish("one too many")
		e := w.endpoint(id)
		if !strings.Contains(e.Stopped, "10000 messages wait for it") || e.Waiting != webhooks.MaxWaiting {
			w.t.Errorf("the endpoint: stopped %q, %d waiting", e.Stopped, e.Waiting)
		}
	})
}

// TestNothingIsSentIntoPrivateNetworks: addresses are refused when they are added, and
// names by what they lead to when something is sent.
func TestNothingIsSentIntoPrivateNetworks(t *testing.T) {
	w := &world{t: t, db: databasetest.SQLite(t, module), clock: testclock.At(time.Now())}
	w.hooks = w.again(w.db, nil)
	for address, problem := range map[string]string{
		"":                            "is missing",
		"http://example.com/":         "https://",
		"https://":                    "https://",
		"ftp://example.com/":          "https://",
		"https://user:pass@host.org/": "no name and password",
		"https://example.com/#part":   "after #",
		"https://127.0.0.1/":          "private network",
		"https://[::1]/":              "private network",
		"https://[::ffff:10.0.0.1]/":  "private network",
		"https://10.1.2.3:8443/x":     "private network",
		"https://169.254.169.254/":    "private network",
		"https://localhost/":          "private network",
		"https://a.localhost./":       "private network",
		"https://example.com/" + strings.Repeat("a", 2000): "at most 2000",
	} {
		_, err := w.hooks.Add(t.Context(), webhooks.NewEndpoint{URL: address})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := w.hooks.Add(t.Context(), webhooks.NewEndpoint{URL: "https://example.com/", Kinds: []string{"something.secret"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a kind that is none: %v", err)
	}
	to := newReceiver(t, 200)
	// An address in place of a name that leads to it: the test asks no server of names.
	tested, err := w.hooks.Test(t.Context(), w.add(to.URL).ID)
	if err != nil || !strings.Contains(tested.Problem, "127.0.0.1, which is on this machine or in a private network") || len(to.all()) != 0 {
		t.Errorf("tested %+v, %v", tested, err)
	}
	for range webhooks.MaxEndpoints - 1 {
		w.add("https://example.com/")
	}
	if _, err := w.hooks.Add(t.Context(), webhooks.NewEndpoint{URL: "https://example.com/"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("one endpoint too many: %v", err)
	}
}
