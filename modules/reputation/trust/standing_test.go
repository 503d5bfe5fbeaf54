package trust_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"banyan/modules/reputation/trust"
)

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

func TestStandingIsTheWeightedMeanOfTrustedRatings(t *testing.T) {
	g := graph(t, 4, []trust.Edge{
		{Source: 0, Target: 2, Weight: 10, Time: trust.NoTime},
		{Source: 1, Target: 2, Weight: -5, Time: trust.NoTime},
		{Source: 2, Target: 3, Weight: 4, Time: trust.NoTime},
	})
	raters := []float64{0.6, 0.4, 0, 0}
	got, err := trust.Standing(g, raters, trust.StandingOptions{Shrink: 2, Discount: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	// Node 2: (0.6·1 − 0.4·0.5 − 0.5·0.4·0.5) / (0.6 + 0.4 + 2/4).
	// Node 3 is rated only by a node without trust.
	for i, want := range []float64{0, 0, 0.3 / 1.5, 0} {
		if !near(got[i], want, 1e-15) {
			t.Errorf("node %d has the standing %g, want %g", i, got[i], want)
		}
	}
	if got, _ = trust.Standing(g, raters, trust.StandingOptions{Shrink: 2, Discount: -1, Scale: 5}); !near(got[2], (0.6-0.4)/1.5, 1e-15) {
		t.Errorf("without discount, on a scale of 5, node 2 has the standing %g", got[2])
	}
	for _, bad := range []trust.StandingOptions{{Shrink: -1}, {Shrink: math.NaN()}, {Discount: math.Inf(1)}, {Scale: -1}} {
		if _, err := trust.Standing(g, raters, bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestARepeatedRatingCountsAsOneOpinion(t *testing.T) {
	shout := []trust.Edge{{Source: 1, Target: 2, Weight: -10, Time: trust.NoTime}}
	for range 100 {
		shout = append(shout, trust.Edge{Source: 0, Target: 2, Weight: 10, Time: trust.NoTime})
	}
	got, err := trust.Standing(graph(t, 3, shout), []float64{0.5, 0.5, 0}, trust.StandingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got[2] >= 0 {
		t.Errorf("a hundred repeated ratings outweigh one opposite rating of equal trust: %g", got[2])
	}
}

func TestOldStatementsFade(t *testing.T) {
	const day = int64(86_400_000)
	now := 10_000 * day
	decay := trust.Decay{HalfLife: 180 * 24 * time.Hour, At: now}
	for _, c := range []struct {
		name       string
		first, two int64 // times of edges 0→1 and 0→2
		want       float64
	}{
		{"one half-life older", now - 180*day, now, 1.0 / 3},
		{"two half-lives older", now - 360*day, now, 1.0 / 5},
		{"without a time it is fresh", trust.NoTime, now - 180*day, 2.0 / 3},
		{"a time in the future counts as now", now + 900*day, now, 0.5},
		{"a row of old statements does not underflow", now - 9_000*day - 180*day, now - 9_000*day, 1.0 / 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := trust.NewGraph(3, []trust.Edge{{Target: 1, Weight: 1, Time: c.first}, {Target: 2, Weight: 1, Time: c.two}}, decay)
			if err != nil {
				t.Fatal(err)
			}
			r := eigentrust(t, g, seeded(t, 3, 0), trust.Options{})
			if part := r.Trust[1] / (r.Trust[1] + r.Trust[2]); !near(part, c.want, 1e-12) {
				t.Errorf("node 1 gets %g of node 0's trust, want %g", part, c.want)
			}
		})
	}
	t.Run("standing decays to zero", func(t *testing.T) {
		standing := func(age int64) float64 {
			g, err := trust.NewGraph(2, []trust.Edge{{Target: 1, Weight: 10, Time: now - age}}, decay)
			if err != nil {
				t.Fatal(err)
			}
			s, err := trust.Standing(g, []float64{0.5, 0.5}, trust.StandingOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return s[1]
		}
		// 0.5·f / (0.5·f + 1/2), f = 1 and ½.
		if fresh, old := standing(0), standing(180*day); !near(fresh, 0.5, 1e-7) || !near(old, 1.0/3, 1e-7) {
			t.Errorf("a fresh rating yields %g and one of a half-life %g, want 1/2 and 1/3", fresh, old)
		}
	})
	if _, err := trust.NewGraph(1, nil, trust.Decay{HalfLife: -1}); err == nil || !strings.Contains(err.Error(), "half-life") {
		t.Errorf("a half-life below zero returned %v", err)
	}
}

func TestExplanationsAddUpToTheScore(t *testing.T) {
	const n = 400
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "random"), 9))
		decay := trust.Decay{HalfLife: time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "half-life")), At: 1e12}
		g, err := trust.NewGraph(n, community(random, n, 2000), decay)
		if err != nil {
			t.Fatal(err)
		}
		pre, err := trust.Seeded(n, []trust.Seed{{Node: 0}, {Node: 9, Weight: 2}})
		if err != nil {
			t.Fatal(err)
		}
		opt := trust.Options{Alpha: rapid.Float64Range(0.05, 1).Draw(t, "alpha")}
		r, err := trust.EigenTrust(t.Context(), g, pre, opt)
		if err != nil {
			t.Fatal(err)
		}
		explainer := trust.NewExplainer(g, pre, r.Trust, opt)
		for node := range uint32(n) {
			addsUp(t, explainer.Trust(node), r.Trust[node], trust.DefaultEpsilon)
		}
	})
}

func addsUp(t *rapid.T, x trust.Explanation, score, within float64) {
	total := x.Seed + x.Dangling
	for _, c := range x.Edges {
		total += c.Share
	}
	if x.Score != score || !near(total, score, within) || !near(total+x.Residual, score, 1e-14) {
		t.Fatalf("node %d has %g, explained as %g and a residual of %g", x.Node, score, total, x.Residual)
	}
	for i := 1; i < len(x.Edges); i++ {
		if math.Abs(x.Edges[i].Share) > math.Abs(x.Edges[i-1].Share) {
			t.Fatalf("node %d: the edges are not ordered by share", x.Node)
		}
	}
}

func TestSortedNumbersFollowTheNames(t *testing.T) {
	names := trust.NewInterner[string](0)
	for i, name := range []string{"carol", "alice", "bob"} {
		if n, err := trust.NumberOfText(names, []byte(name)); err != nil || n != uint32(i) {
			t.Fatalf("%s has the number %d (%v), want %d", name, n, err, i)
		}
	}
	if again, _ := names.Number("alice"); again != 1 {
		t.Errorf("alice was numbered twice: %d", again)
	}
	if got := names.Sort(strings.Compare); !slices.Equal(got, []uint32{2, 0, 1}) {
		t.Errorf("old numbers became %v", got)
	}
	if n, ok := names.Lookup("carol"); !ok || n != 2 || names.Key(2) != "carol" || names.Len() != 3 {
		t.Errorf("carol has the number %d (%v), and number 2 is %s", n, ok, names.Key(2))
	}
	if _, ok := names.Lookup("dave"); ok {
		t.Error("dave was never added, and has a number")
	}
}
