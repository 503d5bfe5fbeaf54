package seam

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

var (
	guardContract = NewContract("guarded", 1, "For tests of what is counted.")
	opLook        = Read[struct{}, struct{}](guardContract, "ask", "GET /ask", Public, "")
	opChange      = Write[struct{}, struct{}](guardContract, "tell", "PUT /tell", Public, "")
)

func nothingDone(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }

// guardedRoute has a clock that stands until it is moved, and a remote that is
// never asked: the tests write the figures themselves.
func guardedRoute(t *testing.T) (r *Route, remote *Remote, clock *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	remote, err := NewRemote(guardContract, RemoteOptions{URLs: []string{"http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	r = NewRoute(guardContract.Bind(opLook.To(nothingDone), opChange.To(nothingDone)))
	return r.With(RouteOptions{Clock: func() time.Time { return now }}), remote, &now
}

func observe(m *sideMeter, calls int, took time.Duration, err error) {
	for range calls {
		m.observe(context.Background(), took, err)
	}
}

// counted makes figures: calls of a duration, some of them failed.
func counted(calls, failed int, took time.Duration) sideCounts {
	var m sideMeter
	observe(&m, calls-failed, took, nil)
	observe(&m, failed, took, fault.New(fault.Unavailable, "away"))
	return m.counts()
}

func TestWhatTheGuardMinds(t *testing.T) {
	const ms = time.Millisecond
	plain := func(here, there sideCounts) guarded {
		return guarded{operation: "ask", here: here, there: there, hereEverSeen: here}
	}
	for _, c := range []struct {
		name string
		seen []guarded
		want []string // beginnings
	}{
		{"nothing", nil, nil},
		{"a good remote", []guarded{plain(counted(500, 0, ms), counted(500, 0, 2*ms))}, nil},
		{"failures within the bound", []guarded{plain(counted(500, 0, ms), counted(100, 2, ms))}, nil},
		{"failures beyond it", []guarded{plain(counted(500, 0, ms), counted(100, 3, ms))}, []string{"ask: 3 of 100 calls failed at the remote (3.0 %, here 0.0 %)"}},
		{"failures on both sides alike", []guarded{plain(counted(500, 50, ms), counted(100, 11, ms))}, nil},
		{"too few calls to judge", []guarded{plain(counted(500, 0, ms), counted(49, 49, ms))}, nil},
		{"fall-backs that were no failures", []guarded{{operation: "ask", here: counted(500, 0, ms), there: counted(100, 0, ms), fallbacks: 3}}, []string{"ask: 3 of 100"}},
		{"slow within factor and slack", []guarded{plain(counted(500, 0, 20*ms), counted(100, 0, 60*ms))}, nil},
		{"slow beyond", []guarded{plain(counted(500, 0, 20*ms), counted(100, 0, 150*ms))}, []string{"ask: p99 at the remote is 201 ms, here 25.2 ms"}},
		{
			"slow against how it was, when nobody is left here",
			[]guarded{{operation: "ask", there: counted(100, 0, 150*ms), hereEverSeen: counted(500, 0, ms)}},
			[]string{"ask: p99 at the remote"},
		},
		{"slow with nothing to compare with", []guarded{{operation: "ask", there: counted(100, 0, time.Second)}}, nil},
		{
			"one operation of two, which hides in the sum",
			[]guarded{plain(counted(500, 0, ms), counted(5000, 0, ms)), {operation: "tell", there: counted(50, 50, ms)}},
			[]string{"tell: 50 of 50"},
		},
		{
			"many operations, each too seldom",
			[]guarded{plain(counted(20, 0, ms), counted(30, 30, ms)), {operation: "tell", there: counted(30, 0, ms)}},
			[]string{"all operations: 30 of 60"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := GuardOptions{}.orDefaults().judge(c.seen)
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("got %q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

func TestTheGuardStepsBackFromACanary(t *testing.T) {
	r, remote, now := guardedRoute(t)
	var told []StepBack
	r.OnStepBack(func(_ context.Context, s StepBack) { told = append(told, s) })
	canary := Plan{Mode: ModeCanary, Percent: 25, Epoch: 7}
	if err := r.Set(canary, remote); err != nil {
		t.Fatal(err)
	}
	observe(&r.meters[opLook.d.index].local, 1000, time.Millisecond, nil)
	observe(&r.meters[opLook.d.index].remote, 60, time.Millisecond, nil)
	// What writes do is not the canary's: they are here.
	observe(&r.meters[opChange.d.index].remote, 60, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	if r.look(t.Context()); r.Plan() != canary {
		t.Fatalf("a good remote was left for %v", r.Plan())
	}
	observe(&r.meters[opLook.d.index].remote, 2, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	if r.look(t.Context()); r.Plan() != (Plan{Mode: ModeShadow, Percent: 25, Epoch: 7}) {
		t.Fatalf("a bad remote was followed: %v", r.Plan())
	}
	want := StepBack{
		Module: "guarded", From: canary, To: r.Plan(), At: *now,
		Why: []string{"ask: 2 of 62 calls failed at the remote (3.2 %, here 0.0 %)"},
	}
	if len(told) != 1 || !reflect.DeepEqual(told[0], want) || !reflect.DeepEqual(*r.Status().Guard.StepBack, want) {
		t.Errorf("told %+v, want %+v", told, want)
	}
	// A second try begins without the first one's figures.
	if err := r.Set(canary, nil); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Second)
	if r.look(t.Context()); r.Plan() != canary || len(told) != 1 {
		t.Errorf("the old figures counted again: %v", r.Plan())
	}
}

func TestTheGuardForgetsWhatIsBeyondItsWindow(t *testing.T) {
	r, remote, now := guardedRoute(t)
	if err := r.Set(Plan{Mode: ModeCanary, Percent: 25}, remote); err != nil {
		t.Fatal(err)
	}
	side := &r.meters[opLook.d.index].remote
	observe(side, 40, time.Millisecond, errors.New("broken")) // too few to be judged
	for range 40 {
		*now = now.Add(time.Second)
		r.look(t.Context())
	}
	observe(side, 100, time.Millisecond, nil)
	*now = now.Add(time.Second)
	if r.look(t.Context()); r.Plan().Mode != ModeCanary {
		t.Errorf("failures of 41 s ago led to %v", r.Plan())
	}
	if n := len(r.samples.kept); n > keptSamples+2 {
		t.Errorf("%d samples are kept", n)
	}
	if p := r.Status().Operations[opLook.d.index].Recent; p.Seconds < 30 || p.Seconds > 34 || p.Remote.PerSecond < 100/p.Seconds-0.01 || p.Remote.FailureRate != 0 {
		t.Errorf("lately %+v", p)
	}
}

// Going back from remote takes over the writes: the guard says what is wrong
// and leaves the step to people.
func TestTheGuardOnlyReportsInRemote(t *testing.T) {
	r, remote, now := guardedRoute(t)
	r.OnStepBack(func(_ context.Context, s StepBack) { t.Errorf("stepped back: %+v", s) })
	if err := r.Set(Plan{Mode: ModeRemote}, remote); err != nil {
		t.Fatal(err)
	}
	observe(&r.meters[opChange.d.index].remote, 60, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	r.look(t.Context())
	if s := r.Status(); s.Mode != ModeRemote || len(s.Guard.Alarms) != 1 || !strings.HasPrefix(s.Guard.Alarms[0], "tell: 60 of 60") || len(s.Verdict.Missing) != 1 {
		t.Errorf("status %+v", s)
	}
	if err := r.Set(Plan{Mode: ModeLocal}, nil); err != nil {
		t.Fatal(err)
	}
	if s := r.Status(); len(s.Guard.Alarms) != 0 {
		t.Errorf("the alarms %q are of another state", s.Guard.Alarms)
	}
}

// Nobody waits for a shadowed read: the remote's side does not try it twice.
func TestAShadowedReadIsKnownAsOne(t *testing.T) {
	c := comparedRead[struct{}, struct{}]{o: opLook}
	if ctx := t.Context(); shadowed(ctx) || !shadowed(c.detached(ctx)) {
		t.Error("a caller's read and a shadowed one are taken for each other")
	}
}

// Evidence speaks for what it was taken from: another remote or another share
// of callers begins anew, the same plan set again does not.
func TestWhenEvidenceBeginsAnew(t *testing.T) {
	r, remote, _ := guardedRoute(t)
	_, other, _ := guardedRoute(t)
	canary := func(percent float64) Plan { return Plan{Mode: ModeCanary, Percent: percent} }
	shadow := func(percent float64) Plan { return Plan{Mode: ModeShadow, Percent: percent} }
	for _, c := range []struct {
		name     string
		from, to Plan
		remote   *Remote
		anew     bool
	}{
		{"the same canary", canary(10), canary(10), remote, false},
		{"a larger canary", canary(10), canary(50), remote, true},
		{"a canary under a new epoch", canary(10), Plan{Mode: ModeCanary, Percent: 10, Epoch: 9}, remote, false},
		{"another remote", canary(10), canary(10), other, true},
		{"the same shadow", shadow(10), shadow(10), nil, false},
		{"a larger shadow", shadow(10), shadow(50), remote, false},
		{"another remote's shadow", shadow(10), shadow(10), other, true},
		{"another mode", shadow(10), canary(10), remote, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := r.Set(c.from, remote); err != nil {
				t.Fatal(err)
			}
			before := r.state.Load()
			r.meters[opLook.d.index].canary.Add(1)
			if err := r.Set(c.to, c.remote); err != nil {
				t.Fatal(err)
			}
			after := r.state.Load()
			if counts := r.counts()[opLook.d.index].since(&after.base[opLook.d.index]); (counts.canary == 0) != c.anew {
				t.Errorf("%d reads count", counts.canary)
			}
			if c.from == c.to && !c.anew && before != after {
				t.Error("setting the same made another state")
			}
			if err := r.Set(Plan{Mode: ModeLocal}, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The first to try one module are not the first to try every other.
func TestModulesDrawTheirCanariesApart(t *testing.T) {
	other := Read[struct{}, struct{}](NewContract("guarded-too", 1, ""), "look", "GET /look", Public, "")
	const callers = 200
	here, both := 0, 0
	for i := range callers {
		ctx := identity.With(t.Context(), identity.Caller{Wallet: wallet.Address{19: byte(i), 0: 1}})
		one := inCanary(ctx, opLook.d, reflect.ValueOf(struct{}{}), 0.5)
		if one {
			here++
			if inCanary(ctx, other.d, reflect.ValueOf(struct{}{}), 0.5) {
				both++
			}
		}
	}
	if both == here || both == 0 {
		t.Errorf("of %d callers %d are in one canary, and %d of these in the other", callers, here, both)
	}
}
