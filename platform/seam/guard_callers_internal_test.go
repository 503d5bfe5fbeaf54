package seam

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
)

// watchedRoute is a route in a canary of everybody, whose remote answers as far
// does. Reads here end when their caller's time does.
func watchedRoute(t *testing.T, far func(*http.Request) (*http.Response, error)) (r *Route, look func()) {
	t.Helper()
	remote, err := NewRemote(guardContract, RemoteOptions{URLs: []string{"http://192.0.2.1:80"}, Balance: BalanceOptions{Attempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	(*remote.endpoints.Load())[0].transport = &process{answer: far}
	here := func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, ctx.Err() }
	r = NewRoute(guardContract.Bind(opLook.To(here), opChange.To(nothingDone))).With(RouteOptions{})
	if err := r.Set(Plan{Mode: ModeCanary, Percent: 100}, remote); err != nil {
		t.Fatal(err)
	}
	return r, func() {
		time.Sleep(5 * time.Second) // the bubble's clock
		r.look(t.Context())
	}
}

// hurry asks with a millisecond's time, as Banyan-Deadline: 1 has it; fall-backs
// that come in time are answered.
func hurry(t *testing.T, r *Route, times int) {
	t.Helper()
	for range times {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := opLook.Call(ctx, r, struct{}{}); err != nil && !fault.Is(err, fault.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		cancel()
	}
}

func answers200(*http.Request) (*http.Response, error) { return response(http.StatusOK, `{}`), nil }

func TestCallersInAHurryDoNotMakeTheGuardAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, look := watchedRoute(t, gone)
		hurry(t, r, 200)
		if look(); r.Plan().Mode != ModeCanary {
			t.Fatalf("callers who waited for a millisecond led to %v: %+v", r.Plan(), r.Status().Guard)
		}
		if o := r.Status().Operations[opLook.d.index]; o.Canary != (CanaryStats{Unjudged: 200}) || o.Remote.Calls != 0 || o.Remote.Abandoned != 200 {
			t.Errorf("counted %+v", o)
		}
	})
}

func TestCallersInAHurryDoNotHideABadRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, look := watchedRoute(t, status(http.StatusInternalServerError))
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
		if look(); r.Plan().Mode != ModeShadow {
			t.Errorf("a remote that always fails was followed: %+v", r.Status().Operations[opLook.d.index])
		}
	})
}

func TestABusyRemoteIsNoBadOne(t *testing.T) {
	for _, code := range []fault.Code{fault.Busy, fault.RateLimited} {
		synctest.Test(t, func(t *testing.T) {
			r, look := watchedRoute(t, problemOf(code))
			for range 2000 {
				if _, err := opLook.Call(t.Context(), r, struct{}{}); err != nil {
					t.Fatalf("%s was not answered here: %v", code, err)
				}
			}
			if look(); r.Plan().Mode != ModeCanary {
				t.Fatalf("%s led to %v: %+v", code, r.Plan(), r.Status().Guard)
			}
			o := r.Status().Operations[opLook.d.index]
			if o.Canary != (CanaryStats{Unjudged: 2000}) || o.Remote.Busy != 2000 || o.Remote.Failures+o.Remote.Refusals != 0 {
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
		r, look := watchedRoute(t, answers200)
		(*r.state.Load().remote.endpoints.Load())[0].transport = &process{answer: gone}
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := opLook.Call(ctx, r, struct{}{}); err != nil {
				t.Fatal(err)
			}
			cancel()
			if r.look(t.Context()); r.Plan().Mode == ModeShadow {
				return
			}
		}
		if look(); r.Plan().Mode != ModeShadow {
			t.Errorf("a remote that hangs was followed: %+v", r.Status().Operations[opLook.d.index])
		}
	})
}
