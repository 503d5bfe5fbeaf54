package seam

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"banyan/platform/identity"
	"banyan/platform/seam/analysis"
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

func observe(m *analysis.SideMeter, calls int, took time.Duration, err error) {
	for range calls {
		m.Observe(context.Background(), took, err)
	}
}

func TestTheGuardMovesBackFromACanary(t *testing.T) {
	r, remote, now := guardedRoute(t)
	var told []analysis.Rollback
	r.OnRollback(func(_ context.Context, s analysis.Rollback) { told = append(told, s) })
	canary := Plan{Mode: ModeCanary, Percent: 25, Epoch: 7}
	if err := r.Set(canary, remote); err != nil {
		t.Fatal(err)
	}
	observe(&r.meters[opLook.d.index].Local, 1000, time.Millisecond, nil)
	observe(&r.meters[opLook.d.index].Remote, 60, time.Millisecond, nil)
	// What writes do is not the canary's: they are here.
	observe(&r.meters[opChange.d.index].Remote, 60, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	if r.check(t.Context()); r.Plan() != canary {
		t.Fatalf("a good remote was left for %v", r.Plan())
	}
	observe(&r.meters[opLook.d.index].Remote, 2, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	if r.check(t.Context()); r.Plan() != (Plan{Mode: ModeShadow, Percent: 25, Epoch: 7}) {
		t.Fatalf("a bad remote was followed: %v", r.Plan())
	}
	want := analysis.Rollback{
		Module: "guarded", From: canary, To: r.Plan(), At: *now,
		Why: []string{"ask: 2 of 62 calls failed at the remote (3.2 %, here 0.0 %)"},
	}
	if len(told) != 1 || !reflect.DeepEqual(told[0], want) || !reflect.DeepEqual(*r.Status().Guard.Rollback, want) {
		t.Errorf("told %+v, want %+v", told, want)
	}
	// A second try begins without the first one's figures.
	if err := r.Set(canary, nil); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Second)
	if r.check(t.Context()); r.Plan() != canary || len(told) != 1 {
		t.Errorf("the old figures counted again: %v", r.Plan())
	}
}

func TestTheGuardForgetsWhatIsBeyondItsWindow(t *testing.T) {
	r, remote, now := guardedRoute(t)
	if err := r.Set(Plan{Mode: ModeCanary, Percent: 25}, remote); err != nil {
		t.Fatal(err)
	}
	side := &r.meters[opLook.d.index].Remote
	observe(side, 40, time.Millisecond, errors.New("broken")) // too few to be judged
	for range 40 {
		*now = now.Add(time.Second)
		r.check(t.Context())
	}
	observe(side, 100, time.Millisecond, nil)
	*now = now.Add(time.Second)
	if r.check(t.Context()); r.Plan().Mode != ModeCanary {
		t.Errorf("failures of 41 s ago led to %v", r.Plan())
	}
	if p := r.Status().Operations[opLook.d.index].Recent; p.Seconds < 30 || p.Seconds > 34 || p.Remote.PerSecond < 100/p.Seconds-0.01 || p.Remote.FailureRate != 0 {
		t.Errorf("lately %+v", p)
	}
}

// Going back from remote takes over the writes: the guard says what is wrong
// and leaves the decision to people.
func TestTheGuardOnlyReportsInRemote(t *testing.T) {
	r, remote, now := guardedRoute(t)
	r.OnRollback(func(_ context.Context, s analysis.Rollback) { t.Errorf("stepped back: %+v", s) })
	if err := r.Set(Plan{Mode: ModeRemote}, remote); err != nil {
		t.Fatal(err)
	}
	observe(&r.meters[opChange.d.index].Remote, 60, time.Millisecond, errors.New("broken"))
	*now = now.Add(time.Second)
	r.check(t.Context())
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

// Evidence counts for what it was taken from: another remote or another share
// of callers starts from zero, the same plan set again does not.
func TestWhenEvidenceStartsFromZero(t *testing.T) {
	r, remote, _ := guardedRoute(t)
	_, other, _ := guardedRoute(t)
	canary := func(percent float64) Plan { return Plan{Mode: ModeCanary, Percent: percent} }
	shadow := func(percent float64) Plan { return Plan{Mode: ModeShadow, Percent: percent} }
	for _, c := range []struct {
		name     string
		from, to Plan
		remote   *Remote
		restarts bool
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
			r.meters[opLook.d.index].Canary.Add(1)
			if err := r.Set(c.to, c.remote); err != nil {
				t.Fatal(err)
			}
			after := r.state.Load()
			if counts := r.counts()[opLook.d.index].Since(&after.base[opLook.d.index]); (counts.Canary == 0) != c.restarts {
				t.Errorf("%d reads count", counts.Canary)
			}
			if c.from == c.to && !c.restarts && before != after {
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
