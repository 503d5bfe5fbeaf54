package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/timeout"
)

// readsUntilGone is an endpoint that reads a body which never ends, as net/http
// does: on a goroutine of its own.
func readsUntilGone(req *http.Request) (*http.Response, error) {
	go func() { _, _ = io.Copy(io.Discard, req.Body) }()
	return neverAnswers(req)
}

// stalledBody sends nothing until it is closed.
func stalledBody(t *testing.T) io.Reader {
	t.Helper()
	read, write := io.Pipe()
	t.Cleanup(func() { _ = write.Close() })
	return read
}

func problemOf(code fault.Code) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		resp := response(fault.Status(code), `{"code":"`+string(code)+`","detail":"as asked"}`)
		resp.Header.Set("Retry-After", "1")
		return resp, nil
	}
}

func uploadIt(ctx context.Context, r *Client, body io.Reader) error {
	_, err := callUpload(ctx, r, body)
	return err
}

// statesOf are those of an endpoint's classes.
func statesOf(r *Client, endpoint int) map[string]string {
	states := make(map[string]string)
	for _, c := range r.Endpoints()[endpoint].Classes {
		states[c.Class] = c.State
	}
	return states
}

// TestWhatACallerBringsAboutIsNotTheEndpointsFault: none of these says anything
// about the endpoint, however often they come.
func TestWhatACallerBringsAboutIsNotTheEndpointsFault(t *testing.T) {
	within := func(d time.Duration) func(*testing.T) (context.Context, context.CancelFunc) {
		return func(t *testing.T) (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), d) }
	}
	leaving := func(t *testing.T) (context.Context, context.CancelFunc) {
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(9*time.Second, leave)
		return ctx, leave
	}
	read := func(ctx context.Context, _ *testing.T, r *Client) error {
		_, err := callRead(ctx, r)
		return err
	}
	write := func(ctx context.Context, _ *testing.T, r *Client) error {
		_, err := callWrite(ctx, r, idempotent)
		return err
	}
	stall := func(ctx context.Context, t *testing.T, r *Client) error { return uploadIt(ctx, r, stalledBody(t)) }
	for name, c := range map[string]struct {
		during func(*testing.T) (context.Context, context.CancelFunc)
		call   func(context.Context, *testing.T, *Client) error
		answer func(*http.Request) (*http.Response, error)
	}{
		"a read with 120 ms":            {within(120 * time.Millisecond), read, neverAnswers},
		"a read with 9 s":               {within(9 * time.Second), read, neverAnswers},
		"a read that is called off":     {leaving, read, neverAnswers},
		"a write with 120 ms":           {within(120 * time.Millisecond), write, readsBody(neverAnswers)},
		"a stalled upload with 120 ms":  {within(120 * time.Millisecond), stall, readsUntilGone},
		"a stalled upload with an hour": {within(time.Hour), stall, readsUntilGone},
		"an upload that broke off": {within(time.Hour), func(ctx context.Context, _ *testing.T, r *Client) error {
			return uploadIt(ctx, r, badReader{})
		}, readsBody(breaksConnection)},
		"an upload that stalls until the other side hangs up": {within(time.Hour), stall, func(req *http.Request) (*http.Response, error) {
			go func() { _, _ = io.Copy(io.Discard, req.Body) }()
			time.Sleep(30 * time.Second) // the clock of synctest
			return breaksConnection(req)
		}},
		"504 at the end of the 120 ms that were sent along": {within(120 * time.Millisecond), read, func(req *http.Request) (*http.Response, error) {
			time.Sleep(118 * time.Millisecond) // the clock of synctest
			return problemOf(fault.DeadlineExceeded)(req)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := newClient(t, 2, Balance{Attempts: 1})
				for _, p := range processes {
					p.answer = c.answer
				}
				for range 30 {
					ctx, cancel := c.during(t)
					if err := c.call(ctx, t, r); err == nil {
						t.Error("no error")
					}
					cancel()
				}
				var abandoned uint64
				for i, e := range r.Endpoints() {
					if e.State != "closed" || e.Failures != 0 || e.LastError != "" {
						t.Errorf("endpoint %d is blamed: %+v", i, e)
					}
					abandoned += e.Abandoned
				}
				if abandoned != 30 {
					t.Errorf("%d calls are counted as abandoned, want 30", abandoned)
				}
			})
		})
	}
}

// TestTheEndpointsOwnSilenceIsItsFault, also at writes and uploads, whose callers
// have more time than an attempt gets, and in half of a canary's time.
func TestTheEndpointsOwnSilenceIsItsFault(t *testing.T) {
	for name, c := range map[string]struct {
		class string
		call  func(context.Context, *Client) error
	}{
		"a write": {"write", func(ctx context.Context, r *Client) error { _, err := callWrite(ctx, r, !idempotent); return err }},
		"an upload that was sent whole": {"stream", func(ctx context.Context, r *Client) error {
			return uploadIt(ctx, r, strings.NewReader("x"))
		}},
		"a read in a canary": {"read", func(ctx context.Context, r *Client) error {
			ctx, cancel := timeout.WithOwn(ctx, 2*time.Second)
			defer cancel()
			_, err := callRead(ctx, r)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := newClient(t, 1, Balance{Attempts: 1})
				processes[0].answer = readsBody(neverAnswers)
				var callers sync.WaitGroup
				for range 10 {
					callers.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
						defer cancel()
						if err := c.call(ctx, r); !fault.Is(err, fault.DeadlineExceeded) {
							t.Errorf("got %v", err)
						}
					})
				}
				callers.Wait()
				for class, state := range statesOf(r, 0) {
					if want := map[bool]string{true: "open", false: "closed"}[class == c.class]; state != want {
						t.Errorf("class %s is %s, want %s", class, state, want)
					}
				}
			})
		})
	}
}

