package trust_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
)

func graph(t testing.TB, nodes int, edges []trust.Edge) *trust.Graph {
	t.Helper()
	g, err := trust.NewGraph(nodes, listed(t, edges), trust.Decay{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func listed(t interface {
	Helper()
	Fatal(...any)
}, edges []trust.Edge,
) *trust.Edges {
	t.Helper()
	list := &trust.Edges{}
	for _, e := range edges {
		if err := list.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func seeded(t testing.TB, nodes int, seeds ...uint32) trust.PreTrust {
	t.Helper()
	var named []trust.Seed
	for _, s := range seeds {
		named = append(named, trust.Seed{Node: s})
	}
	pre, err := trust.Seeded(nodes, named)
	if err != nil {
		t.Fatal(err)
	}
	return pre
}

func eigentrust(t testing.TB, g *trust.Graph, pre trust.PreTrust, opt trust.Options) trust.Result {
	t.Helper()
	r, err := trust.EigenTrust(context.Background(), g, pre, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

func sameAs(t testing.TB, got []float64, want map[uint32]float64, relative float64) {
	t.Helper()
	for i, v := range got {
		w := want[uint32(i)]
		if math.Abs(v-w) > relative*math.Max(v, w) {
			t.Fatalf("node %d has %g, the naive computation %g", i, v, w)
		}
	}
}

func TestBitcoinOTCMatchesTheNaiveComputation(t *testing.T) {
	names, edges := bitcoinOTC(t)
	g := graph(t, names.Len(), edges)
	if c := g.Counts(); c.Positive != 32029 || c.Negative != 3563 || c.Rows != 35592 {
		t.Errorf("the graph has %+v, the file 32,029 positive and 3,563 negative ratings", c)
	}
	var seeds []uint32
	share := map[uint32]float64{}
	for _, name := range []string{"1", "7", "35", "2642"} {
		n, ok := names.Lookup(name)
		if !ok {
			t.Fatalf("trader %s is not in the graph", name)
		}
		seeds = append(seeds, n)
		share[n] = 0.25
	}
	uniform := map[uint32]float64{}
	for i := range names.Len() {
		uniform[uint32(i)] = 1 / float64(names.Len())
	}
	for _, c := range []struct {
		name  string
		pre   trust.PreTrust
		share map[uint32]float64
	}{{"seeded", seeded(t, names.Len(), seeds...), share}, {"uniform", trust.Uniform(names.Len()), uniform}} {
		t.Run(c.name, func(t *testing.T) {
			for _, epsilon := range []float64{trust.DefaultEpsilon, 1e-14} {
				want, steps := naive(edges, c.share, trust.DefaultAlpha, epsilon)
				got := eigentrust(t, g, c.pre, trust.Options{Epsilon: epsilon})
				if got.Iterations != steps {
					t.Errorf("converged in %d iterations, the naive computation in %d", got.Iterations, steps)
				}
				sameAs(t, got.Trust, want, 1e-9)
				if s := sum(got.Trust); math.Abs(s-1) > 1e-12 {
					t.Errorf("the scores add up to %.17g", s)
				}
			}
		})
	}
}

func TestSybilsGetAlmostNothingFromSeeds(t *testing.T) {
	const sybils, attacks = 5000, 10
	check := func(t *testing.T, n int, honest []trust.Edge, seeds ...uint32) {
		edges := withSybils(rand.New(rand.NewPCG(1, 2)), honest, n, sybils, attacks)
		g := graph(t, n+sybils, edges)
		with := sum(eigentrust(t, g, seeded(t, n+sybils, seeds...), trust.Options{}).Trust[n:])
		without := sum(eigentrust(t, g, trust.Uniform(n+sybils), trust.Options{}).Trust[n:])
		if with >= 0.01 {
			t.Errorf("with seeds the sybils hold %.2f %% of the trust, want less than 1 %%", 100*with)
		}
		if without < 0.3 {
			t.Errorf("without seeds the sybils hold only %.2f %%: this attack proves nothing", 100*without)
		}
	}
	t.Run("made up community", func(t *testing.T) {
		check(t, 6000, community(rand.New(rand.NewPCG(3, 4)), 6000, 60000), 0, 1, 2)
	})
	t.Run("Bitcoin OTC", func(t *testing.T) {
		names, edges := bitcoinOTC(t)
		founder, _ := names.Lookup("1")
		check(t, names.Len(), edges, founder)
	})
}

func TestAnyGraphMatchesTheNaiveComputation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "nodes")
		node := rapid.Uint32Range(0, uint32(n-1))
		edges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) trust.Edge {
			weight := rapid.Float64Range(-3, 5).Draw(t, "weight")
			if rapid.Bool().Draw(t, "whole") || math.Abs(weight) < 1e-6 {
				weight = math.Trunc(weight)
			}
			return trust.Edge{Source: node.Draw(t, "source"), Target: node.Draw(t, "target"), Weight: weight, Time: trust.NoTime}
		}), 0, 40).Draw(t, "edges")
		seed := node.Draw(t, "seed")
		g, err := trust.NewGraph(n, listed(t, edges), trust.Decay{})
		if err != nil {
			t.Fatal(err)
		}
		if c := g.Counts(); c.Rows != c.Self+c.Repeated+c.Zero+c.Positive+c.Negative {
			t.Fatalf("edges went missing: %+v", c)
		}
		pre, err := trust.Seeded(n, []trust.Seed{{Node: seed, Weight: 3}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := trust.EigenTrust(context.Background(), g, pre, trust.Options{Epsilon: 1e-13})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := naive(edges, map[uint32]float64{seed: 1}, trust.DefaultAlpha, 1e-13)
		for i, v := range got.Trust {
			if v < 0 || math.Abs(v-want[uint32(i)]) > 1e-12 {
				t.Fatalf("node %d has %g, the naive computation %g", i, v, want[uint32(i)])
			}
		}
		if math.Abs(sum(got.Trust)-1) > 1e-12 {
			t.Fatalf("the scores add up to %.17g", sum(got.Trust))
		}
	})
}

func TestScoresDoNotDependOnCoresOrOnTheOrderOfEdges(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const n = 20000
	edges := onePerPair(community(random, n, 200000)) // several blocks of work
	edges[7].Weight = 0.1                             // and float64 weights
	decay := trust.Decay{HalfLife: 1e15, At: 1e12}
	pre := seeded(t, n, 3, 5, 8)
	var first trust.Ranking
	for i, workers := range []int{1, 2, 3, 16} {
		g, err := trust.NewGraph(n, listed(t, edges), decay)
		if err != nil {
			t.Fatal(err)
		}
		got, err := trust.Rank(t.Context(), g, pre, trust.Standard(), trust.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		}
		if !slices.Equal(first.Trust, got.Trust) || first.Delta != got.Delta || !slices.Equal(first.Value, got.Value) {
			t.Fatalf("%d workers and another order of the edges computed other bits", workers)
		}
		random.Shuffle(len(edges), func(a, b int) { edges[a], edges[b] = edges[b], edges[a] })
	}
}

func onePerPair(edges []trust.Edge) []trust.Edge {
	seen := map[[2]uint32]bool{}
	return slices.DeleteFunc(edges, func(e trust.Edge) bool {
		pair := [2]uint32{e.Source, e.Target}
		again := seen[pair]
		seen[pair] = true
		return again
	})
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	edges := []trust.Edge{{Source: 0, Target: 1, Weight: 1}, {Source: 1, Target: 0, Weight: 1}, {Source: 1, Target: 2, Weight: 1}, {Source: 2, Target: 0, Weight: 2}}
	g := graph(t, 3, edges)
	pre := seeded(t, 3, 0)
	rank := func(pre trust.PreTrust, opt trust.Options) error {
		_, err := trust.EigenTrust(context.Background(), g, pre, opt)
		return err
	}
	make1 := func(nodes int, e trust.Edge) error {
		list := &trust.Edges{}
		err := list.Add(e)
		if err == nil {
			_, err = trust.NewGraph(nodes, list, trust.Decay{})
		}
		return err
	}
	seed := func(s ...trust.Seed) error { _, err := trust.Seeded(3, s); return err }
	for _, c := range []struct {
		name string
		err  error
		says string
	}{
		{"no seeds", seed(), "sybils"},
		{"no pre-trust", rank(trust.PreTrust{}, trust.Options{}), "sybils"},
		{"seed outside", seed(trust.Seed{Node: 3}), "seed 3"},
		{"seed below zero", seed(trust.Seed{Node: 1, Weight: -1}), "weight -1"},
		{"pre-trust of another graph", rank(trust.Uniform(4), trust.Options{}), "4 nodes"},
		{"alpha over 1", rank(pre, trust.Options{Alpha: 1.5}), "alpha"},
		{"alpha not a number", rank(pre, trust.Options{Alpha: math.NaN()}), "alpha"},
		{"epsilon below zero", rank(pre, trust.Options{Epsilon: -1}), "epsilon"},
		{"not converged", rank(pre, trust.Options{MaxIterations: 3}), "allow more iterations"},
		{"weight not a number", make1(2, trust.Edge{Source: 0, Target: 1, Weight: math.NaN()}), "NaN"},
		{"weight infinite", make1(2, trust.Edge{Source: 0, Target: 1, Weight: math.Inf(-1)}), "-Inf"},
		{"weight too large", make1(2, trust.Edge{Source: 0, Target: 1, Weight: -1e13}), "1e+12"},
		{"weight too small", make1(2, trust.Edge{Source: 0, Target: 1, Weight: 1e-300}), "1e-12"},
		{"node outside", make1(2, trust.Edge{Source: 0, Target: 2, Weight: 1}), "2 nodes"},
		{"no nodes", make1(0, trust.Edge{}), "not 0"},
	} {
		if !fault.Is(c.err, fault.Invalid) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: got %v, want invalid saying %q", c.name, c.err, c.says)
		}
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := trust.EigenTrust(over, g, pre, trust.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context returned %v", err)
	}
}
