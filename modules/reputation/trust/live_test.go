package trust_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
)

// What is followed between two rankings is what the next ranking finds, of the nodes
// that it moves and of all others, for ratings that are made, changed and taken back.
func TestLiveFollowsWhatTheNextRankingFinds(t *testing.T) {
	const n = 3000
	random := rand.New(rand.NewPCG(9, 1))
	base := community(random, n, 12*n)
	for _, c := range []struct {
		method string
		decay  trust.Decay
	}{
		{trust.MethodBanyan, trust.Decay{}}, {trust.MethodEigenTrust, trust.Decay{}}, {trust.MethodBanyan, trust.Decay{HalfLife: 20_000 * 24 * time.Hour, At: 1e12}},
	} {
		p := trust.Standard()
		p.Method = c.method
		rank := func(nodes int, edges []trust.Edge) (*trust.Graph, trust.PreTrust, trust.Ranking) {
			g, err := trust.NewGraph(nodes, listed(t, edges), c.decay)
			if err != nil {
				t.Fatal(err)
			}
			pre := seeded(t, nodes, 0, 1, 2)
			return g, pre, ranked(t, g, pre, p)
		}
		g, pre, r := rank(n, base)
		live := trust.NewLive(g, pre, r, trust.Options{})
		edges, nodes := slices.Clone(base), n
		set := func(source, target uint32, weight float64) {
			t.Helper()
			edges = append(edges, trust.Edge{Source: source, Target: target, Weight: weight, Time: c.decay.At})
			if _, err := live.Set(source, target, weight); err != nil {
				t.Fatal(err)
			}
		}
		stranger := live.Add()
		nodes++
		set(1, stranger, 8)
		set(stranger, 40, -10)
		for range 40 {
			set(random.Uint32N(n), random.Uint32N(n), float64(random.IntN(21)-10))
		}
		set(1, stranger, 0)
		set(2, stranger, 5)
		_, _, after := rank(nodes, edges)
		worst, sum, moved, change := 0.0, 0.0, 0, 0.0
		for node := range uint32(nodes) {
			off := math.Abs(after.Value[node] - live.Value(node))
			worst, sum = max(worst, off), sum+off
			if int(node) < n {
				change += math.Abs(after.Value[node] - r.Value[node])
				if math.Abs(after.Value[node]-r.Value[node]) > 0.01 {
					moved++
				}
			}
		}
		t.Logf("%s: off by %.2g at most and by %.2g of all change, %d moved", c.method, worst, sum/change, moved)
		// The unit and the conduct of others are followed by the next ranking only.
		of := 1.0
		if c.method == trust.MethodEigenTrust {
			of = 0.2
		}
		if worst > 0.08*of || sum > of*change {
			t.Errorf("%s: the values are up to %g off those of the next ranking, and %g of what it changed", c.method, worst, sum/change)
		}
		for _, rated := range []uint32{stranger, 40} {
			if off := math.Abs(after.Value[rated] - live.Value(rated)); off > 0.02*of {
				t.Errorf("%s: %d was rated again, and is %g off", c.method, rated, off)
			}
		}
	}
}

func TestLiveFollowsNoNodeWithVeryManyRatings(t *testing.T) {
	var edges []trust.Edge
	for to := range uint32(trust.MaxLiveRow) {
		edges = append(edges, trust.Edge{Source: 0, Target: to + 1, Weight: 1, Time: trust.NoTime})
	}
	g, pre := graph(t, trust.MaxLiveRow+1, edges), seeded(t, trust.MaxLiveRow+1, 0)
	live := trust.NewLive(g, pre, ranked(t, g, pre, trust.Standard()), trust.Options{})
	before := live.Value(7)
	if moved, err := live.Set(0, 7, 5); !fault.Is(err, fault.TooLarge) || len(moved) != 0 || live.Value(7) != before {
		t.Errorf("%d moved, %v", len(moved), err)
	}
	if moved, err := live.Set(7, 9, 5); err != nil || len(moved) == 0 {
		t.Errorf("one with few ratings: %d moved, %v", len(moved), err)
	}
}
