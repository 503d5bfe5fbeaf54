package rollout_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/testenv/databasetest"
)

// A step further away is taken when it is shown to be safe, or when the operator
// says so, and then the audit says it as well.
func TestAStepPastAVerdictIsAskedForAndAudited(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		r := newFakeRoute()
		var verdict analysis.Verdict
		c, err := rollout.Open(t.Context(), db, rollout.Options{Log: quiet, Modules: []rollout.Managed{{
			Name: "reputation", Configured: rollout.Place{Mode: seam.ModeLocal, URLs: away}, Apply: r.apply,
			Verdict: func() analysis.Verdict { return verdict },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		next := func(mode seam.Mode, percent float64, missing ...string) analysis.Verdict {
			p := seam.Plan{Mode: mode, Percent: percent}
			return analysis.Verdict{Next: &p, Step: p.String(), Safe: len(missing) == 0, Missing: missing}
		}
		unused := func() analysis.Verdict {
			v := next(seam.ModeShadow, 10, "no remote is known")
			v.Unused = true
			return v
		}
		for _, s := range []struct {
			name    string
			verdict analysis.Verdict
			change  rollout.Change
			refused string // a part of why; "" = taken
			anyway  bool   // in the audit
		}{
			{name: "a shadow answers nobody", verdict: next(seam.ModeShadow, 10, "no remote is known"), change: rollout.Change{Mode: seam.ModeShadow, Percent: 10}},
			{name: "an unsafe canary", verdict: next(seam.ModeCanary, 10, "claim: 0 of 20 equal answers"), change: rollout.Change{Mode: seam.ModeCanary, Percent: 10}, refused: "claim: 0 of 20 equal answers"},
			{name: "a safe canary, and more than that", verdict: next(seam.ModeCanary, 10), change: rollout.Change{Mode: seam.ModeCanary, Percent: 50}, refused: "the next one is canary 10 %"},
			{name: "a safe canary", verdict: next(seam.ModeCanary, 10), change: rollout.Change{Mode: seam.ModeCanary, Percent: 10, Anyway: true}},
			{name: "an unsafe remote", verdict: next(seam.ModeCanary, 50, "12 of 1000 reads"), change: rollout.Change{Mode: seam.ModeRemote}, refused: "12 of 1000 reads"},
			{name: "an unsafe remote anyway", verdict: next(seam.ModeCanary, 50, "12 of 1000 reads"), change: rollout.Change{Mode: seam.ModeRemote, Anyway: true}, anyway: true},
			{name: "back", verdict: analysis.Verdict{Missing: []string{"the guard warns"}}, change: rollout.Change{Mode: seam.ModeCanary, Percent: 10}},
			{name: "home", verdict: next(seam.ModeCanary, 50, "12 of 1000 reads"), change: rollout.Change{Mode: seam.ModeLocal}},
			{name: "from home to the remote", verdict: next(seam.ModeShadow, 10), change: rollout.Change{Mode: seam.ModeRemote}, refused: "the next one is shadow 10 %"},
			{name: "from home to the remote, when nobody has used the module", verdict: unused(), change: rollout.Change{Mode: seam.ModeRemote}},
			{name: "and home", verdict: next(seam.ModeCanary, 50), change: rollout.Change{Mode: seam.ModeLocal}},
			{name: "without a verdict", change: rollout.Change{Mode: seam.ModeCanary, Percent: 5}, refused: "not known"},
		} {
			verdict = s.verdict
			before, err := c.Plan(t.Context(), "reputation")
			if err != nil {
				t.Fatal(err)
			}
			plan, err := c.Set(t.Context(), operator, "reputation", s.change)
			if s.refused != "" {
				var points []string
				for _, field := range fault.From(err).Fields {
					points = append(points, field.String())
				}
				said := strings.Join(points, "\n")
				if !fault.Is(err, fault.Conflict) || !strings.Contains(said, s.refused) || strings.Count(said, "missing: ") != len(points) || !strings.Contains(err.Error(), "--anyway") {
					t.Errorf("%s: %v", s.name, err)
				}
				if after, err := c.Plan(t.Context(), "reputation"); err != nil || after.Version != before.Version {
					t.Errorf("%s: the plan went from %+v to %+v, %v", s.name, before, after, err)
				}
				continue
			}
			if err != nil || plan.Mode != s.change.Mode {
				t.Errorf("%s: %+v, %v", s.name, plan, err)
				continue
			}
			if last := lastEntry(t, c); last.Anyway != s.anyway || last.Version != plan.Version {
				t.Errorf("%s: the audit says %+v", s.name, last)
			}
		}
	})
}

// Whoever is refused for want of evidence would go on anyway, and be refused again:
// what keeps the step from being made is said at once.
func TestAStepThatCannotBeMadeIsNotOfferedAnyway(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		r, broken := newFakeRoute(), fault.New(fault.Unavailable, "check identity.trunk_url")
		shadow := seam.Plan{Mode: seam.ModeShadow, Percent: 10}
		c, err := rollout.Open(t.Context(), db, rollout.Options{Log: quiet, Modules: []rollout.Managed{{
			Name: "reputation", Configured: rollout.Place{Mode: seam.ModeLocal, URLs: away}, Apply: r.apply,
			Check:   func(context.Context, rollout.Plan) error { return broken },
			Verdict: func() analysis.Verdict { return analysis.Verdict{Next: &shadow, Step: shadow.String()} },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeRemote}); !errors.Is(err, broken) {
			t.Errorf("the step is refused with %v", err)
		}
	})
}

// config.yaml leads to the remote: letting it decide again is a step like any.
func TestAResetPastAVerdictIsAskedForAndAudited(t *testing.T) {
	databasetest.Each(t, "routes", func(t *testing.T, db *database.DB) {
		r := newFakeRoute()
		shadow := seam.Plan{Mode: seam.ModeShadow, Percent: 10}
		c, err := rollout.Open(t.Context(), db, rollout.Options{Log: quiet, Modules: []rollout.Managed{{
			Name: "reputation", Configured: rollout.Place{Mode: seam.ModeRemote, URLs: away}, Apply: r.apply,
			Verdict: func() analysis.Verdict { return analysis.Verdict{Next: &shadow, Step: shadow.String(), Safe: true} },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Set(t.Context(), operator, "reputation", rollout.Change{Mode: seam.ModeLocal}); err != nil {
			t.Fatal(err)
		}
		reset := rollout.ResetRequest{Name: "reputation", Why: "as before"}
		if _, err := c.Reset(t.Context(), operator, reset); !fault.Is(err, fault.Conflict) {
			t.Errorf("a reset to the remote: %v", err)
		}
		reset.Anyway = true
		if plan, err := c.Reset(t.Context(), operator, reset); err != nil || !plan.Configured || !lastEntry(t, c).Anyway {
			t.Errorf("a reset to the remote anyway: %+v, %v, %+v", plan, err, lastEntry(t, c))
		}
	})
}

func lastEntry(t *testing.T, c *rollout.Controller) rollout.Entry {
	t.Helper()
	page, err := clientOf(c).Audit(identity.With(t.Context(), operator), rollout.AuditQuery{Name: "reputation", Limit: 1})
	if err != nil || len(page.Entries) != 1 {
		t.Fatalf("the audit: %+v, %v", page, err)
	}
	return page.Entries[0]
}
