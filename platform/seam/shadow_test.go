package seam_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/requestctx"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// asked waits until n sampled reads of profile have come to their end.
func asked(t *testing.T, r *seam.Route, n uint64) analysis.ShadowStats {
	t.Helper()
	until(t, fmt.Sprintf("%d reads compared", n), func() bool {
		s := figures(r, "profile").Shadow
		return s.Compared+s.Errors+s.Failed+s.Dropped >= n
	})
	return figures(r, "profile").Shadow
}

// What the shadow finds for each way in which a remote can answer. The caller
// has this process's answer every time.
func TestTheShadowCountsHowTheRemoteAnswers(t *testing.T) {
	right := profile{Place: "north", Parts: []part{{0.5, 3}, {1.5, 4}}, TookMS: 1}
	wrong := profile{Place: "north", Parts: []part{{0.5, 3}, {1.5, 5}}, TookMS: 1}
	near := profile{Place: "north", Parts: []part{{0.5, 3}, {1.5, 4}}, TookMS: 99}
	answers := func(a profile, err error) func(int64) (profile, error) {
		return func(int64) (profile, error) { return a, err }
	}
	for name, c := range map[string]struct {
		here, there func(question int64) (profile, error) // the first question is 1
		want        analysis.ShadowStats
		paths       []string
	}{
		"the same": {answers(right, nil), answers(right, nil), analysis.ShadowStats{Compared: 1, Matched: 1}, nil},
		"beside an ignored field": {
			answers(right, nil), answers(near, nil), analysis.ShadowStats{Compared: 1, Matched: 1}, nil,
		},
		"one field wrong": {answers(right, nil), answers(wrong, nil), analysis.ShadowStats{Compared: 1, Persistent: 1}, []string{"parts[1].range"}},
		"late by one write": {
			answers(right, nil),
			func(question int64) (profile, error) {
				if question == 1 {
					return wrong, nil
				}
				return right, nil
			},
			analysis.ShadowStats{Compared: 1, Transient: 1},
			[]string{"parts[1].range"},
		},
		"the same error in other words": {
			answers(profile{}, fault.New(fault.NotFound, "not here")), answers(profile{}, fault.New(fault.NotFound, "not there")),
			analysis.ShadowStats{Errors: 1},
			nil,
		},
		"the same thing missing": {
			answers(profile{}, fault.NoSuch("profile", "no profile")), answers(profile{}, fault.NoSuch("profile", "no profile over there")),
			analysis.ShadowStats{Errors: 1},
			nil,
		},
		"another thing missing": {
			answers(profile{}, fault.NoSuch("profile", "no profile")), answers(profile{}, fault.NoSuch("group", "no group")),
			analysis.ShadowStats{Compared: 1, Persistent: 1},
			[]string{"error.missing"},
		},
		"something missing in a release that does not say what": {
			answers(profile{}, fault.NoSuch("profile", "no profile")), answers(profile{}, fault.New(fault.NotFound, "nothing")),
			analysis.ShadowStats{Errors: 1},
			nil,
		},
		"another error": {
			answers(profile{}, fault.New(fault.NotFound, "not here")), answers(profile{}, fault.New(fault.Conflict, "not there")),
			analysis.ShadowStats{Compared: 1, Persistent: 1},
			[]string{"error"},
		},
		"an error instead of an answer": {
			answers(right, nil), answers(profile{}, fault.New(fault.NotFound, "not there")),
			analysis.ShadowStats{Compared: 1, Persistent: 1},
			[]string{"error"},
		},
		"failing": {answers(right, nil), answers(profile{}, fault.New(fault.Internal, "broken")), analysis.ShadowStats{Failed: 1}, nil},
		"failing when it is asked again": {answers(right, nil), func(question int64) (profile, error) {
			if question == 1 {
				return wrong, nil
			}
			return profile{}, fault.New(fault.Unavailable, "away")
		}, analysis.ShadowStats{Failed: 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var here, there atomic.Int64
			remote, _ := serveScripted(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) { return c.there(there.Add(1)) }})
			r := begin(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) { return c.here(here.Add(1)) }}, seam.RouteOptions{})
			set(t, r, seam.ModeShadow, 100, remote)
			wantAnswer, wantErr := c.here(1)
			if got, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); !reflect.DeepEqual(got, wantAnswer) || fault.CodeOf(err) != fault.CodeOf(wantErr) {
				t.Errorf("the caller got %+v, %v", got, err)
			}
			got := asked(t, r, 1)
			got.P50, got.P99, got.LastFailure = 0, 0, ""
			if got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
			var paths []string
			found, err := r.Differences("profile")
			for _, d := range found {
				for _, f := range d.Fields {
					paths = append(paths, f.Path)
				}
				if d.Persistent != (c.want.Persistent == 1) {
					t.Errorf("persistent %v", d.Persistent)
				}
			}
			if err != nil || !slices.Equal(paths, c.paths) {
				t.Errorf("differs at %q, want %q; %v", paths, c.paths, err)
			}
		})
	}
}

