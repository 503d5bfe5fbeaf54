package seam_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// The route changes between all modes while calls are under way: every call is
// answered, and none fails.
func TestARouteChangesUnderLoad(t *testing.T) {
	one, _ := lightsAt(t, &lighthouse{name: "one"})
	two, _ := lightsAt(t, &lighthouse{name: "two"})
	r := begin(t, &lighthouse{name: "here"}, seam.RouteOptions{})
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
				_, err := opLamp.Call(as(sailor), r, lampQuery{Wallet: numbered(n), Names: []string{"a"}})
				_, errWrite := opKindle.Call(as(sailor), r, lens{n})
				if err := errors.Join(err, errWrite); err != nil {
					t.Errorf("a call failed while the route moved: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	for _, from := range seam.Modes() {
		for i, to := range seam.Modes() {
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
	if s := figures(r, "lamp"); s.Local.Failures+s.Remote.Failures+s.Canary.Fallbacks+s.Shadow.Failed+s.Shadow.Lasting != 0 || s.Remote.Calls == 0 || s.Local.Calls == 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestWhatARouteCanBeSetTo(t *testing.T) {
	remote, _ := lightsAt(t, &lighthouse{})
	here := func() *seam.Route { return seam.NewRoute((&lighthouse{}).bind()) }
	away := func() *seam.Route { return seam.NewRemoteRoute(lightContract, remote) }
	for _, c := range []struct {
		name   string
		route  func() *seam.Route
		plan   seam.Plan
		remote *seam.Remote
		want   fault.Code
	}{
		{"no such mode", here, seam.Plan{Mode: "lokal"}, remote, fault.Invalid},
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

// Setting what is so already must not begin the evidence anew: replicas set
// their routes again and again.
func TestSettingTheSameChangesNothing(t *testing.T) {
	remote, _ := lightsAt(t, &lighthouse{})
	r := begin(t, &lighthouse{}, seam.RouteOptions{Bounds: seam.Bounds{Comparisons: 1, PerOperation: 1}})
	set(t, r, seam.ModeShadow, 100, remote)
	if _, err := opLamp.Call(context.Background(), r, lampQuery{Wallet: sailor.Wallet}); err != nil {
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
		t.Errorf("a new shadow knows already: %+v", v)
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
			side := func(name string) *lighthouse {
				return &lighthouse{name: name, kindle: func(context.Context, lens) (kindled, error) {
					if name != c.by {
						refused <- struct{}{}
						return kindled{}, gone
					}
					done[name].Add(1)
					return kindled{name}, nil
				}}
			}
			remote, _ := lightsAt(t, side("there"))
			r := begin(t, side("here"), seam.RouteOptions{Lost: lost})
			set(t, r, c.from, 0, remote)
			type result struct {
				kindled
				err error
			}
			got := make(chan result)
			go func() {
				k, err := opKindle.Call(as(sailor), r, lens{})
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
		ctx, cancel := context.WithCancel(as(sailor))
		r := begin(t, &lighthouse{kindle: func(context.Context, lens) (kindled, error) {
			cancel()
			return kindled{}, gone
		}}, seam.RouteOptions{Lost: lost})
		if _, err := opKindle.Call(ctx, r, lens{}); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("but not an upload, which is read already", func(t *testing.T) {
		remote, _ := lightsAt(t, &lighthouse{name: "there"}) // would take the rest for the whole
		var r *seam.Route
		r = begin(t, &lighthouse{kindle: func(context.Context, lens) (kindled, error) {
			return kindled{}, errors.Join(gone, r.Set(seam.Plan{Mode: seam.ModeRemote}, remote))
		}}, seam.RouteOptions{Lost: lost})
		if _, err := opOil.Call(as(sailor), r, manifest{Body: strings.NewReader("oil")}); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("but not without a word for it", func(t *testing.T) {
		r := begin(t, &lighthouse{kindle: func(context.Context, lens) (kindled, error) { return kindled{}, gone }}, seam.RouteOptions{})
		if _, err := opKindle.Call(as(sailor), r, lens{}); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}

// A write says under which epoch it was led to the remote, so that one of an
// older plan can be refused there.
func TestAWriteCarriesTheEpochOfItsPlan(t *testing.T) {
	epochs := make(chan string, 1)
	remote, server := lightsAt(t, &lighthouse{})
	inside := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		epochs <- req.Header.Get("Banyan-Epoch")
		inside.ServeHTTP(w, req)
	})
	r := begin(t, &lighthouse{}, seam.RouteOptions{})
	for _, c := range []struct {
		epoch int64
		want  string
	}{{0, ""}, {7, "7"}, {8, "8"}} {
		if err := r.Set(seam.Plan{Mode: seam.ModeRemote, Epoch: c.epoch}, remote); err != nil {
			t.Fatal(err)
		}
		if _, err := opKindle.Call(as(sailor), r, lens{}); err != nil {
			t.Fatal(err)
		}
		if got := <-epochs; got != c.want {
			t.Errorf("epoch %d arrived as %q", c.epoch, got)
		}
	}
}
