package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/page"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

var (
	operator = identity.Caller{Subject: "ada", Role: identity.Operator}
	away     = []string{"http://10.0.0.7:8081"}
	noon     = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	quiet    = slog.New(slog.NewTextHandler(io.Discard, nil))
)

// fakeRoute stands for a module's route and its hand-over.
type fakeRoute struct {
	mu       sync.Mutex
	now      rollout.Plan
	applied  int
	followed int
	refuse   error
	meantime func() // runs inside Apply
	moved    chan rollout.Plan
}

func newFakeRoute() *fakeRoute { return &fakeRoute{moved: make(chan rollout.Plan, 100)} }

func (r *fakeRoute) lead(count *int, p rollout.Plan) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	*count++
	if r.refuse != nil {
		return r.refuse
	}
	if r.meantime != nil && count == &r.applied {
		r.meantime()
	}
	r.now = p
	r.moved <- p
	return nil
}

func (r *fakeRoute) apply(_ context.Context, p rollout.Plan) error  { return r.lead(&r.applied, p) }
func (r *fakeRoute) follow(_ context.Context, p rollout.Plan) error { return r.lead(&r.followed, p) }

func (r *fakeRoute) refuseWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = err
}

func (r *fakeRoute) state() (now rollout.Plan, applied, followed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, r.applied, r.followed
}

// awaitMove waits until the route follows a plan that satisfies want.
func (r *fakeRoute) awaitMove(t *testing.T, want func(rollout.Plan) bool) rollout.Plan {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case p := <-r.moved:
			if want(p) {
				return p
			}
		case <-deadline.C:
			t.Fatal("the route did not follow")
		}
	}
}

