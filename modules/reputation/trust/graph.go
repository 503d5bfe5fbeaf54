package trust

import (
	"math"
	"slices"
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

// Decay weakens statements by age: weight · 2^(−age/HalfLife), age = At − Time,
// never below zero. The zero value means no decay. At is UTC milliseconds.
type Decay struct {
	HalfLife time.Duration
	At       int64
}

// Counts has what became of the edges given to NewGraph:
// Rows = Self + Repeated + Zero + Positive + Negative.
type Counts struct {
	Rows     int // edges given
	Self     int // dropped: source and target are the same
	Repeated int // dropped: a later one between the same two counts instead
	Zero     int // dropped: the weight is zero
	Positive int // pairs that trust
	Negative int // pairs that distrust: EigenTrust leaves them out, the method Banyan uses them
}

// Graph is a checked, immutable set of edges, who points at each node, with at
// most one between two nodes in a direction.
type Graph struct {
	nodes  int
	counts Counts
	scale  float64 // largest |weight| given

	// Node i's trusting sources are source[start[i]:split[i]], its distrusting
	// ones source[split[i]:start[i+1]], both ascending.
	start, split []uint32
	source       []uint32
	// One of the two: float32 where that loses nothing (ratings are small
	// integers), because it saves a third of the memory traffic.
	weight32 []float32
	weight64 []float64
	time     []int64 // nil where no edge has a time

	// Node j's targets, in the order in which they were stated, with those that
	// a later statement replaced.
	outStart, outTarget []uint32

	trusts, distrusts       []float64 // each node's sums of positive and of |negative| weights
	mostTrust, mostDistrust []float64 // the largest of them
	fading                  *fading   // nil without decay
}

// fading is what a half-life adds to a graph: 2^(−age/half-life). That of trust
// is relative to the row's freshest, so that a row of old statements alone does
// not underflow: EigenTrust divides by the row's sum, where it cancels out.
type fading struct {
	fresh  []float64 // per edge; of trust relative to the row's
	row    []float64 // per source: of its freshest trust
	trusts []float64 // per source: Σ weight · fresh of its positive edges
	most   []float64 // the largest of them
}

// NewGraph checks the edges, between nodes numbered below nodes, and keeps the
// last one of each pair. It does not keep or change the list. It fails with
// fault.Invalid on a number out of range.
func NewGraph(nodes int, edges *Edges, decay Decay) (*Graph, error) {
	if nodes <= 0 || int64(nodes) > math.MaxUint32 {
		return nil, fault.Newf(fault.Invalid, "a trust graph has 1 to %d nodes, not %d", uint32(math.MaxUint32), nodes)
	}
	if decay.HalfLife < 0 {
		return nil, fault.New(fault.Invalid, "the half-life must be longer than zero")
	}
	if err := edges.check(nodes); err != nil {
		return nil, err
	}
	g := &Graph{nodes: nodes, scale: edges.scale, counts: Counts{Rows: edges.rows, Self: edges.self}}
	if edges.narrow() {
		g.weight32 = arrange[float32](g, edges, decay)
	} else {
		g.weight64 = arrange[float64](g, edges, decay)
	}
	return g, nil
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

// weightAt returns the weight of edge k as it was given.
func (g *Graph) weightAt(k uint32) float64 {
	if g.weight32 != nil {
		return float64(g.weight32[k])
	}
	return g.weight64[k]
}

// freshness returns how much of edge k's weight its age has left, from 0 to 1.
func (g *Graph) freshness(k uint32) float64 {
	if g.fading == nil {
		return 1
	}
	if g.weightAt(k) < 0 {
		return g.fading.fresh[k]
	}
	return g.fading.fresh[k] * g.fading.row[g.source[k]]
}

// edgeTo returns the place of the edge from source to target, if there is one.
func (g *Graph) edgeTo(source, target uint32) (k uint32, ok bool) {
	for _, side := range [2][2]uint32{{g.start[target], g.split[target]}, {g.split[target], g.start[target+1]}} {
		if at, found := slices.BinarySearch(g.source[side[0]:side[1]], source); found {
			return side[0] + uint32(at), true
		}
	}
	return 0, false
}

// timeAt returns the time of edge k, or NoTime.
func (g *Graph) timeAt(k uint32) int64 {
	if g.time == nil {
		return NoTime
	}
	return g.time[k]
}

// targets returns node's targets, ascending, each once, among them those that
// a later statement of weight zero took back.
func (g *Graph) targets(node uint32) []uint32 {
	all := slices.Clone(g.outTarget[g.outStart[node]:g.outStart[node+1]])
	slices.Sort(all)
	return slices.Compact(all)
}
