package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
)

func TestReadsAreRetriedAtAnotherEndpoint(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"refused connection": refusesConnection, "broken connection": breaksConnection, "502": answers(502), "503": answers(503), "504": answers(504),
		"an answer that breaks off": func(*http.Request) (*http.Response, error) {
			resp := reply200(0)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"from`), badReader{}))
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := newClient(t, 2, Balance{})
				processes[0].answer = answer
				for range 50 {
					if got, err := callRead(context.Background(), r); err != nil || got.From != 1 {
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

func TestWhatIsNotRetried(t *testing.T) {
	read := func(r *Client) error { _, err := callRead(context.Background(), r); return err }
	write := func(r *Client) error { _, err := callWrite(context.Background(), r, !idempotent); return err }
	repeatable := func(r *Client) error { _, err := callWrite(context.Background(), r, idempotent); return err }
	upload := func(r *Client) error {
		_, err := callUpload(context.Background(), r, strings.NewReader("x"))
		return err
	}
	for _, c := range []struct {
		what   string
		call   func(*Client) error
		answer func(*http.Request) (*http.Response, error)
		calls  int64 // at one endpoint
	}{
		{"a read, 404", read, answers(404), 1},
		{"a read, 500", read, answers(500), 1},
		{"a read, 429 that does not say when", read, answers(429), 1},
		{"a read, 429 that says when", read, answers(429, "Retry-After", "1"), 3},
		{"a read, 503", read, answers(503), 3},
		{"a write, broken connection", write, breaksConnection, 1},
		{"a write, 503", write, answers(503), 1},
		{"a write, refused connection", write, refusesConnection, 3},
		{"an idempotent write, broken connection", repeatable, breaksConnection, 2},
		{"an idempotent write, 503", repeatable, answers(503), 2},
		{"an idempotent write, 500", repeatable, answers(500), 1},
		{"an idempotent write, 409", repeatable, answers(409), 1},
		{"an upload, broken connection", upload, readsBody(breaksConnection), 1},
		{"an upload, 503 after it was read", upload, readsBody(answers(503)), 1},
		{"an upload, refused connection", upload, refusesConnection, 3},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := newClient(t, 1, Balance{})
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
		r, processes := newClient(t, 1, Balance{})
		first := true
		processes[0].answer = func(req *http.Request) (*http.Response, error) {
			if text, err := io.ReadAll(req.Body); string(text) != `{"text":"x"}` || err != nil {
				t.Errorf("the body is %q, %v", text, err)
			}
			if first {
				first = false
				return breaksConnection(req)
			}
			return reply200(0), nil
		}
		if _, err := callWrite(context.Background(), r, idempotent); err != nil {
			t.Fatal(err)
		}
		if keys := processes[0].keys; len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
			t.Errorf("the keys were %q", keys)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{})
		start := time.Now()
		var second time.Duration
		processes[0].answer = func(req *http.Request) (*http.Response, error) {
			if processes[0].calls.Load() == 1 {
				return answers(503, "Retry-After", "3")(req)
			}
			second = time.Since(start)
			return reply200(0), nil
		}
		if _, err := callRead(context.Background(), r); err != nil || second < 3*time.Second {
			t.Errorf("asked again after %s, %v", second, err)
		}
		processes[0].calls.Store(0)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		start = time.Now()
		if _, err := callRead(ctx, r); !fault.Is(err, fault.Unavailable) || time.Since(start) > time.Second {
			t.Errorf("3 s do not fit into 2 s: got %v after %s", err, time.Since(start))
		}
	})
}

func TestRetriesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{BreakAfter: 1 << 30, BreakShare: 2, BudgetStored: 10})
		processes[0].answer = answers(503)
		start := time.Now()
		const calls = 1000
		for range calls {
			_, _ = callRead(context.Background(), r)
		}
		retries := processes[0].calls.Load() - calls
		most := 10 + calls/10 + 5*int64(time.Since(start)/time.Second+1)
		if retries > most || retries < calls/10 {
			t.Errorf("%d calls were repeated %d times, want %d to %d", calls, retries, calls/10, most)
		}
	})
}