func open(t *testing.T, db *database.DB, configured rollout.Place, r *fakeRoute) *rollout.Controller {
	t.Helper()
	c, err := rollout.Open(t.Context(), db, rollout.Options{
		Modules: []rollout.Managed{{
			Name: "reputation", Configured: configured, Apply: r.apply, Follow: r.follow,
			Status: func() rollout.Status {
				return rollout.Status{Status: seam.Status{Module: "reputation"}, Ownership: ownership.Claim{Epoch: 7, Owner: "trunk"}}
			},
			Differences: func(operation string) ([]seam.Difference, error) {
				if operation != "score" {
					return nil, fault.New(fault.NotFound, "no such operation")
				}
				return []seam.Difference{{Request: json.RawMessage(`{"wallet":"0x1"}`), Local: json.RawMessage("1"), Remote: json.RawMessage("2")}}, nil
			},
		}},
		Clock: func() time.Time { return noon }, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs a Control as its own task until the test ends.
func run(t *testing.T, c *rollout.Controller) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func audit(t *testing.T, c *rollout.Controller) []rollout.Entry {
	t.Helper()
	s, err := client(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Audit
}

func client(c *rollout.Controller) rollout.Client {
	return rollout.NewClient(seam.NewRoute(rollout.Bind(c)))
}

func local() rollout.Place { return rollout.Place{Mode: seam.ModeLocal} }

func version(n int64) *int64 { return &n }

// exec changes the database behind the Control's back.
func exec(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSetAppliesPersistsAndAudits(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{
			Mode: seam.ModeShadow, Percent: 12.5, URLs: []string{"http://10.0.0.7:8081/", "http://10.0.0.7:8081"}, Why: "a first look",
		}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, IfVersion: version(1)})
		if err != nil {
			t.Fatal(err)
		}
		want := rollout.Plan{
			Module: "reputation", Place: rollout.Place{Mode: seam.ModeRemote, URLs: away},
			Version: 2, ChangedBy: "ada", ChangedMS: noon.UnixMilli(),
		}
		if stored, err := c.Plan(t.Context(), "reputation"); err != nil || !reflect.DeepEqual(stored, want) || !reflect.DeepEqual(got, want) {
			t.Errorf("stored %+v, answered %+v, want %+v (%v)", stored, got, want, err)
		}
		now, applied, followed := route.state()
		if !reflect.DeepEqual(now, want) || applied != 2 || followed != 0 {
			t.Errorf("the route is at %+v after %d applied and %d followed", now, applied, followed)
		}
		shadow := rollout.Place{Mode: seam.ModeShadow, Percent: 12.5, URLs: away}
		wantAudit := []rollout.Entry{
			{Version: 2, AtMS: noon.UnixMilli(), Who: "ada", From: shadow, To: want.Place},
			{Version: 1, AtMS: noon.UnixMilli(), Who: "ada", From: local(), To: shadow, Why: "a first look"},
		}
		if got := audit(t, c); !reflect.DeepEqual(got, wantAudit) {
			t.Errorf("audit\n %+v, want\n %+v", got, wantAudit)
		}
		if again, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote}); err != nil || again.Version != 2 {
			t.Errorf("asking for what is there made version %d (%v)", again.Version, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	route := newFakeRoute()
	db := databasetest.SQLite(t, "routes")
	c := open(t, db, local(), route)
	for _, k := range []struct {
		name   string
		module string
		by     identity.Caller
		change rollout.Change
		code   fault.Code
		field  string
	}{
		{"an unknown module", "market", operator, rollout.Change{Mode: seam.ModeLocal}, fault.NotFound, ""},
		{"a member", "reputation", identity.Caller{Role: identity.Member}, rollout.Change{Mode: seam.ModeRemote, URLs: away}, fault.Forbidden, ""},
		{"a module", "reputation", identity.Caller{Service: "airdrop"}, rollout.Change{Mode: seam.ModeRemote, URLs: away}, fault.Forbidden, ""},
		{"an unknown mode", "reputation", operator, rollout.Change{Mode: "far", URLs: away}, fault.Invalid, "mode"},
		{"no mode", "reputation", operator, rollout.Change{URLs: away}, fault.Invalid, "mode"},
		{"over a hundred", "reputation", operator, rollout.Change{Mode: seam.ModeCanary, Percent: 100.1, URLs: away}, fault.Invalid, "percent"},
		{"below zero", "reputation", operator, rollout.Change{Mode: seam.ModeShadow, Percent: -1, URLs: away}, fault.Invalid, "percent"},
		{"a share of remote", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, Percent: 10, URLs: away}, fault.Invalid, "percent"},
		{"no url", "reputation", operator, rollout.Change{Mode: seam.ModeShadow, Percent: 10}, fault.Invalid, "urls"},
		{"a url with a path", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"http://a/b"}}, fault.Invalid, "urls"},
		{"a url with a password", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"http://u:p@a"}}, fault.Invalid, "urls"},
		{"another scheme", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: []string{"ftp://a"}}, fault.Invalid, "urls"},
		{"too many urls", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: slices.Repeat(away, 17)}, fault.Invalid, "urls"},
		{"a reason of two lines", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, Why: "a\nb"}, fault.Invalid, "why"},
		{"a long reason", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, Why: strings.Repeat("é", 501)}, fault.Invalid, "why"},
		{"an old version", "reputation", operator, rollout.Change{Mode: seam.ModeRemote, URLs: away, IfVersion: version(3)}, fault.Conflict, ""},
	} {
		_, err := c.Set(t.Context(), k.by, k.module, k.change)
		f := fault.From(err)
		if f == nil || f.Code != k.code || (k.field != "" && (len(f.Fields) != 1 || f.Fields[0].Name != k.field)) {
			t.Errorf("%s: %v, want %s of the field %q", k.name, err, k.code, k.field)
		}
	}
	if _, applied, _ := route.state(); applied != 0 || len(audit(t, c)) != 0 {
		t.Error("a refused change was applied or audited")
	}
	if _, err := rollout.Open(t.Context(), db, rollout.Options{Modules: []rollout.Managed{{Name: "a"}, {Name: "a"}}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("two modules of one name: %v", err)
	}
}

