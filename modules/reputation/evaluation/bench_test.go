package evaluation_test

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"banyan/modules/reputation/evaluation"
	"banyan/modules/reputation/trust"
	"banyan/platform/testenv/testneeds"
)

// list is a real list of ratings; user 1 is its only seed.
type list struct {
	names *trust.Interner[string]
	edges []trust.Edge
	seed  uint32
}

func read(b testing.TB, file string) list {
	b.Helper()
	rows, err := csv.NewReader(bytes.NewReader(testneeds.ReadData(b, file))).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	l := list{names: trust.NewInterner[string](6000)}
	for _, row := range rows {
		weight, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			continue // the header
		}
		source, errS := l.names.Number(row[0])
		target, errT := l.names.Number(row[1])
		seconds, errTime := strconv.ParseFloat(row[3], 64)
		if errS != nil || errT != nil || errTime != nil {
			b.Fatal(errS, errT, errTime)
		}
		l.edges = append(l.edges, trust.Edge{Source: source, Target: target, Weight: weight, Time: int64(seconds * 1000)})
	}
	l.seed, _ = l.names.Lookup("1")
	return l
}

func rank(b testing.TB, nodes int, edges []trust.Edge, seed uint32, method string) trust.Ranking {
	b.Helper()
	all := &trust.Edges{}
	for _, e := range edges {
		e.Time = trust.NoTime
		if err := all.Add(e); err != nil {
			b.Fatal(err)
		}
	}
	g, err := trust.NewGraph(nodes, all, trust.Decay{})
	if err != nil {
		b.Fatal(err)
	}
	pre, err := trust.Seeded(nodes, []trust.Seed{{Node: seed}})
	if err != nil {
		b.Fatal(err)
	}
	p := trust.Standard()
	p.Method = method
	r, err := trust.Rank(b.Context(), g, pre, p, trust.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// meanRating is the baseline that most sites have: the mean of all ratings.
func meanRating(nodes int, edges []trust.Edge) []float64 {
	sum, count := make([]float64, nodes), make([]float64, nodes)
	for _, e := range edges {
		sum[e.Target] += e.Weight
		count[e.Target]++
	}
	for i := range sum {
		sum[i] /= max(1, count[i])
	}
	return sum
}

// BenchmarkQuality reports the AUC of each method by each protocol, with its 95 %
// interval: a mean of the ratings, seeded EigenTrust, and the default.
func BenchmarkQuality(b *testing.B) {
	otc, alpha := read(b, "trust/bitcoin-otc.csv"), read(b, "trust/bitcoin-alpha.csv")
	labels := evaluation.Labels{}
	for line := range strings.Lines(string(testneeds.ReadData(b, "trust/otc_labels_dev.csv"))) {
		id, label, _ := strings.Cut(strings.TrimSpace(line), ",")
		if node, known := otc.names.Lookup(id); known {
			labels[node] = label == "1"
		}
	}
	measure := func(name string, l list, p evaluation.Protocol) {
		for _, method := range []string{"mean", trust.MethodEigenTrust, trust.MethodBanyan} {
			b.Run(name+"/"+method, func(b *testing.B) {
				values := meanRating(l.names.Len(), p.Seen)
				if method != "mean" {
					values = rank(b, l.names.Len(), p.Seen, l.seed, method).Value
				}
				e := evaluation.Measure(p.Cases, func(s uint32) float64 { return values[s] })
				for b.Loop() {
					continue // the figures are what counts
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(e.AUC, "AUC")
				b.ReportMetric(e.Low, "low")
				b.ReportMetric(e.High, "high")
			})
		}
	}
	for _, p := range evaluation.Protocols(otc.edges, []uint32{otc.seed}, labels) {
		if p.Name == "time" {
			p.Name = "D"
		}
		measure(strings.ReplaceAll(p.Name, " ", "-"), otc, p)
	}
	measure("E", alpha, evaluation.ByTime(alpha.edges, 0.8, 1))
}

const sybils = 5000

// attacked adds accounts in a ring, each of which trusts the next three, and ten
// edges to them from users drawn at random.
func attacked(random *rand.Rand, l list) []trust.Edge {
	n := l.names.Len()
	all := slices.Clone(l.edges)
	for i := range sybils {
		for step := 1; step <= 3; step++ {
			all = append(all, trust.Edge{Source: uint32(n + i), Target: uint32(n + (i+step)%sybils), Weight: 10})
		}
	}
	for range 10 {
		all = append(all, trust.Edge{Source: random.Uint32N(uint32(n)), Target: uint32(n) + random.Uint32N(sybils), Weight: 10})
	}
	return all
}

// BenchmarkResistance reports, over 12 draws, what part of the positive score (in
// percent) 5,000 sybils with 10 edges from outside take, and the place of the best.
func BenchmarkResistance(b *testing.B) {
	otc := read(b, "trust/bitcoin-otc.csv")
	n := otc.names.Len()
	for _, method := range []string{trust.MethodEigenTrust, trust.MethodBanyan} {
		b.Run(method, func(b *testing.B) {
			mean, worst, best := 0.0, 0.0, n
			for draw := range uint64(12) {
				value := rank(b, n+sybils, attacked(rand.New(rand.NewPCG(draw, 77)), otc), otc.seed, method).Value
				theirs, all := 0.0, 0.0
				for i, v := range value {
					if all += max(0, v); i >= n {
						theirs += max(0, v)
					}
				}
				place, top := 1, slices.Max(value[n:])
				for _, v := range value[:n] {
					if v > top {
						place++
					}
				}
				mean, worst, best = mean+100*theirs/all/12, max(worst, 100*theirs/all), min(best, place)
			}
			for b.Loop() {
				continue // the figures are what counts
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(mean, "mean-%")
			b.ReportMetric(worst, "worst-%")
			b.ReportMetric(float64(best), "best-place")
		})
	}
}

// BenchmarkSlander reports, over the same draws, the largest part (in percent) that a
// score of .2 or more loses when all 5,000 distrust 200 users: in the worst draw, in the
// median one, and in how many it is over 1 %.
func BenchmarkSlander(b *testing.B) {
	otc := read(b, "trust/bitcoin-otc.csv")
	n := otc.names.Len()
	var losses []float64
	over := 0.0
	for draw := range uint64(12) {
		random := rand.New(rand.NewPCG(draw, 77))
		edges := attacked(random, otc)
		before := rank(b, n+sybils, edges, otc.seed, trust.MethodBanyan).Value
		victims := random.Perm(n)[:200]
		for i := range sybils {
			for _, v := range victims {
				edges = append(edges, trust.Edge{Source: uint32(n + i), Target: uint32(v), Weight: -10})
			}
		}
		after := rank(b, n+sybils, edges, otc.seed, trust.MethodBanyan).Value
		loss := 0.0
		for i, v := range before[:n] {
			if v >= 0.2 {
				loss = max(loss, 100*(v-after[i])/v)
			}
		}
		if losses = append(losses, loss); loss > 1 {
			over++
		}
	}
	for b.Loop() {
		continue // the figures are what counts
	}
	slices.Sort(losses)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(losses[11], "worst-%")
	b.ReportMetric(losses[6], "median-%")
	b.ReportMetric(over, "draws-over-1%")
}

// Sybils without an edge from outside change nothing for anybody, not even the
// last bit, whatever they state of others.
func TestSybilsWithoutAnEdgeFromOutsideChangeNothing(t *testing.T) {
	otc := read(t, "trust/bitcoin-otc.csv")
	n := otc.names.Len()
	for _, method := range []string{trust.MethodEigenTrust, trust.MethodBanyan} {
		before := rank(t, n, otc.edges, otc.seed, method)
		edges := slices.Clone(otc.edges)
		random := rand.New(rand.NewPCG(5, 5))
		for i := range 3000 {
			from := uint32(n + i)
			edges = append(edges,
				trust.Edge{Source: from, Target: uint32(n + (i+1)%3000), Weight: 9.7},
				trust.Edge{Source: from, Target: random.Uint32N(uint32(n)), Weight: -1000},
				trust.Edge{Source: from, Target: random.Uint32N(uint32(n)), Weight: 0.3})
		}
		after := rank(t, n+3000, edges, otc.seed, method)
		if !slices.Equal(before.Value, after.Value[:n]) || before.Unit != after.Unit || before.Iterations != after.Iterations {
			t.Errorf("%s: sybils without any edge from outside moved scores", method)
		}
		for i, v := range after.Value[n:] {
			if v != 0 || after.Weight(uint32(n+i)) != 0 {
				t.Fatalf("%s: a sybil without an edge from outside has %g", method, v)
			}
		}
	}
}
