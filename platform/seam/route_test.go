package seam_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// The route changes between all modes while calls are under way: every call is
// answered, and none fails.
func TestARouteChangesUnderLoad(t *testing.T) {
	one, _ := serveScripted(t, &scripted{name: "one"})
	two, _ := serveScripted(t, &scripted{name: "two"})
	r := begin(t, &scripted{name: "here"}, seam.RouteOptions{})
	stop := make(chan struct{})
	var done atomic.Uint64
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := opProfile.Call(as(member), r, profileQuery{Wallet: numbered(n), Names: []string{"a"}})
				_, errWrite := opChangeIt.Call(as(member), r, numberQuery{n})
				if err := errors.Join(err, errWrite); err != nil {
					t.Errorf("a call failed while the route moved: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	for _, from := range analysis.Modes() {
		for i, to := range analysis.Modes() {
			for step, plan := range []seam.Plan{{Mode: from, Percent: 50}, {Mode: to, Percent: float64(20 * i)}} {
				remote := one
				if (step+i)%2 == 1 {
					remote = two
				}
				if err := r.Set(plan, remote); err != nil {
					t.Fatal(err)
				}
				before := done.Load()
				until(t, "calls under "+plan.String(), func() bool { return done.Load() >= before+20 || t.Failed() })
				_, _ = r.Status(), r.Verdict()
			}
		}
	}
	close(stop)
	callers.Wait()
	if s := figures(r, "profile"); s.Local.Failures+s.Remote.Failures+s.Canary.Fallbacks+s.Shadow.Failed+s.Shadow.Persistent != 0 || s.Remote.Calls == 0 || s.Local.Calls == 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestWhatARouteCanBeSetTo(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{})
	here := func() *seam.Route { return seam.NewRoute((&scripted{}).bind()) }
	away := func() *seam.Route { return seam.NewRemoteRoute(scriptedContract, remote) }
	for _, c := range []struct {
		name   string
		route  func() *seam.Route
		plan   seam.Plan
		remote *seam.Remote
		want   fault.Code
	}{
		{"no such mode", here, seam.Plan{Mode: "elsewhere"}, remote, fault.Invalid},
		{"no mode", here, seam.Plan{}, remote, fault.Invalid},
		{"below 0 %", here, seam.Plan{Mode: seam.ModeShadow, Percent: -0.1}, remote, fault.Invalid},
		{"above 100 %", here, seam.Plan{Mode: seam.ModeCanary, Percent: 100.1}, remote, fault.Invalid},
		{"no number", here, seam.Plan{Mode: seam.ModeCanary, Percent: math.NaN()}, remote, fault.Invalid},
		{"an epoch below 0", here, seam.Plan{Mode: seam.ModeRemote, Epoch: -1}, remote, fault.Invalid},
		{"shadow to nowhere", here, seam.Plan{Mode: seam.ModeShadow, Percent: 1}, nil, fault.Invalid},
		{"remote to nowhere", here, seam.Plan{Mode: seam.ModeRemote}, nil, fault.Invalid},
		{"local without an address", here, seam.Plan{Mode: seam.ModeLocal}, nil, ""},
		{"a share of local", here, seam.Plan{Mode: seam.ModeLocal, Percent: 40}, nil, ""},
		{"all of a canary", here, seam.Plan{Mode: seam.ModeCanary, Percent: 100}, remote, ""},
		{"none of a shadow", here, seam.Plan{Mode: seam.ModeShadow}, remote, ""},
		{"local without the module", away, seam.Plan{Mode: seam.ModeLocal}, remote, fault.Conflict},
		{"shadow without the module", away, seam.Plan{Mode: seam.ModeShadow, Percent: 5}, remote, fault.Conflict},
		{"canary without the module", away, seam.Plan{Mode: seam.ModeCanary, Percent: 5}, remote, fault.Conflict},
		{"remote, where it was known", away, seam.Plan{Mode: seam.ModeRemote}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.route()
			was := r.Plan()
			if err := r.Set(c.plan, c.remote); fault.CodeOf(err) != c.want {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if c.plan.Mode == seam.ModeLocal || c.plan.Mode == seam.ModeRemote {
				c.plan.Percent = 0 // means nothing there
			}
			if now := r.Plan(); c.want == "" && now != c.plan || c.want != "" && now != was {
				t.Errorf("the plan is %v after %v", now, was)
			}
		})
	}
}

// Setting what is so already must not start the evidence from zero: replicas set
// their routes again and again.
func TestSettingTheSameChangesNothing(t *testing.T) {
	remote, _ := serveScripted(t, &scripted{})
	r := begin(t, &scripted{}, seam.RouteOptions{Bounds: analysis.Bounds{Comparisons: 1, PerOperation: 1}})
	set(t, r, seam.ModeShadow, 100, remote)
	if _, err := opProfile.Call(context.Background(), r, profileQuery{Wallet: member.Wallet}); err != nil {
		t.Fatal(err)
	}
	asked(t, r, 1)
	set(t, r, seam.ModeShadow, 100, remote)
	set(t, r, seam.ModeShadow, 50, nil) // fewer comparisons do not undo those made
	if v := r.Verdict(); !v.Safe || v.Step != "canary 10 %" {
		t.Errorf("verdict %+v", v)
	}
	set(t, r, seam.ModeLocal, 0, nil)
	set(t, r, seam.ModeShadow, 100, nil)
	if v := r.Verdict(); v.Safe {
		t.Errorf("a new shadow has evidence already: %+v", v)
	}
}

// A write that the fence refuses, because the owner has changed, waits for the
// route and is done once by the new owner, in both directions.
func TestARefusedWriteFollowsTheOwner(t *testing.T) {
	gone := fault.New(fault.Conflict, "another process is the owner")
	lost := func(err error) bool { return fault.Is(err, fault.Conflict) }
	for _, c := range []struct {
		from, to seam.Mode
		by       string
	}{{seam.ModeLocal, seam.ModeRemote, "there"}, {seam.ModeCanary, seam.ModeRemote, "there"}, {seam.ModeRemote, seam.ModeLocal, "here"}, {seam.ModeRemote, seam.ModeShadow, "here"}} {
		t.Run(string(c.from)+" to "+string(c.to), func(t *testing.T) {
			refused := make(chan struct{}, 1)
			done := map[string]*atomic.Int64{"here": {}, "there": {}}
			side := func(name string) *scripted {
				return &scripted{name: name, change: func(context.Context, numberQuery) (changed, error) {
					if name != c.by {
						refused <- struct{}{}
						return changed{}, gone
					}
					done[name].Add(1)
					return changed{name}, nil
				}}
			}
			remote, _ := serveScripted(t, side("there"))
			r := begin(t, side("here"), seam.RouteOptions{Lost: lost})
			set(t, r, c.from, 0, remote)
			type result struct {
				changed
				err error
			}
			got := make(chan result)
			go func() {
				k, err := opChangeIt.Call(as(member), r, numberQuery{})
				got <- result{k, err}
			}()
			<-refused
			set(t, r, c.to, 0, remote)
			if answer := <-got; answer.err != nil || answer.By != c.by || done[c.by].Load() != 1 {
				t.Errorf("got %+v, done %d times", answer, done[c.by].Load())
			}
		})
	}
	t.Run("until its time is over", func(t *testing.T) {
		ctx, cancel := context.WithCancel(as(member))
		r := begin(t, &scripted{change: func(context.Context, numberQuery) (changed, error) {
			cancel()
			return changed{}, gone
		}}, seam.RouteOptions{Lost: lost})
		if _, err := opChangeIt.Call(ctx, r, numberQuery{}); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("but not without a word for it", func(t *testing.T) {
		r := begin(t, &scripted{change: func(context.Context, numberQuery) (changed, error) { return changed{}, gone }}, seam.RouteOptions{})
		if _, err := opChangeIt.Call(as(member), r, numberQuery{}); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}

// A write says under which epoch it was led to the remote, so that one of an
// older plan can be refused there.
func TestAWriteCarriesTheEpochOfItsPlan(t *testing.T) {
	epochs := make(chan string, 1)
	remote, server := serveScripted(t, &scripted{})
	inside := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		epochs <- req.Header.Get("Banyan-Epoch")
		inside.ServeHTTP(w, req)
	})
	r := begin(t, &scripted{}, seam.RouteOptions{})
	for _, c := range []struct {
		epoch int64
		want  string
	}{{0, ""}, {7, "7"}, {8, "8"}} {
		if err := r.Set(seam.Plan{Mode: seam.ModeRemote, Epoch: c.epoch}, remote); err != nil {
			t.Fatal(err)
		}
		if _, err := opChangeIt.Call(as(member), r, numberQuery{}); err != nil {
			t.Fatal(err)
		}
		if got := <-epochs; got != c.want {
			t.Errorf("epoch %d arrived as %q", c.epoch, got)
		}
	}
}
