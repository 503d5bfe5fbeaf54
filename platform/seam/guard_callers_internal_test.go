package seam

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/client"
)

// far answers in the remote's place, without a network.
type far func(*http.Request) (*http.Response, error)

func (f far) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answers(status int, body string) far {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{client.HeaderContract: {"1"}, "Content-Type": {client.MediaJSON}, "Retry-After": {"1"}},
		}, nil
	}
}

func neverAnswers(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// watchedRoute is a route in a canary of everybody, whose remote is
// remoteSide. Reads here end when their caller's time does.
func watchedRoute(t *testing.T, remoteSide far) (r *Route, check func()) {
	t.Helper()
	remote, err := NewRemote(guardContract, RemoteOptions{
		URLs: []string{"http://192.0.2.1:80"}, Balance: client.Balance{Attempts: 1},
		Wrap: func(http.RoundTripper) http.RoundTripper { return remoteSide },
	})
	if err != nil {
		t.Fatal(err)
	}
	here := func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, ctx.Err() }
	r = NewRoute(guardContract.Bind(opLook.To(here), opChange.To(nothingDone))).With(RouteOptions{})
	if err := r.Set(Plan{Mode: ModeCanary, Percent: 100}, remote); err != nil {
		t.Fatal(err)
	}
	return r, func() {
		time.Sleep(5 * time.Second) // the clock of synctest
		r.check(t.Context())
	}
}

// callInHurry asks with a millisecond's time, as Banyan-Deadline: 1 has it; fall-backs
// that come in time are answered.
func callInHurry(t *testing.T, r *Route, times int) {
	t.Helper()
	for range times {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := opLook.Call(ctx, r, struct{}{}); err != nil && !fault.Is(err, fault.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		cancel()
	}
}

func TestCallersInAHurryDoNotMakeTheGuardAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, check := watchedRoute(t, neverAnswers)
		callInHurry(t, r, 200)
		if check(); r.Plan().Mode != ModeCanary {
			t.Fatalf("callers who waited for a millisecond led to %v: %+v", r.Plan(), r.Status().Guard)
		}
		if o := r.Status().Operations[opLook.d.index]; o.Canary != (analysis.CanaryStats{Unjudged: 200}) || o.Remote.Calls != 0 || o.Remote.Abandoned != 200 {
			t.Errorf("counted %+v", o)
		}
	})
}

func TestCallersInAHurryDoNotHideABadRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, check := watchedRoute(t, answers(http.StatusInternalServerError, ""))
		// Their failures here would make any at the remote look usual,
		if err := r.Set(Plan{Mode: ModeLocal}, nil); err != nil {
			t.Fatal(err)
		}
		for range 500 {
			ctx, cancel := context.WithTimeout(t.Context(), -time.Millisecond)
			_, _ = opLook.Call(ctx, r, struct{}{})
			cancel()
		}
		if err := r.Set(Plan{Mode: ModeCanary, Percent: 100}, nil); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			if _, err := opLook.Call(t.Context(), r, struct{}{}); err != nil {
				t.Fatal(err)
			}
		}
		// and their calls there would thin its failures out.
		for range 5000 {
			ctx, cancel := context.WithTimeout(t.Context(), -time.Millisecond)
			_, _ = opLook.Call(ctx, r, struct{}{})
			cancel()
		}
		if check(); r.Plan().Mode != ModeShadow {
			t.Errorf("a remote that always fails was followed: %+v", r.Status().Operations[opLook.d.index])
		}
	})
}

func TestABusyRemoteIsNotABadOne(t *testing.T) {
	for _, code := range []fault.Code{fault.Busy, fault.RateLimited} {
		synctest.Test(t, func(t *testing.T) {
			r, check := watchedRoute(t, answers(fault.Status(code), `{"code":"`+string(code)+`","detail":"as asked"}`))
			for range 2000 {
				if _, err := opLook.Call(t.Context(), r, struct{}{}); err != nil {
					t.Fatalf("%s was not answered here: %v", code, err)
				}
			}
			if check(); r.Plan().Mode != ModeCanary {
				t.Fatalf("%s led to %v: %+v", code, r.Plan(), r.Status().Guard)
			}
			o := r.Status().Operations[opLook.d.index]
			if o.Canary != (analysis.CanaryStats{Unjudged: 2000}) || o.Remote.Busy != 2000 || o.Remote.Failures+o.Remote.Refusals != 0 {
				t.Errorf("%s: counted %+v", code, o)
			}
			if r.Verdict().Safe {
				t.Errorf("%s: a remote that has answered nothing is called safe", code)
			}
		})
	}
}

func TestARemoteThatLetsTheCanarysTimePassIsABadOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, check := watchedRoute(t, neverAnswers)
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := opLook.Call(ctx, r, struct{}{}); err != nil {
				t.Fatal(err)
			}
			cancel()
			if r.check(t.Context()); r.Plan().Mode == ModeShadow {
				return
			}
		}
		if check(); r.Plan().Mode != ModeShadow {
			t.Errorf("a remote that hangs was followed: %+v", r.Status().Operations[opLook.d.index])
		}
	})
}