func TestWhatCannotBeAppliedIsNotKept(t *testing.T) {
	route := newFakeRoute()
	c := open(t, databasetest.SQLite(t, "routes"), local(), route)
	route.refuse = fault.New(fault.Unavailable, "nobody answers there")
	if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away}); !errors.Is(err, route.refuse) {
		t.Errorf("Set failed with %v, want what Apply said", err)
	}
	if p, err := c.Plan(t.Context(), "reputation"); err != nil || p.Version != 0 || !p.Configured || len(audit(t, c)) != 0 {
		t.Errorf("kept %+v (%v)", p, err)
	}
}

func TestWhatCannotBeKeptIsTakenBack(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 5, URLs: away}); err != nil {
			t.Fatal(err)
		}
		exec(t, db, `ALTER TABLE route_audit RENAME TO hidden`)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote}); err == nil {
			t.Error("a change without an audit entry was taken")
		}
		exec(t, db, `ALTER TABLE hidden RENAME TO route_audit`)
		stored, err := c.Plan(t.Context(), "reputation")
		now, _, followed := route.state()
		if err != nil || stored.Mode != seam.ModeShadow || stored.Version != 1 || now.Mode != seam.ModeShadow || followed != 1 {
			t.Errorf("stored %+v, the route is at %+v (%v)", stored, now, err)
		}
	})
}

// TestTwoAtOnce has two replicas apply a change at the same time: one is kept,
// the other replica hears of it and follows the winner.
func TestTwoAtOnce(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		slow, fast := newFakeRoute(), newFakeRoute()
		a, b := open(t, db, local(), slow), open(t, databasetest.Again(t, db), local(), fast)
		slow.meantime = func() {
			if _, err := b.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 10, URLs: away}); err != nil {
				t.Error(err)
			}
		}
		_, err := a.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("the slower one got %v", err)
		}
		if now, _, _ := slow.state(); now.Mode != seam.ModeCanary || now.Version != 1 {
			t.Errorf("the slower one's route is at %+v", now)
		}
		if entries := audit(t, a); len(entries) != 1 || entries[0].To.Mode != seam.ModeCanary {
			t.Errorf("audit %+v", entries)
		}
	})
}

func TestReplicasFollowEachOther(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		here, there := newFakeRoute(), newFakeRoute()
		a, b := open(t, db, local(), here), open(t, databasetest.Again(t, db), local(), there)
		run(t, a)
		run(t, b)
		for i, c := range []rollout.Change{
			{Mode: seam.ModeShadow, Percent: 10, URLs: away},
			{Mode: seam.ModeCanary, Percent: 50},
			{Mode: seam.ModeRemote, URLs: []string{"http://10.0.0.8:8081", "http://10.0.0.9:8081"}},
			{Mode: seam.ModeLocal},
		} {
			leads, follows := a, there
			if i%2 == 1 {
				leads, follows = b, here
			}
			begun := time.Now()
			plan, err := leads.Set(t.Context(), operator, "reputation", c)
			if err != nil {
				t.Fatal(err)
			}
			got := follows.awaitMove(t, func(p rollout.Plan) bool { return p.Version == plan.Version })
			t.Logf("%s: followed after %s", c.Mode, time.Since(begun).Round(time.Millisecond))
			if !reflect.DeepEqual(got, plan) {
				t.Errorf("one replica set %+v, the other follows %+v", plan, got)
			}
		}
		_, appliedHere, _ := here.state()
		_, appliedThere, _ := there.state()
		if appliedHere != 2 || appliedThere != 2 {
			t.Errorf("%d and %d changes were led: one that is followed must not be led again", appliedHere, appliedThere)
		}
	})
}