// TestUploadsCannotCloseReads: each class has a breaker and an ejection of its
// own.
func TestUploadsCannotCloseReads(t *testing.T) {
	for endpoints := 1; endpoints <= 2; endpoints++ {
		synctest.Test(t, func(t *testing.T) {
			r, processes := newClient(t, endpoints, Balance{})
			for _, p := range processes {
				p.answer = func(req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodPut {
						return readsBody(breaksConnection)(req)
					}
					return reply200(p.number), nil
				}
			}
			for range 60 {
				_ = uploadIt(t.Context(), r, strings.NewReader("x"))
			}
			for i := range processes {
				if s := statesOf(r, i); s["stream"] != "open" || s["read"] != "closed" || s["write"] != "closed" {
					t.Errorf("endpoint %d of %d: %v", i, endpoints, s)
				}
			}
			for range 20 {
				if _, err := callRead(context.Background(), r); err != nil {
					t.Fatalf("a read after uploads that failed: %v", err)
				}
			}
		})
	}
}

// TestBusyIsLoad: it neither opens a breaker nor ejects, and is asked elsewhere
// but not again.
func TestBusyIsLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{})
		processes[0].answer = problemOf(fault.Busy)
		start := time.Now()
		for range 100 {
			if _, err := callRead(context.Background(), r); !fault.Is(err, fault.Busy) {
				t.Fatalf("got %v", err)
			}
		}
		e := r.Endpoints()[0]
		if e.State != "closed" || e.Busy != 100 || e.Failures != 0 || e.Calls != 0 || processes[0].calls.Load() != 100 || time.Since(start) != 0 {
			t.Errorf("after %s, %d requests: %+v", time.Since(start), processes[0].calls.Load(), e)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 2, Balance{})
		processes[0].answer = problemOf(fault.Busy)
		for range 50 {
			if got, err := callRead(context.Background(), r); err != nil || got.From != 1 {
				t.Fatalf("the other has room: %v, %v", got, err)
			}
		}
		if e := r.Endpoints()[0]; e.State != "closed" || e.Busy == 0 {
			t.Errorf("the busy one: %+v", e)
		}
	})
}

// TestLoadDoesNotHideFailures: an endpoint that fails whenever it is not busy is
// a bad one.
func TestLoadDoesNotHideFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{Attempts: 1})
		for n := range 100 {
			processes[0].answer = problemOf(fault.Busy)
			if n%10 == 0 {
				processes[0].answer = answers(http.StatusInternalServerError)
			}
			_, _ = callRead(context.Background(), r)
		}
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("10 failures and no answer, and the breaker is %s", s)
		}
	})
}

// TestAServers503ThatIsNotBusyStaysAFailure: it says that a part is down.
func TestAServers503ThatIsNotBusyStaysAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{Attempts: 1})
		processes[0].answer = problemOf(fault.Unavailable)
		for range 10 {
			_, _ = callRead(context.Background(), r)
		}
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("the breaker is %s", s)
		}
	})
}

// TestStalledUploadsDoNotKeepTheBreakerFromProbing: whoever stalls three of them
// would otherwise have all the places of probes for as long as they like.
func TestStalledUploadsDoNotKeepTheBreakerFromProbing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{})
		processes[0].answer = readsBody(breaksConnection)
		for range 10 {
			_ = uploadIt(t.Context(), r, strings.NewReader("x"))
		}
		if s := statesOf(r, 0)["stream"]; s != "open" {
			t.Fatalf("uploads that fail leave the breaker %s", s)
		}
		time.Sleep(3 * time.Second) // the clock of synctest
		processes[0].answer = readsUntilGone
		ctx, leave := context.WithCancel(t.Context())
		var stalled sync.WaitGroup
		for range 3 {
			stalled.Go(func() { _ = uploadIt(ctx, r, stalledBody(t)) })
		}
		synctest.Wait()
		processes[0].answer = readsBody(func(*http.Request) (*http.Response, error) { return reply200(0), nil })
		if err := uploadIt(t.Context(), r, strings.NewReader("x")); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a fourth probe: %v", err)
		}
		time.Sleep(3 * time.Second) // the clock of synctest
		for range 3 {
			if err := uploadIt(t.Context(), r, strings.NewReader("x")); err != nil {
				t.Errorf("after the others have had their time: %v", err)
			}
		}
		if s := statesOf(r, 0)["stream"]; s != "closed" {
			t.Errorf("three good uploads, and the breaker is %s", s)
		}
		leave()
		stalled.Wait()
	})
}

// TestWhatAFailureSaysOfTheCall, whatever became of its context.
func TestWhatAFailureSaysOfTheCall(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for blame, want := range map[blame]analysis.Ending{
		blameEndpoint: analysis.Failed, blameCaller: analysis.Abandoned, blameLoad: analysis.Busy,
	} {
		for _, ctx := range []context.Context{t.Context(), late} {
			if got := analysis.EndingOf(ctx, &failure{err: errors.New("x"), blame: blame}); got != want {
				t.Errorf("blame %d: %d, want %d", blame, got, want)
			}
		}
	}
}
