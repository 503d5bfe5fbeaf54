package seam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"banyan/platform/fault"
)

type ask struct {
	Mark int `query:"mark" json:"-"`
}

type said struct {
	From int `json:"from"`
}

type told struct {
	Text string `json:"text"`
}

type poured struct {
	Body io.Reader `stream:"text/plain" json:"-"`
}

var (
	oracle    = NewContract("oracle", 1, "For tests.")
	opConsult = Read[ask, said](oracle, "ask", "GET /ask", Public, "")
	opConfess = Write[told, said](oracle, "tell", "POST /tell", Public, "")
	opSwear   = Write[told, said](oracle, "swear", "POST /swear", Public, "", Idempotent())
	opPour    = Write[poured, said](oracle, "pour", "PUT /pour", Public, "", Idempotent())
)

// process is an endpoint's other side without a network: what it answers is up
// to the test.
type process struct {
	number int
	calls  atomic.Int64
	keys   []string
	answer func(req *http.Request) (*http.Response, error) // nil = 200
}

func (p *process) RoundTrip(req *http.Request) (*http.Response, error) {
	p.calls.Add(1)
	if req.Method != http.MethodGet {
		for name, values := range req.Header {
			if http.CanonicalHeaderKey(name) == headerIdempotency {
				p.keys = append(p.keys, values...)
			}
		}
	}
	if p.answer != nil {
		return p.answer(req)
	}
	return reply200(p.number), nil
}

func reply200(from int) *http.Response {
	return response(http.StatusOK, fmt.Sprintf(`{"from":%d}`, from))
}

func response(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{headerContract: {"1"}, "Content-Type": {mediaJSON}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func refuses(*http.Request) (*http.Response, error) {
	return nil, dialError{errors.New("connection refused")}
}

func breaksOff(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection reset by peer")
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		resp := response(code, "")
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// reach makes a remote with n endpoints that are processes of the test.
func reach(t *testing.T, n int, o BalanceOptions) (*Remote, []*process) {
	t.Helper()
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://192.0.2.%d:80", i+1))
	}
	if o.Random == nil {
		o.Random = rand.New(rand.NewPCG(1, 2)).Float64
	}
	r, err := NewRemote(oracle, RemoteOptions{URLs: urls, Balance: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	processes := make([]*process, n)
	for i, e := range *r.endpoints.Load() {
		processes[i] = &process{number: i}
		e.transport = processes[i]
	}
	return r, processes
}

func askIt(r *Remote) (said, error) {
	return callRemote[ask, said](context.Background(), r, opConsult.d, ask{})
}

func tellIt(ctx context.Context, r *Remote, o Operation[told, said]) (said, error) {
	return callRemote[told, said](ctx, r, o.d, told{"x"})
}

func sum(processes []*process) (n int64) {
	for _, p := range processes {
		n += p.calls.Load()
	}
	return n
}

func TestReadsAreRetriedAtAnotherEndpoint(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"refused connection": refuses, "broken connection": breaksOff, "502": status(502), "503": status(503), "504": status(504),
		"an answer that breaks off": func(*http.Request) (*http.Response, error) {
			resp := reply200(0)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"from`), badReader{}))
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := reach(t, 2, BalanceOptions{})
				processes[0].answer = answer
				for range 50 {
					if got, err := askIt(r); err != nil || got.From != 1 {
						t.Fatalf("got %v, %v", got, err)
					}
				}
				if processes[0].calls.Load() == 0 {
					t.Error("the failing endpoint was never asked: nothing was shown")
				}
			})
		})
	}
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errors.New("unexpected EOF") }

func TestWhatIsNotRetried(t *testing.T) {
	read := func(r *Remote) error { _, err := askIt(r); return err }
	write := func(r *Remote) error { _, err := tellIt(context.Background(), r, opConfess); return err }
	swear := func(r *Remote) error { _, err := tellIt(context.Background(), r, opSwear); return err }
	pour := func(r *Remote) error {
		_, err := callRemote[poured, said](context.Background(), r, opPour.d, poured{strings.NewReader("x")})
		return err
	}
	readsBody := func(answer func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, req.Body)
			return answer(req)
		}
	}
	for _, c := range []struct {
		what   string
		call   func(*Remote) error
		answer func(*http.Request) (*http.Response, error)
		calls  int64 // at one endpoint
	}{
		{"a read, 404", read, status(404), 1},
		{"a read, 500", read, status(500), 1},
		{"a read, 429 that does not say when", read, status(429), 1},
		{"a read, 429 that says when", read, status(429, "Retry-After", "1"), 3},
		{"a read, 503", read, status(503), 3},
		{"a write, broken connection", write, breaksOff, 1},
		{"a write, 503", write, status(503), 1},
		{"a write, refused connection", write, refuses, 3},
		{"an idempotent write, broken connection", swear, breaksOff, 2},
		{"an idempotent write, 503", swear, status(503), 2},
		{"an idempotent write, 500", swear, status(500), 1},
		{"an idempotent write, 409", swear, status(409), 1},
		{"an upload, broken connection", pour, readsBody(breaksOff), 1},
		{"an upload, 503 after it was read", pour, readsBody(status(503)), 1},
		{"an upload, refused connection", pour, refuses, 3},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := reach(t, 1, BalanceOptions{})
				processes[0].answer = c.answer
				if err := c.call(r); err == nil {
					t.Error("no error")
				}
				if got := processes[0].calls.Load(); got != c.calls {
					t.Errorf("sent %d times, want %d", got, c.calls)
				}
			})
		})
	}
}

func TestARetriedWriteKeepsItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{})
		first := true
		processes[0].answer = func(req *http.Request) (*http.Response, error) {
			if text, err := io.ReadAll(req.Body); string(text) != `{"text":"x"}` || err != nil {
				t.Errorf("the body is %q, %v", text, err)
			}
			if first {
				first = false
				return breaksOff(req)
			}
			return reply200(0), nil
		}
		if _, err := tellIt(context.Background(), r, opSwear); err != nil {
			t.Fatal(err)
		}
		if keys := processes[0].keys; len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
			t.Errorf("the keys were %q", keys)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{})
		begin := time.Now()
		var second time.Duration
		processes[0].answer = func(req *http.Request) (*http.Response, error) {
			if processes[0].calls.Load() == 1 {
				return status(503, "Retry-After", "3")(req)
			}
			second = time.Since(begin)
			return reply200(0), nil
		}
		if _, err := askIt(r); err != nil || second < 3*time.Second {
			t.Errorf("asked again after %s, %v", second, err)
		}
		processes[0].calls.Store(0)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		begin = time.Now()
		if _, err := callRemote[ask, said](ctx, r, opConsult.d, ask{}); !fault.Is(err, fault.Unavailable) || time.Since(begin) > time.Second {
			t.Errorf("3 s do not fit into 2 s: got %v after %s", err, time.Since(begin))
		}
	})
}

func TestRetriesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{BreakAfter: 1 << 30, BreakShare: 2, BudgetStored: 10})
		processes[0].answer = status(503)
		begin := time.Now()
		const calls = 1000
		for range calls {
			_, _ = askIt(r)
		}
		retries := processes[0].calls.Load() - calls
		most := 10 + calls/10 + 5*int64(time.Since(begin)/time.Second+1)
		if retries > most || retries < calls/10 {
			t.Errorf("%d calls were repeated %d times, want %d to %d", calls, retries, calls/10, most)
		}
	})
}

func TestTheBreakerOpensAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 2, BalanceOptions{})
		for _, p := range processes {
			p.answer = status(500)
		}
		for range 60 {
			if _, err := askIt(r); err == nil {
				t.Fatal("no error")
			}
		}
		before := sum(processes)
		begin := time.Now()
		_, err := askIt(r)
		if f := fault.From(err); f == nil || f.Code != fault.Unavailable || f.RetryAfter == 0 || sum(processes) != before || time.Since(begin) != 0 {
			t.Fatalf("with every breaker open: %v after %s, %d more requests", err, time.Since(begin), sum(processes)-before)
		}
		for _, e := range r.Endpoints() {
			if e.State != "open" || e.Failures < 5 || e.LastError == "" {
				t.Errorf("status %+v", e)
			}
		}
		time.Sleep(2*time.Second + time.Millisecond) // the bubble's clock
		for _, p := range processes {
			p.answer = nil
		}
		for range 20 {
			if _, err := askIt(r); err != nil {
				t.Fatalf("recovered, and still %v", err)
			}
		}
		for _, e := range r.Endpoints() {
			if e.State != gobreaker.StateClosed.String() {
				t.Errorf("recovered, and still %s", e.State)
			}
		}
	})
}

func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 2, BalanceOptions{})
		for _, code := range []int{400, 401, 403, 404, 409, 413, 429} {
			processes[0].answer, processes[1].answer = status(code), status(code)
			for range 30 {
				_, _ = askIt(r)
			}
		}
		hurry, cancel := context.WithCancel(context.Background())
		cancel()
		for range 30 {
			processes[0].answer, processes[1].answer = gone, gone
			_, _ = callRemote[ask, said](hurry, r, opConsult.d, ask{})
		}
		for _, e := range r.Endpoints() {
			if e.State != "closed" {
				t.Errorf("state %s", e.State)
			}
		}
	})
}

func gone(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestTimeOutsOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{})
		processes[0].answer = gone
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if _, err := askIt(r); !fault.Is(err, fault.DeadlineExceeded) { // nobody set a deadline: the time-out is the remote's
					t.Errorf("got %v", err)
				}
			})
		}
		callers.Wait()
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("frozen, and the breaker is %s", s)
		}
	})
}

func TestEjectionLeavesHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 4, BalanceOptions{Attempts: 1, BreakAfter: 1 << 30, BreakShare: 2})
		ejected := func() (n int) {
			for _, e := range r.Endpoints() {
				if e.State == stateEjected {
					n++
				}
			}
			return n
		}
		for _, p := range processes {
			p.answer = func(*http.Request) (*http.Response, error) {
				time.Sleep(10 * time.Millisecond) // the bubble's clock
				return reply200(p.number), nil
			}
		}
		processes[2].answer = status(500)
		for i := 0; i < 100 && ejected() == 0; i++ {
			_, _ = askIt(r)
		}
		if ejected() != 1 || r.Endpoints()[2].State != stateEjected {
			t.Fatalf("one fails, %d ejected: %+v", ejected(), r.Endpoints())
		}
		before := processes[2].calls.Load()
		for range 50 {
			if _, err := askIt(r); err != nil {
				t.Fatal(err)
			}
		}
		if processes[2].calls.Load() != before {
			t.Error("an ejected endpoint was asked")
		}
		time.Sleep(time.Second) // the bubble's clock
		for _, p := range processes {
			p.answer = status(500)
		}
		for range 200 {
			_, _ = askIt(r)
			if ejected() > 2 {
				t.Fatal("more than half are ejected")
			}
		}
		if ejected() != 2 {
			t.Errorf("all fail, %d ejected", ejected())
		}
	})
}

func TestCallsGoToTheLessLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 2, BalanceOptions{})
		processes[0].answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond) // the bubble's clock
			return reply200(0), nil
		}
		processes[1].answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond) // the bubble's clock
			return reply200(1), nil
		}
		for range 200 {
			_, _ = askIt(r)
		}
		if slow, fast := processes[0].calls.Load(), processes[1].calls.Load(); fast < 8*slow || slow == 0 {
			t.Errorf("the slow one had %d calls, the fast one %d", slow, fast)
		}
		before := processes[0].calls.Load()
		time.Sleep(time.Minute) // the bubble's clock; what was slow is forgotten
		processes[0].answer = nil
		for range 50 {
			_, _ = askIt(r)
		}
		if processes[0].calls.Load() == before {
			t.Error("the endpoint that was slow is never tried again")
		}
	})
}

// names answers for one name; no addresses is a failure.
type names struct{ addresses atomic.Pointer[[]string] }

func (n *names) is(addresses ...string) { n.addresses.Store(&addresses) }

func (n *names) LookupNetIP(context.Context, string, string) (found []netip.Addr, err error) {
	list := *n.addresses.Load()
	if len(list) == 0 {
		return nil, errors.New("server misbehaving")
	}
	for _, a := range list {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

func TestEndpointsFollowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := new(names)
		dns.is()
		r, err := NewRemote(oracle, RemoteOptions{
			URLs: []string{"http://oracle.example:8080", "http://192.0.2.9:1"}, Resolver: dns, Resolve: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		expect := func(when string, want ...string) []*endpoint {
			t.Helper()
			synctest.Wait()
			set := *r.endpoints.Load()
			var got []string
			for _, e := range set {
				got = append(got, e.base.Host+" "+e.address)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the endpoints are %q, want %q", when, got, want)
			}
			return set
		}
		tick := func() { time.Sleep(time.Second) } // the bubble's clock
		const fixed = "192.0.2.9:1 "
		expect("DNS never answered", "oracle.example:8080 ", fixed)
		dns.is("192.0.2.2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1")
		tick()
		before := expect("first answer", "oracle.example:8080 192.0.2.1:8080", "oracle.example:8080 192.0.2.2:8080", "oracle.example:8080 [2001:db8::1]:8080", fixed)
		dns.is()
		tick()
		expect("DNS failed", "oracle.example:8080 192.0.2.1:8080", "oracle.example:8080 192.0.2.2:8080", "oracle.example:8080 [2001:db8::1]:8080", fixed)
		dns.is("192.0.2.2", "192.0.2.3")
		tick()
		after := expect("moved", "oracle.example:8080 192.0.2.2:8080", "oracle.example:8080 192.0.2.3:8080", fixed)
		if after[0] != before[1] || after[2] != before[3] {
			t.Error("an endpoint that stayed lost its figures and connections")
		}
	}) // the bubble fails when Close leaves the goroutine behind
}

func TestURLsThatAreNone(t *testing.T) {
	for _, urls := range [][]string{nil, {""}, {"oracle:80"}, {"ftp://oracle"}, {"http://"}, {"http://:80"}, {"http://oracle/api"}, {"http://a", "b"}} {
		if _, err := NewRemote(oracle, RemoteOptions{URLs: urls}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", urls, err)
		}
	}
}

func TestAStrangersAnswerIsNotTheModules(t *testing.T) {
	for _, code := range []int{200, 301, 401, 404, 409} {
		r, processes := reach(t, 1, BalanceOptions{Attempts: 1})
		processes[0].answer = func(*http.Request) (*http.Response, error) {
			resp := response(code, `{"from": 1}`)
			delete(resp.Header, headerContract)
			return resp, nil
		}
		if _, err := askIt(r); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d: %v", code, err)
		}
	}
}