// A remote that hangs, is gone, panics or answers garbage is counted, and no
// caller notices: neither in the answer nor by waiting for it.
func TestTheShadowNeverReachesACaller(t *testing.T) {
	release := make(chan struct{})
	for name, far := range map[string]http.HandlerFunc{
		"hangs":           func(_ http.ResponseWriter, req *http.Request) { <-release },
		"panics":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"is not JSON":     says("<html>"),
		"has wrong types": says(`{"parts": "many"}`),
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Banyan-Contract", "1")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"place": `))
		},
		"is not a module": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "teapot", http.StatusTeapot) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(far)
			defer server.Close()
			hangs := name == "hangs"
			if hangs {
				defer close(release) // before the server waits for its handlers
			}
			r := begin(t, &scripted{}, seam.RouteOptions{Shadow: seam.ShadowOptions{Workers: 2, Queue: 4, Timeout: 50 * time.Millisecond}})
			set(t, r, seam.ModeShadow, 100, scriptedRemote(t, server.URL))
			const calls = 100
			for range calls { // were one to wait for the remote, its deadline would be over
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				got, err := opProfile.Call(ctx, r, profileQuery{Wallet: member.Wallet})
				cancel()
				if err != nil || got.Place != "north" {
					t.Fatalf("the caller got %+v, %v", got, err)
				}
			}
			s := asked(t, r, calls)
			if s.Matched+s.Transient != 0 || s.Failed+s.Persistent == 0 || hangs && s.Dropped == 0 {
				t.Errorf("counted %+v", s)
			}
			if there := figures(r, "profile").Remote.Calls; there != 0 {
				t.Errorf("%d callers were led to the remote", there)
			}
		})
	}
}

// says is a remote that answers in the module's form, with other content.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Banyan-Contract", "1")
		_, _ = w.Write([]byte(text))
	}
}

// The remote sees who asked and under which request, and nothing of the
// caller's time: that is over.
func TestAShadowedReadCarriesTheCallerBeyondItsContext(t *testing.T) {
	type seen struct {
		who identity.Caller
		err error
	}
	saw := make(chan seen, 1)
	answered := make(chan struct{})
	remote, server := serveScripted(t, &scripted{profile: func(ctx context.Context, q profileQuery) (profile, error) {
		<-answered
		saw <- seen{who: identity.From(ctx), err: ctx.Err()}
		return profile{Place: "north", Parts: []part{{0.5, 3}}, Names: q.Names}, nil
	}})
	inside := server.Config.Handler
	requests := make(chan string, 1)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests <- req.Header.Get("X-Request-Id")
		inside.ServeHTTP(w, req)
	})
	r := begin(t, &scripted{}, seam.RouteOptions{})
	set(t, r, seam.ModeShadow, 100, remote)
	ctx, cancel := context.WithTimeout(requestctx.WithID(as(member), "request-7"), time.Minute)
	if _, err := opProfile.Call(ctx, r, profileQuery{Wallet: member.Wallet}); err != nil {
		t.Fatal(err)
	}
	cancel()
	close(answered)
	// Everybody may ask this, so a process that is only compared gets nobody's role;
	// and its token is for reads alone.
	if got := <-saw; got.who != (identity.Caller{Wallet: member.Wallet}) || got.err != nil {
		t.Errorf("the remote saw %+v", got)
	}
	if id := <-requests; id != "request-7" {
		t.Errorf("the remote saw the request id %q", id)
	}
	if s := asked(t, r, 1); s.Matched != 1 {
		t.Errorf("counted %+v", s)
	}
}

// The caller owns what it has asked and got: it may change both at once. The
// race detector watches.
func TestACallerMayChangeItsAnswerAndRequest(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{})
	r := begin(t, &scripted{}, seam.RouteOptions{})
	set(t, r, seam.ModeShadow, 100, remote)
	const calls = 50
	for range calls {
		q := profileQuery{Wallet: member.Wallet, Names: []string{"one"}}
		got, err := opProfile.Call(context.Background(), r, q)
		if err != nil {
			t.Fatal(err)
		}
		got.Parts[0] = part{9, 9}
		got.Names[0] = "nobody" // is q.Names, too
	}
	if s := asked(t, r, calls); s.Matched != calls {
		t.Errorf("counted %+v", s)
	}
}

func TestOnlyAShareIsShadowed(t *testing.T) {
	var asks atomic.Int64
	remote, _ := serveScripted(t, &scripted{profile: func(_ context.Context, q profileQuery) (profile, error) {
		asks.Add(1)
		return profile{Place: "north", Parts: []part{{0.5, 3}}, Names: q.Names}, nil
	}})
	turn := 0
	r := begin(t, &scripted{}, seam.RouteOptions{Random: func() float64 { turn++; return float64(turn%100) / 100 }})
	set(t, r, seam.ModeShadow, 7, remote)
	for range 200 {
		if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
			t.Fatal(err)
		}
	}
	if s := asked(t, r, 14); s.Matched != 14 || asks.Load() != 14 {
		t.Errorf("of 200 reads at 7 %% the remote saw %d, counted %+v", asks.Load(), s)
	}
}

