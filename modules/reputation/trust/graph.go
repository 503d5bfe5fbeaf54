// Package trust computes scores from who trusts whom, and explains each score.
// It is pure: no I/O, no clock, no module.
//
//	nodes are dense uint32 numbers (Interner makes them from names or wallets)
//	g, _      := trust.NewGraph(nodes, edges, trust.Decay{})
//	seeds, _  := trust.Seeded(nodes, []trust.Seed{{Node: 0}, {Node: 7}})
//	result, _ := trust.EigenTrust(ctx, g, seeds, trust.Options{})
//	standing  := trust.Standing(g, result.Trust, trust.StandingOptions{})
//	why       := trust.NewExplainer(g, seeds, result.Trust, trust.Options{}).Trust(42)
//
// Results are the same bits on any number of cores and for any order of the
// edges: every sum has a fixed order.
package trust

import (
	"math"
	"time"

	"banyan/platform/fault"
)

// NoTime is the time of an edge that has none: it never decays.
const NoTime int64 = math.MinInt64

// MaxWeight and MinWeight bound the size of a weight other than zero, so that
// no row's sum can overflow and no reciprocal of one either.
const (
	MaxWeight = 1e12
	MinWeight = 1e-12
)

// Edge is one statement: Source trusts (positive weight) or distrusts
// (negative weight) Target. Time is UTC milliseconds, or NoTime.
type Edge struct {
	Source, Target uint32
	Weight         float64
	Time           int64
}

// Decay weakens statements by age: weight · 2^(−age/HalfLife), age = At − Time,
// never below zero. The zero value means no decay. At is UTC milliseconds.
type Decay struct {
	HalfLife time.Duration
	At       int64
}

// Counts has what became of the edges given to NewGraph:
// Rows = Self + Zero + Repeated + Vanished + Positive + Negative.
type Counts struct {
	Rows     int // edges given
	Self     int // dropped: source and target are the same
	Zero     int // dropped: the weight is zero
	Repeated int // added into an earlier edge between the same two
	Vanished int // pairs whose weights add up to zero
	Positive int // pairs that trust
	Negative int // pairs that distrust; EigenTrust leaves them out, Standing uses them
}

// Graph is a checked, merged, immutable set of edges in pull form: who points
// at each node. Edges between the same two nodes add up, as in the EigenTrust
// paper's s_ij = Σ tr_ij (Kamvar, Schlosser, Garcia-Molina, WWW 2003), each
// decayed by its own age first.
type Graph struct {
	nodes  int
	counts Counts
	scale  float64 // largest |weight| of one edge given, undecayed

	// Node i's trusting sources are source[start[i]:split[i]], its distrusting
	// ones source[split[i]:start[i+1]], both ascending.
	start, split []uint32
	source       []uint32
	// One of the two: float32 where that loses nothing (ratings are small
	// integers), because it saves a third of the memory traffic.
	weight32 []float32
	weight64 []float64

	out []float64 // each node's sum of positive weights given; 0 = dangling
	// With a half-life a row's weights are kept relative to the row's freshest
	// edge, so that an old row never underflows: real = stored · rowFresh.
	fresh    []float32 // per edge: of its freshest statement; nil without decay
	rowFresh []float64 // per source; nil without decay
}

// NewGraph checks and merges edges between nodes numbered below nodes. It does
// not keep or change the slice. Fails with fault.Invalid on a number out of
// range, or a weight that is not finite or not between MinWeight and MaxWeight.
func NewGraph(nodes int, edges []Edge, decay Decay) (*Graph, error) {
	if nodes <= 0 || int64(nodes) > math.MaxUint32 {
		return nil, fault.Newf(fault.Invalid, "a trust graph has 1 to %d nodes, not %d", uint32(math.MaxUint32), nodes)
	}
	if int64(len(edges)) > math.MaxUint32 {
		return nil, fault.Newf(fault.TooLarge, "a trust graph has at most %d edges, not %d", uint32(math.MaxUint32), len(edges))
	}
	if decay.HalfLife < 0 {
		return nil, fault.New(fault.Invalid, "the half-life must be longer than zero")
	}
	g := &Graph{nodes: nodes, counts: Counts{Rows: len(edges)}}
	if err := g.check(edges); err != nil {
		return nil, err
	}
	rows := groupBySource(nodes, edges)
	g.merge(rows, decay)
	g.transpose(rows)
	return g, nil
}

// check refuses edges that no sum could hold, and counts those that are dropped.
func (g *Graph) check(edges []Edge) error {
	for i, e := range edges {
		size := math.Abs(e.Weight)
		switch {
		case int(e.Source) >= g.nodes || int(e.Target) >= g.nodes:
			return fault.Newf(fault.Invalid, "edge %d joins %d and %d, but the graph has %d nodes", i, e.Source, e.Target, g.nodes)
		case e.Weight == 0:
			if e.Source != e.Target {
				g.counts.Zero++
			}
		case !CheckWeight(e.Weight):
			return fault.Newf(fault.Invalid, "edge %d has the weight %g: a weight is 0, or from %g to %g in size", i, e.Weight, MinWeight, MaxWeight)
		}
		if e.Source == e.Target {
			g.counts.Self++
		} else if size > g.scale {
			g.scale = size
		}
	}
	return nil
}

// CheckWeight reports whether a weight can be used: 0, or from MinWeight to
// MaxWeight in size.
func CheckWeight(w float64) bool {
	size := math.Abs(w)
	return w == 0 || (size >= MinWeight && size <= MaxWeight) // NaN fails both
}

// Nodes returns the number of nodes.
func (g *Graph) Nodes() int { return g.nodes }

// Counts returns what became of the edges given to NewGraph.
func (g *Graph) Counts() Counts { return g.counts }

// weightAt returns a stored weight, relative to its source's row (see fresh).
func (g *Graph) weightAt(k uint32) float64 {
	if g.weight32 != nil {
		return float64(g.weight32[k])
	}
	return g.weight64[k]
}
