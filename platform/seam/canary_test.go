package seam_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/wallet"
)

// twoAnswers returns a route whose answers say where they were made.
func twoAnswers(t *testing.T) (*seam.Route, *seam.Remote) {
	remote, _ := serveScripted(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) { return profile{Place: "there"}, nil }})
	r := begin(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) { return profile{Place: "here"}, nil }}, seam.RouteOptions{})
	return r, remote
}

func placeOf(t *testing.T, r *seam.Route, c identity.Caller, q profileQuery) string {
	t.Helper()
	got, err := opProfile.Call(as(c), r, q)
	if err != nil {
		t.Fatal(err)
	}
	return got.Place
}

func numbered(n int) wallet.Address { return wallet.Address{18: byte(n >> 8), 19: byte(n)} }

// Everybody stays where they are at each call, and who is in stays in while the
// share grows to all.
func TestACanaryIsStickyAndOnlyGrows(t *testing.T) {
	for name, call := range map[string]func(int) (identity.Caller, profileQuery){
		"people by their wallet": func(i int) (identity.Caller, profileQuery) {
			return identity.Caller{Wallet: numbered(i), Role: identity.Member}, profileQuery{Wallet: member.Wallet}
		},
		"programs by their name": func(i int) (identity.Caller, profileQuery) {
			return identity.Caller{Subject: numbered(i).String(), Role: identity.Member}, profileQuery{Wallet: member.Wallet}
		},
		"nobody by the wallet asked about": func(i int) (identity.Caller, profileQuery) {
			return identity.Caller{}, profileQuery{Wallet: numbered(i + 1)}
		},
		"modules by the wallet asked about": func(i int) (identity.Caller, profileQuery) {
			return identity.Caller{Service: "airdrop"}, profileQuery{Wallet: numbered(i + 1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, remote := twoAnswers(t)
			const callers = 300
			in := make([]bool, callers)
			for _, percent := range []float64{0, 10, 50, 100} {
				set(t, r, seam.ModeCanary, percent, remote)
				there := 0
				for i := range callers {
					who, q := call(i)
					place := placeOf(t, r, who, q)
					q.Mark = "another question"
					if again := placeOf(t, r, who, q); again != place {
						t.Fatalf("%v was %s and then %s", who, place, again)
					}
					if in[i] && place == "here" {
						t.Fatalf("%v was taken back at %g %%", who, percent)
					}
					if in[i] = place == "there"; in[i] {
						there++
					}
				}
				share := percent / 100
				spread := 5 * math.Sqrt(callers*share*(1-share)) // five standard deviations; none at 0 and 100 %
				if math.Abs(float64(there)-callers*share) > spread {
					t.Errorf("at %g %% there were %d of %d", percent, there, callers)
				}
			}
		})
	}
}

// Without a wallet anywhere the whole question decides: equal questions go to
// one place.
func TestACanaryOfAnonymousQuestions(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{numberQuery: func(_ context.Context, q numberQuery) (number, error) { return number{-1 - q.N}, nil }})
	r := begin(t, &scripted{}, seam.RouteOptions{})
	set(t, r, seam.ModeCanary, 50, remote)
	there := 0
	for n := 1; n <= 200; n++ {
		first, err1 := opNumber.Call(context.Background(), r, numberQuery{n})
		second, err2 := opNumber.Call(context.Background(), r, numberQuery{n})
		if err1 != nil || err2 != nil || first != second {
			t.Fatalf("question %d was answered %v and %v; %v %v", n, first, second, err1, err2)
		}
		if first.N < 0 {
			there++
		}
	}
	if there < 65 || there > 135 { // five standard deviations
		t.Errorf("of 200 questions %d went to the remote at 50 %%", there)
	}
}

func TestACanaryFallsBackWhenTheRemoteFails(t *testing.T) {
	hang := make(chan struct{})
	for name, c := range map[string]struct {
		far      http.HandlerFunc
		fallback bool
		want     fault.Code
		unjudged bool // it says nothing about the remote
	}{
		"it hangs":      {func(http.ResponseWriter, *http.Request) { <-hang }, true, "", false},
		"it panics":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, "", false},
		"it is garbled": {says("{"), true, "", false},
		"internal":      {problem(fault.Internal), true, "", false},
		"unavailable":   {problem(fault.Unavailable), true, "", false},
		"deadline over": {problem(fault.DeadlineExceeded), true, "", false},
		"other release": {problem(fault.Unsupported), true, "", false},
		"rate limited":  {problem(fault.RateLimited), true, "", true},
		"busy":          {problem(fault.Busy), true, "", true},
		"not found":     {problem(fault.NotFound), false, fault.NotFound, false},
		"conflict":      {problem(fault.Conflict), false, fault.Conflict, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.far)
			defer server.Close()
			var o seam.RouteOptions
			if name == "it hangs" {
				defer close(hang)
				o.CanaryTimeout = 50 * time.Millisecond
			}
			r := begin(t, &scripted{}, o)
			set(t, r, seam.ModeCanary, 100, scriptedRemote(t, server.URL))
			got, err := opProfile.Call(as(member), r, profileQuery{Wallet: member.Wallet})
			if fault.CodeOf(err) != c.want || c.fallback && got.Place != "north" {
				t.Errorf("got %+v, %v", got, err)
			}
			f := figures(r, "profile")
			want := analysis.CanaryStats{Remote: 1}
			if c.fallback {
				want.Fallbacks = 1
			}
			if c.unjudged {
				want = analysis.CanaryStats{Unjudged: 1}
			}
			if f.Canary != want || f.Local.Calls == 1 != c.fallback || f.Remote.Calls != want.Remote || f.Remote.Busy != want.Unjudged {
				t.Errorf("counted %+v", f)
			}
		})
	}
}

func problem(code fault.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Banyan-Contract", "1")
		fault.WriteProblem(w, fault.New(code, "as asked"), "")
	}
}

// The remote gets a part of the caller's time only: the answer from here comes
// within the deadline.
func TestAFallBackIsWithinTheCallersDeadline(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	r := begin(t, &scripted{profile: func(ctx context.Context, _ profileQuery) (profile, error) { return profile{Place: "here"}, ctx.Err() }},
		seam.RouteOptions{CanaryTimeout: time.Hour})
	set(t, r, seam.ModeCanary, 100, scriptedRemote(t, server.URL))
	ctx, cancel := context.WithTimeout(as(member), 2*time.Second)
	defer cancel()
	if got, err := opProfile.Call(ctx, r, profileQuery{}); err != nil || got.Place != "here" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A caller who has gone is not answered from here.
func TestNoFallBackForACallerWhoHasGone(t *testing.T) {
	ctx, leave := context.WithCancel(as(member))
	remote, _ := serveScripted(t, &scripted{profile: func(ctx context.Context, _ profileQuery) (profile, error) {
		leave()
		<-ctx.Done()
		return profile{}, ctx.Err()
	}})
	r := begin(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) {
		return profile{}, errors.New("asked for nobody")
	}}, seam.RouteOptions{})
	set(t, r, seam.ModeCanary, 100, remote)
	if _, err := opProfile.Call(ctx, r, profileQuery{Wallet: member.Wallet}); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
	late, cancel := context.WithTimeout(as(member), -time.Second)
	defer cancel()
	if _, err := opProfile.Call(late, r, profileQuery{Wallet: member.Wallet}); !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if f := figures(r, "profile"); f.Local.Calls != 0 || f.Canary.Fallbacks != 0 {
		t.Errorf("counted %+v", f)
	}
}
