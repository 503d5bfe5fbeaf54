package seam

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
)

// whole reads the request's body before it answers.
func whole(answer func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return nil, err
			}
		}
		return answer(req)
	}
}

// readsUntilGone is an endpoint that reads a body which never ends, as net/http
// does: on a goroutine of its own.
func readsUntilGone(req *http.Request) (*http.Response, error) {
	go func() { _, _ = io.Copy(io.Discard, req.Body) }()
	return gone(req)
}

// stalledBody gives nothing until it is closed.
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

func pourIt(ctx context.Context, r *Remote, body io.Reader) error {
	_, err := callRemote[poured, said](ctx, r, opPour.d, poured{body})
	return err
}

// statesOf are those of an endpoint's classes.
func statesOf(r *Remote, endpoint int) map[string]string {
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
	read := func(ctx context.Context, _ *testing.T, r *Remote) error {
		_, err := callRemote[ask, said](ctx, r, opConsult.d, ask{})
		return err
	}
	write := func(ctx context.Context, _ *testing.T, r *Remote) error {
		_, err := tellIt(ctx, r, opSwear)
		return err
	}
	stall := func(ctx context.Context, t *testing.T, r *Remote) error { return pourIt(ctx, r, stalledBody(t)) }
	for name, c := range map[string]struct {
		during func(*testing.T) (context.Context, context.CancelFunc)
		call   func(context.Context, *testing.T, *Remote) error
		answer func(*http.Request) (*http.Response, error)
	}{
		"a read with 120 ms":            {within(120 * time.Millisecond), read, gone},
		"a read with 9 s":               {within(9 * time.Second), read, gone},
		"a read that is called off":     {leaving, read, gone},
		"a write with 120 ms":           {within(120 * time.Millisecond), write, whole(gone)},
		"a stalled upload with 120 ms":  {within(120 * time.Millisecond), stall, readsUntilGone},
		"a stalled upload with an hour": {within(time.Hour), stall, readsUntilGone},
		"an upload that broke off": {within(time.Hour), func(ctx context.Context, _ *testing.T, r *Remote) error {
			return pourIt(ctx, r, badReader{})
		}, whole(breaksOff)},
		"an upload that stalls until the other side hangs up": {within(time.Hour), stall, func(req *http.Request) (*http.Response, error) {
			go func() { _, _ = io.Copy(io.Discard, req.Body) }()
			time.Sleep(30 * time.Second) // the bubble's clock
			return breaksOff(req)
		}},
		"504 at the end of the 120 ms that were sent along": {within(120 * time.Millisecond), read, func(req *http.Request) (*http.Response, error) {
			time.Sleep(118 * time.Millisecond) // the bubble's clock
			return problemOf(fault.DeadlineExceeded)(req)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := reach(t, 2, BalanceOptions{Attempts: 1})
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
		call  func(context.Context, *Remote) error
	}{
		"a write": {"write", func(ctx context.Context, r *Remote) error { _, err := tellIt(ctx, r, opConfess); return err }},
		"an upload that was sent whole": {"stream", func(ctx context.Context, r *Remote) error {
			return pourIt(ctx, r, strings.NewReader("x"))
		}},
		"a read in a canary": {"read", func(ctx context.Context, r *Remote) error {
			ctx, cancel := withLimit(ctx, 2*time.Second)
			defer cancel()
			_, err := callRemote[ask, said](ctx, r, opConsult.d, ask{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, processes := reach(t, 1, BalanceOptions{Attempts: 1})
				processes[0].answer = whole(gone)
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
			r, processes := reach(t, endpoints, BalanceOptions{})
			for _, p := range processes {
				p.answer = func(req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodPut {
						return whole(breaksOff)(req)
					}
					return reply200(p.number), nil
				}
			}
			for range 60 {
				_ = pourIt(t.Context(), r, strings.NewReader("x"))
			}
			for i := range processes {
				if s := statesOf(r, i); s["stream"] != "open" || s["read"] != "closed" || s["write"] != "closed" {
					t.Errorf("endpoint %d of %d: %v", i, endpoints, s)
				}
			}
			for range 20 {
				if _, err := askIt(r); err != nil {
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
		r, processes := reach(t, 1, BalanceOptions{})
		processes[0].answer = problemOf(fault.Busy)
		begun := time.Now()
		for range 100 {
			if _, err := askIt(r); !fault.Is(err, fault.Busy) {
				t.Fatalf("got %v", err)
			}
		}
		e := r.Endpoints()[0]
		if e.State != "closed" || e.Busy != 100 || e.Failures != 0 || e.Calls != 0 || processes[0].calls.Load() != 100 || time.Since(begun) != 0 {
			t.Errorf("after %s, %d requests: %+v", time.Since(begun), processes[0].calls.Load(), e)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 2, BalanceOptions{})
		processes[0].answer = problemOf(fault.Busy)
		for range 50 {
			if got, err := askIt(r); err != nil || got.From != 1 {
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
		r, processes := reach(t, 1, BalanceOptions{Attempts: 1})
		for n := range 100 {
			processes[0].answer = problemOf(fault.Busy)
			if n%10 == 0 {
				processes[0].answer = status(http.StatusInternalServerError)
			}
			_, _ = askIt(r)
		}
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("10 failures and no answer, and the breaker is %s", s)
		}
	})
}

// TestAServers503ThatIsNotBusyStaysAFailure: it says that a part is down.
func TestAServers503ThatIsNotBusyStaysAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{Attempts: 1})
		processes[0].answer = problemOf(fault.Unavailable)
		for range 10 {
			_, _ = askIt(r)
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
		r, processes := reach(t, 1, BalanceOptions{})
		processes[0].answer = whole(breaksOff)
		for range 10 {
			_ = pourIt(t.Context(), r, strings.NewReader("x"))
		}
		if s := statesOf(r, 0)["stream"]; s != "open" {
			t.Fatalf("uploads that fail leave the breaker %s", s)
		}
		time.Sleep(3 * time.Second) // the bubble's clock
		processes[0].answer = readsUntilGone
		ctx, leave := context.WithCancel(t.Context())
		var stalled sync.WaitGroup
		for range 3 {
			stalled.Go(func() { _ = pourIt(ctx, r, stalledBody(t)) })
		}
		synctest.Wait()
		processes[0].answer = whole(func(*http.Request) (*http.Response, error) { return reply200(0), nil })
		if err := pourIt(t.Context(), r, strings.NewReader("x")); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a fourth probe: %v", err)
		}
		time.Sleep(3 * time.Second) // the bubble's clock
		for range 3 {
			if err := pourIt(t.Context(), r, strings.NewReader("x")); err != nil {
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

// TestALimitOfOursIsToldFromACallersDeadline in every order of the two.
func TestALimitOfOursIsToldFromACallersDeadline(t *testing.T) {
	limited := func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		c := withTimeout(parent, d).ours(d)
		return c, c.end
	}
	for name, c := range map[string]struct {
		outer, inner func(context.Context, time.Duration) (context.Context, context.CancelFunc)
		first, then  time.Duration
		byCaller     bool
	}{
		"ours within the caller's":          {context.WithTimeout, withLimit, 9, 5, false},
		"the caller's within ours":          {withLimit, context.WithTimeout, 9, 5, true},
		"the caller's before ours":          {context.WithTimeout, withLimit, 5, 9, true},
		"ours before the caller's":          {withLimit, context.WithTimeout, 5, 9, false},
		"the server's within the caller's":  {context.WithTimeout, limited, 9, 5, false},
		"the server's after the caller's":   {context.WithTimeout, limited, 5, 9, true},
		"the caller's within the server's":  {limited, context.WithTimeout, 9, 5, true},
		"the server's around the caller's":  {limited, context.WithTimeout, 5, 9, false},
		"an attempt's within the server's":  {limited, withLimit, 9, 5, false},
		"an attempt's as long as it may be": {limited, withLimit, 5, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outer, cancel := c.outer(t.Context(), c.first*time.Second)
				defer cancel()
				inner, stop := c.inner(outer, c.then*time.Second)
				defer stop()
				if endedByCaller(inner) {
					t.Error("over before its end")
				}
				<-inner.Done()
				if got := endedByCaller(inner); got != c.byCaller {
					t.Errorf("ended by the caller: %v, want %v", got, c.byCaller)
				}
			})
		})
	}
	ctx, cancel := withLimit(t.Context(), time.Hour)
	cancel()
	if !endedByCaller(ctx) {
		t.Error("who calls off has not let a limit pass")
	}
}

// TestHowACallEnds as a route counts it, also in this process.
func TestHowACallEnds(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want ending
	}{
		"an answer":                        {t.Context(), nil, endedAnswered},
		"an answer at the last moment":     {late, nil, endedAnswered},
		"not found":                        {t.Context(), fault.New(fault.NotFound, ""), endedRefused},
		"a defect":                         {t.Context(), errors.New("x"), endedFailed},
		"no answer":                        {t.Context(), fault.New(fault.DeadlineExceeded, ""), endedFailed},
		"no room":                          {t.Context(), fault.New(fault.Busy, ""), endedBusy},
		"the caller's time is over":        {late, context.DeadlineExceeded, endedAbandoned},
		"what fails after that":            {late, fault.New(fault.Unavailable, ""), endedAbandoned},
		"a body that broke off":            {t.Context(), readFault(errors.New("connection reset")), endedAbandoned},
		"a body that ended early":          {t.Context(), readFault(io.ErrUnexpectedEOF), endedAbandoned},
		"a body over the limit":            {t.Context(), readFault(&http.MaxBytesError{Limit: 1}), endedRefused},
		"a remote that failed in the end":  {late, &failure{err: errors.New("x"), blame: blameEndpoint}, endedFailed},
		"a remote that was left by others": {t.Context(), &failure{err: context.Canceled, blame: blameCaller}, endedAbandoned},
	} {
		if got := endingOf(c.ctx, c.err); got != c.want {
			t.Errorf("%s is %d, want %d", name, got, c.want)
		}
	}
}