// Writes and streams have one place in every state but remote.
func TestWritesAndStreamsAreNotRepeated(t *testing.T) {
	there := &scripted{name: "there", change: func(context.Context, numberQuery) (changed, error) {
		t.Error("a write went to the remote")
		return changed{"there"}, nil
	}}
	remote, _ := serveScripted(t, there)
	r := begin(t, &scripted{name: "here"}, seam.RouteOptions{})
	for _, mode := range []seam.Mode{seam.ModeShadow, seam.ModeCanary} {
		set(t, r, mode, 100, remote)
		if got, err := opChangeIt.Call(context.Background(), r, numberQuery{}); err != nil || got.By != "here" {
			t.Errorf("%s: a write gave %+v, %v", mode, got, err)
		}
		stream, err := opExport.Call(context.Background(), r, nothing{})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := stream.Write(&text); err != nil || text.String() != "here" {
			t.Errorf("%s: a stream gave %q, %v", mode, text.String(), err)
		}
	}
	if there.exports.Load() != 0 {
		t.Error("a stream was asked of the remote")
	}
}

// The owner of Run waits for what Run began; what was still queued is counted.
func TestRunEndsWithNothingLeft(t *testing.T) {
	hanging := make(chan struct{})
	remote, _ := serveScripted(t, &scripted{profile: func(ctx context.Context, _ profileQuery) (profile, error) {
		hanging <- struct{}{}
		<-ctx.Done()
		return profile{}, ctx.Err()
	}})
	r := seam.NewRoute((&scripted{}).bind()).With(seam.RouteOptions{Shadow: seam.ShadowOptions{Workers: 1, Timeout: time.Hour}})
	set(t, r, seam.ModeShadow, 100, remote)
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	for range 5 {
		if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
			t.Fatal(err)
		}
	}
	<-hanging
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := figures(r, "profile").Shadow; s.Dropped != 5 || s.Failed != 0 {
		t.Errorf("counted %+v", s)
	}
}

// What a remote that the route has left still answers says nothing: neither
// what it was asked before the move, nor what waited to be asked.
func TestAMoveEndsTheComparisonsOfBefore(t *testing.T) {
	asking, answer := make(chan struct{}, 3), make(chan struct{})
	remote, _ := serveScripted(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) {
		asking <- struct{}{}
		<-answer
		return profile{Place: "north", Parts: []part{{0.5, 3}}}, nil
	}})
	r := begin(t, &scripted{}, seam.RouteOptions{Shadow: seam.ShadowOptions{Workers: 1, Timeout: time.Minute}})
	set(t, r, seam.ModeShadow, 100, remote)
	for range 3 {
		if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
			t.Fatal(err)
		}
	}
	<-asking
	set(t, r, seam.ModeLocal, 0, nil)
	close(answer)
	if s := asked(t, r, 3); s.Dropped != 3 || len(asking) != 0 {
		t.Errorf("counted %+v, and asked %d times more", s, len(asking))
	}
}

// A read whose caller has gone was not answered: there is nothing to compare.
func TestAReadWhoseCallerHasGoneIsNotCompared(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{profile: func(context.Context, profileQuery) (profile, error) {
		t.Error("the remote was asked")
		return profile{}, nil
	}})
	ctx, leave := context.WithCancel(context.Background())
	r := begin(t, &scripted{profile: func(ctx context.Context, _ profileQuery) (profile, error) {
		leave()
		return profile{}, ctx.Err()
	}}, seam.RouteOptions{})
	set(t, r, seam.ModeShadow, 100, remote)
	if _, err := opProfile.Call(ctx, r, profileQuery{Wallet: member.Wallet}); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
	if s := asked(t, r, 1); s.Dropped != 1 {
		t.Errorf("counted %+v", s)
	}
}

// A side that has no room for a question has not answered differently, and has
// not failed either.
func TestABusySideIsNotCompared(t *testing.T) {
	full := func(context.Context, profileQuery) (profile, error) {
		return profile{}, fault.New(fault.Busy, "no room")
	}
	for name, c := range map[string]struct {
		here, there func(context.Context, profileQuery) (profile, error)
	}{
		"there": {nil, full}, "here": {full, nil}, "on both sides": {full, full},
	} {
		t.Run(name, func(t *testing.T) {
			remote, _ := serveScripted(t, &scripted{profile: c.there})
			r := begin(t, &scripted{profile: c.here}, seam.RouteOptions{})
			set(t, r, seam.ModeShadow, 100, remote)
			if _, err := opProfile.Call(as(member), r, profileQuery{}); err != nil && !fault.Is(err, fault.Busy) {
				t.Fatal(err)
			}
			until(t, "the question is left out", func() bool { return figures(r, "profile").Shadow.Dropped == 1 })
			if s := figures(r, "profile").Shadow; s.Failed+s.Compared != 0 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}