func TestThePlanOutlivesARestart(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		first := open(t, db, local(), newFakeRoute())
		canary, err := first.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 10, URLs: away})
		if err != nil {
			t.Fatal(err)
		}
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if now, applied, followed := route.state(); !reflect.DeepEqual(now, canary) || applied != 0 || followed != 1 {
			t.Errorf("after a restart the route is at %+v (applied %d, followed %d)", now, applied, followed)
		}
		s, err := client(c).List(identity.With(t.Context(), operator), rollout.ListQuery{})
		if err != nil || len(s.Modules) != 1 || !s.Modules[0].Differs || s.Modules[0].Config.Mode != seam.ModeLocal || s.Modules[0].Followed != 1 {
			t.Errorf("the difference from config.yaml is not shown: %+v (%v)", s, err)
		}
		back, err := c.Reset(t.Context(), operator, rollout.ResetRequest{Name: "reputation", Why: "done", IfVersion: version(1)})
		if err != nil || !back.Configured || back.Mode != seam.ModeLocal || back.Version != 2 {
			t.Fatalf("Reset returned %+v (%v)", back, err)
		}
		moved := rollout.Place{Mode: seam.ModeRemote, URLs: away}
		third := newFakeRoute()
		c = open(t, db, moved, third)
		if p, err := c.Plan(t.Context(), "reputation"); err != nil || p.Mode != seam.ModeRemote || p.Version != 2 {
			t.Errorf("after Reset and a change of config.yaml the plan is %+v (%v)", p, err)
		}
		if _, _, followed := third.state(); followed != 0 {
			t.Error("a route that is where config.yaml says was led there again")
		}
	})
}

func TestAPlanThatCannotBeFollowedIsShownAndTriedAgain(t *testing.T) {
	db := databasetest.SQLite(t, "routes")
	first := open(t, db, local(), newFakeRoute())
	if _, err := first.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away}); err != nil {
		t.Fatal(err)
	}
	route := newFakeRoute()
	route.refuse = fault.New(fault.Unavailable, "no such host")
	c := open(t, db, local(), route)
	s, err := client(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"})
	if err != nil || !strings.Contains(s.Problem, "no such host") || s.Followed != 0 || s.Plan.Version != 1 {
		t.Errorf("state %+v (%v)", s, err)
	}
	run(t, c)
	route.refuseWith(nil)
	route.awaitMove(t, func(p rollout.Plan) bool { return p.Version == 1 })
}

// TestAskingAgainForWhatIsNotFollowed: the same plan is applied when this
// process has not been able to follow it.
func TestAskingAgainForWhatIsNotFollowed(t *testing.T) {
	db := databasetest.SQLite(t, "routes")
	first := open(t, db, local(), newFakeRoute())
	if _, err := first.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away}); err != nil {
		t.Fatal(err)
	}
	route := newFakeRoute()
	route.refuse = fault.New(fault.Unavailable, "no such host")
	c := open(t, db, local(), route)
	route.refuseWith(nil)
	plan, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, Why: "again"})
	if now, applied, _ := route.state(); err != nil || plan.Version != 2 || applied != 1 || now.Mode != seam.ModeRemote {
		t.Errorf("asked again: %+v, the route is at %+v (%v)", plan, now, err)
	}
	if s, err := client(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"}); err != nil || s.Problem != "" || s.Followed != 2 {
		t.Errorf("state %+v (%v)", s, err)
	}
}

// TestReapplyWaitsItsTurn: it must not put an old plan in force in the middle of
// a change.
func TestReapplyWaitsItsTurn(t *testing.T) {
	route := newFakeRoute()
	c := open(t, databasetest.SQLite(t, "routes"), local(), route)
	again := make(chan error, 1)
	route.meantime = func() {
		route.meantime = nil
		go func() { again <- c.Reapply(t.Context(), "reputation") }()
	}
	if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote, URLs: away}); err != nil {
		t.Fatal(err)
	}
	if err := <-again; err != nil {
		t.Fatal(err)
	}
	if now, applied, _ := route.state(); now.Mode != seam.ModeRemote || now.Version != 1 || applied != 2 {
		t.Errorf("the route is at %+v after %d", now, applied)
	}
	if len(audit(t, c)) != 1 {
		t.Error("applying again was audited as a change")
	}
	if err := c.Reapply(t.Context(), "market"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown module: %v", err)
	}
}

