package rollout_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

// TestTwoAtOnce has two replicas apply a change at the same time: one is kept,
// the other replica is notified and follows the winner.
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
		s, err := clientOf(c).List(identity.With(t.Context(), operator), rollout.ListQuery{})
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
			t.Errorf("after Reset and a change of the settings the plan is %+v (%v)", p, err)
		}
		if _, _, followed := third.state(); followed != 0 {
			t.Error("a route that is where the settings say was led there again")
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
	s, err := clientOf(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"})
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
	if s, err := clientOf(c).Module(identity.With(t.Context(), operator), rollout.ModuleQuery{Name: "reputation"}); err != nil || s.Problem != "" || s.Followed != 2 {
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

// Each module has its own look: one that hangs does not hold the others up.
func TestRunReconcilesEveryModule(t *testing.T) {
	looked := make(chan string, 100)
	var modules []rollout.Managed
	for _, name := range []string{"airdrop", "reputation"} {
		modules = append(modules, rollout.Managed{
			Name: name, Configured: local(), Apply: newFakeRoute().apply,
			Reconcile: func(context.Context, *rollout.Controller) { looked <- name },
		})
	}
	c, err := rollout.Open(t.Context(), databasetest.SQLite(t, "routes"), rollout.Options{Modules: modules, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	run(t, c)
	for seen := map[string]bool{}; !seen["airdrop"] || !seen["reputation"]; {
		select {
		case name := <-looked:
			seen[name] = true
		case <-time.After(30 * time.Second):
			t.Fatalf("looked at %v only", seen)
		}
	}
}
