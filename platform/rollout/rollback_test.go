package rollout_test

import (
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

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

// TestSomebodyElseDecidedMeanwhile: an unsaved rollback is dropped for a newer plan.
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