func TestRollback(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 50, URLs: away}); err != nil {
			t.Fatal(err)
		}
		for _, k := range []struct {
			to      seam.Mode
			percent float64
			version int64
		}{
			{seam.ModeRemote, 0, 1},  // no way back
			{seam.ModeCanary, 60, 1}, // nor this
			{seam.ModeCanary, 10, 2},
			{seam.ModeCanary, 10, 2}, // there already: another replica's guard was faster
			{seam.ModeShadow, 10, 3},
			{seam.ModeLocal, 0, 4},
			{seam.ModeShadow, 100, 4},
		} {
			plan, err := c.Rollback(t.Context(), "reputation", k.to, k.percent, "p99 of 2 s\nagainst 10 ms")
			if err != nil || plan.Version != k.version {
				t.Fatalf("back to %s %v: version %d, want %d (%v)", k.to, k.percent, plan.Version, k.version, err)
			}
		}
		entries := audit(t, c)
		if len(entries) != 4 || !entries[0].Automatic || entries[0].Who != "guard" || entries[0].Why != "p99 of 2 s against 10 ms" || entries[3].Automatic {
			t.Errorf("audit %+v", entries)
		}
	})
}

// TestRollbackWithoutADatabase: the guard does not wait for it.
func TestRollbackWithoutADatabase(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		route := newFakeRoute()
		c := open(t, db, local(), route)
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 50, URLs: away}); err != nil {
			t.Fatal(err)
		}
		exec(t, db, `ALTER TABLE route_plan RENAME TO hidden`)
		for _, to := range []seam.Mode{seam.ModeShadow, seam.ModeLocal} {
			if _, err := c.Rollback(t.Context(), "reputation", to, 0, "errors"); err != nil {
				t.Fatal(err)
			}
			if now, _, _ := route.state(); now.Mode != to {
				t.Fatalf("the route is at %+v", now)
			}
		}
		exec(t, db, `ALTER TABLE hidden RENAME TO route_plan`)
		watch := open(t, databasetest.Again(t, db), local(), newFakeRoute())
		run(t, c)
		deadline := time.After(30 * time.Second)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			p, err := watch.Plan(t.Context(), "reputation")
			if err != nil {
				t.Fatal(err)
			}
			if p.Mode == seam.ModeLocal && p.Version == 2 && p.ChangedBy == "guard" {
				break
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("the rollback was not written down: %+v", p)
			}
		}
		if now, _, _ := route.state(); now.Mode != seam.ModeLocal {
			t.Errorf("the route is at %+v", now)
		}
	})
}

// TestSomebodyElseDecidedMeanwhile: an unsaved rollback gives way to a newer plan.
func TestSomebodyElseDecidedMeanwhile(t *testing.T) {
	db := databasetest.SQLite(t, "routes")
	route := newFakeRoute()
	c := open(t, db, local(), route)
	if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 50, URLs: away}); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `ALTER TABLE route_plan RENAME TO hidden`)
	if _, err := c.Rollback(t.Context(), "reputation", seam.ModeShadow, 0, "errors"); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `ALTER TABLE hidden RENAME TO route_plan`)
	other := open(t, databasetest.Again(t, db), local(), newFakeRoute())
	if _, err := other.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeCanary, Percent: 1}); err != nil {
		t.Fatal(err)
	}
	run(t, c)
	route.awaitMove(t, func(p rollout.Plan) bool { return p.Version == 2 && p.Percent == 1 })
	if entries := audit(t, c); len(entries) != 2 || entries[0].Automatic {
		t.Errorf("audit %+v", entries)
	}
}

