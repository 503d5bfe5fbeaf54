package trust_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"banyan/modules/reputation/trust"
)

// BenchmarkBitcoinOTC ranks 5,881 traders beside the maps of the naive
// computation, in the same run.
func BenchmarkBitcoinOTC(b *testing.B) {
	names, edges := bitcoinOTC(b)
	beside(b, names.Len(), edges, func(founder uint32) {
		naive(edges, map[uint32]float64{founder: 1}, trust.DefaultAlpha, trust.DefaultEpsilon)
	})
}

// BenchmarkMillion ranks 1,000,000 nodes with 10,000,000 edges beside a plain
// loop over an edge list already in memory and normalised, the best that can be
// done without transposing the matrix.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	edges := community(rand.New(rand.NewPCG(1, 1)), n, 10*n)
	list := listed(b, edges)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, err := trust.NewGraph(n, list, trust.Decay{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	pushed := normalised(n, edges)
	for _, weights := range []string{"float32", "float64"} {
		if weights == "float64" {
			edges[0].Weight = 0.1 // not a float32, so all are kept as float64
		}
		b.Run(weights, func(b *testing.B) {
			beside(b, n, edges, func(founder uint32) { push(n, pushed, founder) })
		})
	}
}

// BenchmarkLiveMillion follows one rating after another on 1,000,000 nodes with
// 10,000,000 edges, after a ranking: what is shown between two epochs.
func BenchmarkLiveMillion(b *testing.B) {
	const n = 1_000_000
	random := rand.New(rand.NewPCG(1, 1))
	g, pre := graph(b, n, community(random, n, 10*n)), seeded(b, n, 0, 1, 2)
	live := trust.NewLive(g, pre, ranked(b, g, pre, trust.Standard()), trust.Options{})
	var took []time.Duration
	moved := 0
	for b.Loop() {
		popular := random.Float64()
		start := time.Now()
		list, err := live.Set(uint32(popular*popular*n), random.Uint32N(n), float64(random.IntN(21)-10))
		if err != nil {
			b.Fatal(err)
		}
		took, moved = append(took, time.Since(start)), moved+len(list)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100])/float64(time.Millisecond), "p99-ms")
	b.ReportMetric(float64(took[len(took)-1])/float64(time.Millisecond), "worst-ms")
	b.ReportMetric(float64(moved)/float64(b.N), "judged")
}

// beside times EigenTrust with one seed, then the baseline once, and reports
// how many times faster it was and the iteration's own time.
func beside(b *testing.B, n int, edges []trust.Edge, baseline func(founder uint32)) {
	const founder = 0
	g, pre := graph(b, n, edges), seeded(b, n, founder)
	iterations := 0
	for b.Loop() {
		r, err := trust.EigenTrust(context.Background(), g, pre, trust.Options{})
		if err != nil {
			b.Fatal(err)
		}
		iterations = r.Iterations
	}
	own := b.Elapsed() / time.Duration(b.N)
	start := time.Now()
	baseline(founder)
	b.ReportMetric(float64(time.Since(start))/float64(own), "x-naive")
	b.ReportMetric(float64(own)/float64(time.Millisecond)/float64(iterations), "ms/iteration")
	b.ReportMetric(float64(iterations), "iterations")
}

// normalised drops the edges that do not count and divides by the row's sum.
func normalised(n int, edges []trust.Edge) []trust.Edge {
	out := make([]float64, n)
	var list []trust.Edge
	for _, e := range edges {
		if e.Source != e.Target && e.Weight > 0 {
			out[e.Source] += e.Weight
			list = append(list, e)
		}
	}
	for i := range list {
		list[i].Weight /= out[list[i].Source]
	}
	return list
}

// push iterates over an edge list.
func push(n int, list []trust.Edge, founder uint32) []float64 {
	dangling := make([]bool, n)
	for i := range dangling {
		dangling[i] = true
	}
	for _, e := range list {
		dangling[e.Source] = false
	}
	t, next := make([]float64, n), make([]float64, n)
	t[founder] = 1
	for {
		clear(next)
		for _, e := range list {
			next[e.Target] += (1 - trust.DefaultAlpha) * t[e.Source] * e.Weight
		}
		next[founder] += trust.DefaultAlpha
		change := 0.0
		for i := range next {
			if dangling[i] {
				next[founder] += (1 - trust.DefaultAlpha) * t[i]
			}
		}
		for i := range next {
			change += (next[i] - t[i]) * (next[i] - t[i])
		}
		if t, next = next, t; math.Sqrt(change) <= trust.DefaultEpsilon {
			return t
		}
	}
}
