package trust_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"banyan/modules/reputation/trust"
)

// What Effects says of one rating is what the next ranking finds, where the rated
// nodes rate nobody: then nothing comes back that a single step does not follow.
func TestEffectsAreWhatTheNextRankingFinds(t *testing.T) {
	const members, leaves = 1500, 60
	random := rand.New(rand.NewPCG(7, 8))
	var edges []trust.Edge
	for from := range uint32(members) {
		for range 6 {
			edges = append(edges, trust.Edge{Source: from, Target: random.Uint32N(members + leaves), Weight: float64(1 + random.IntN(10)), Time: trust.NoTime})
		}
		edges = append(edges, trust.Edge{Source: from, Target: members + random.Uint32N(leaves), Weight: -5, Time: trust.NoTime})
	}
	rank := func(edges []trust.Edge, p trust.Parameters) (*trust.Graph, trust.PreTrust, trust.Ranking) {
		list := &trust.Edges{}
		for _, e := range edges {
			if err := list.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		g, err := trust.NewGraph(members+leaves, list, trust.Decay{})
		if err != nil {
			t.Fatal(err)
		}
		pre, err := trust.Seeded(members+leaves, []trust.Seed{{Node: 0}, {Node: 1}})
		if err != nil {
			t.Fatal(err)
		}
		return g, pre, ranked(t, g, pre, p)
	}
	for _, method := range []string{trust.MethodBanyan, trust.MethodEigenTrust} {
		p := trust.Standard()
		p.Method = method
		g, pre, r := rank(edges, p)
		effects := trust.Effects{Parameters: p, Alpha: trust.DefaultAlpha, Unit: r.Unit}
		seen := 0
		for by := uint32(2); by < members; by += 50 { // 0 and 1 are the seeds
			for leaf := uint32(members); leaf < members+leaves; leaf += 25 {
				if slices.ContainsFunc(edges, func(e trust.Edge) bool { return e.Source == by && e.Target == leaf }) {
					continue
				}
				_, _, after := rank(append(slices.Clone(edges), trust.Edge{Source: by, Target: leaf, Weight: 8, Time: trust.NoTime}), p)
				moved := after.Value[leaf] - r.Value[leaf]
				told := effects.Changed(r.Judged(leaf), effects.Praise(r.Rater(g, by), 8)) - r.Value[leaf]
				// The rater's other ratings count less, which moves trust and the unit a little.
				if !near(moved, told, 0.1*max(moved, -moved)+1e-3) {
					t.Fatalf("%s: a rating of %d by %d moves it by %g, told as %g", method, leaf, by, moved, told)
				}
				seen++
			}
		}
		if seen < 50 {
			t.Fatalf("%s: only %d ratings were tried", method, seen)
		}
		// A rating less: what the explanation says is exactly what goes.
		explainer := trust.NewExplainer(g, pre, r, trust.Options{})
		for leaf := uint32(members); leaf < members+leaves; leaf++ {
			judged := r.Judged(leaf)
			var all []float64
			for _, c := range explainer.Of(leaf).Edges {
				all = append(all, effects.Contribution(judged, c.Share))
			}
			if got := effects.Changed(judged, 0, all...); !near(got, 0, 1e-9) {
				t.Errorf("%s: without any rating %d has %g", method, leaf, got)
			}
		}
	}
}
