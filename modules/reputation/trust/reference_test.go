package trust_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"banyan/modules/reputation/trust"
	"banyan/platform/testenv/testneeds"
)

// naive is EigenTrust as the paper defines it: maps, pushing along every edge,
// nothing shared with the package. It stops by the same rule.
func naive(edges []trust.Edge, seeds map[uint32]float64, alpha, epsilon float64) (map[uint32]float64, int) {
	local, out := map[uint32]map[uint32]float64{}, map[uint32]float64{}
	for _, e := range edges {
		if e.Source == e.Target {
			continue
		}
		if local[e.Source] == nil {
			local[e.Source] = map[uint32]float64{}
		}
		local[e.Source][e.Target] = e.Weight // the later statement counts
	}
	for i, row := range local {
		for _, w := range row {
			out[i] += max(0, w)
		}
	}
	t := seeds
	for step := 1; ; step++ {
		next := map[uint32]float64{}
		returned := alpha
		for i, ti := range t {
			if out[i] == 0 {
				returned += (1 - alpha) * ti
				continue
			}
			for j, w := range local[i] {
				next[j] += (1 - alpha) * ti * max(0, w) / out[i]
			}
		}
		change := 0.0
		for s, p := range seeds {
			next[s] += returned * p
		}
		for j, v := range next {
			change += (v - t[j]) * (v - t[j])
		}
		if t = next; math.Sqrt(change) <= epsilon {
			return t, step
		}
	}
}

// bitcoinOTC is 35,592 real ratings of −10…10 between 5,881 traders.
func bitcoinOTC(t testing.TB) (*trust.Interner[string], []trust.Edge) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(testneeds.ReadData(t, "trust/bitcoin-otc.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := trust.NewInterner[string](6000)
	edges := make([]trust.Edge, len(rows))
	for i, row := range rows {
		source, errS := names.Number(row[0])
		target, errT := names.Number(row[1])
		weight, errW := strconv.ParseFloat(row[2], 64)
		seconds, errTime := strconv.ParseFloat(row[3], 64)
		for _, err := range []error{errS, errT, errW, errTime} {
			if err != nil {
				t.Fatalf("row %d: %v", i+1, err)
			}
		}
		edges[i] = trust.Edge{Source: source, Target: target, Weight: weight, Time: int64(seconds * 1000)}
	}
	return names, edges
}

// community is n nodes who trust each other at random, with some distrust.
func community(random *rand.Rand, n, edges int) []trust.Edge {
	made := make([]trust.Edge, edges)
	for i := range made {
		// Squaring makes some nodes much more popular than others.
		popular := random.Float64()
		made[i] = trust.Edge{
			Source: random.Uint32N(uint32(n)), Target: uint32(popular * popular * float64(n)),
			Weight: float64(random.IntN(12) - 2), Time: int64(random.IntN(1e9)) * 1000,
		}
	}
	return made
}

// withSybils adds accounts that all trust each other, and edges to them from
// deceived members.
func withSybils(random *rand.Rand, edges []trust.Edge, n, sybils, attacks int) []trust.Edge {
	all := append([]trust.Edge(nil), edges...)
	sybil := func(i int) uint32 { return uint32(n + i%sybils) }
	for i := range sybils {
		for _, step := range []int{1, 2, 3} {
			all = append(all, trust.Edge{Source: sybil(i), Target: sybil(i + step), Weight: 10, Time: trust.NoTime})
		}
	}
	for i := range attacks {
		all = append(all, trust.Edge{Source: random.Uint32N(uint32(n)), Target: sybil(i), Weight: 5, Time: trust.NoTime})
	}
	return all
}