// TestAChangeThatCouldNotBeTakenBackIsTriedAgain: the version in the database
// has not moved, the route has.
func TestAChangeThatCouldNotBeTakenBackIsTriedAgain(t *testing.T) {
	db := databasetest.SQLite(t, "routes")
	route := newFakeRoute()
	c := open(t, db, local(), route)
	exec(t, db, `ALTER TABLE route_audit RENAME TO hidden`)
	route.meantime = func() { route.refuse = fault.New(fault.Unavailable, "not now") }
	if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 5, URLs: away}); err == nil {
		t.Error("a change without an audit entry was taken")
	}
	if now, _, _ := route.state(); now.Mode != seam.ModeShadow {
		t.Fatalf("the route is at %+v", now)
	}
	run(t, c)
	route.refuseWith(nil)
	route.awaitMove(t, func(p rollout.Plan) bool { return p.Mode == seam.ModeLocal })
}

func TestTheAuditIsOnlyAddedTo(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		c := open(t, db, local(), newFakeRoute())
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 1, URLs: away}); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{`DELETE FROM route_audit`, `UPDATE route_audit SET who = 'nobody'`} {
			err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			})
			if err == nil {
				t.Errorf("%s went through", statement)
			}
		}
		if entries := audit(t, c); len(entries) != 1 || entries[0].Who != "ada" {
			t.Errorf("audit %+v", entries)
		}
	})
}

func TestOperations(t *testing.T) {
	c := open(t, databasetest.SQLite(t, "routes"), local(), newFakeRoute())
	ctx := identity.With(t.Context(), operator)
	ops := client(c)
	for i := range 5 {
		if _, err := ops.Set(ctx, rollout.SetRequest{Name: "reputation", Change: rollout.Change{Mode: seam.ModeShadow, Percent: float64(i + 1), URLs: away}}); err != nil {
			t.Fatal(err)
		}
	}
	var seen []int64
	q := rollout.AuditQuery{Name: "reputation", Limit: 2}
	for pages := 0; ; pages++ {
		page, err := ops.Audit(ctx, q)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, e := range page.Entries {
			seen = append(seen, e.Version)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if !slices.Equal(seen, []int64{5, 4, 3, 2, 1}) {
		t.Errorf("the pages of the audit have %v", seen)
	}
	state, err := ops.Module(ctx, rollout.ModuleQuery{Name: "reputation"})
	if err != nil || state.Route == nil || state.Route.Module != "reputation" || state.Route.Ownership.Epoch != 7 {
		t.Errorf("the route %+v (%v)", state.Route, err)
	}
	if d, err := ops.Differences(ctx, rollout.DifferencesQuery{Name: "reputation", Operation: "score"}); err != nil || len(d.Differences) != 1 || string(d.Differences[0].Remote) != "2" {
		t.Errorf("differences %+v (%v)", d.Differences, err)
	}
	for name, call := range map[string]func(context.Context) error{
		"an unknown operation": func(ctx context.Context) error {
			_, err := ops.Differences(ctx, rollout.DifferencesQuery{Name: "reputation", Operation: "scor"})
			return err
		},
		"an unknown module": func(ctx context.Context) error {
			_, err := ops.Audit(ctx, rollout.AuditQuery{Name: "market"})
			return err
		},
	} {
		if err := call(ctx); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []rollout.AuditQuery{{Name: "reputation", Cursor: "x"}, {Name: "reputation", Limit: 201}, {Name: "reputation", Cursor: page.NewList[int64]("changes of a module", "airdrop").Cursor(3)}} {
		if _, err := ops.Audit(ctx, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	member := identity.With(t.Context(), identity.Caller{Subject: "bob", Role: identity.Moderator})
	if _, err := ops.List(member, rollout.ListQuery{}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a moderator sees the modules: %v", err)
	}
}
