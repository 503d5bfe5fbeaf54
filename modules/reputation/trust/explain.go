package trust

import (
	"cmp"
	"math"
	"slices"
)

// Contribution is the contribution of one edge to a node's score.
type Contribution struct {
	Node   uint32  // who rated it, or in Conduct whom it rated
	Trust  float64 // the rater's own trust
	Weight float64 // as stated
	Time   int64   // when, in UTC milliseconds, or NoTime
	Share  float64 // this edge's part of the score
}

// Explanation is a score in its parts: Value = Seed + Dangling + Σ Edges.Share +
// Σ Conduct.Share + Residual.
type Explanation struct {
	Node     uint32
	Value    float64
	Seed     float64 // for being a seed
	Dangling float64 // eigentrust: as a seed, from nodes that trust nobody
	// Edges are the ratings of the node, by size of share, the largest first,
	// ties by source. They include those of sources without trust, whose share
	// is 0.
	Edges []Contribution
	// Conduct are the node's own ratings that trusted nodes contradict.
	Conduct []Contribution
	// Residual is what the iteration had not converged yet, with eigentrust; its
	// size is below epsilon. With banyan only rounding, about 1e-16.
	Residual float64
}

// Explainer explains the scores of one graph. It is safe for concurrent use.
type Explainer struct {
	g        *Graph
	pre      PreTrust
	r        Ranking
	alpha    float64
	dangling float64
}

// NewExplainer returns an Explainer of r, which Rank must have computed from the
// same graph, pre-trust and options.
func NewExplainer(g *Graph, pre PreTrust, r Ranking, opt Options) *Explainer {
	e := &Explainer{g: g, pre: pre, r: r, alpha: opt.WithDefaults().Alpha}
	for i := range uint32(g.nodes) {
		if passed, _ := g.flowing(i, 0); passed == 0 {
			e.dangling += r.Trust[i]
		}
	}
	return e
}

// Of explains a node's score.
func (e *Explainer) Of(node uint32) Explanation {
	x := Explanation{Node: node, Value: e.r.Value[node]}
	if e.r.judged == nil {
		e.trust(&x)
	} else {
		e.judged(&x)
	}
	largestFirst(x.Edges)
	largestFirst(x.Conduct)
	x.Residual = x.Value - x.Seed - x.Dangling
	for _, list := range [][]Contribution{x.Edges, x.Conduct} {
		for _, c := range list {
			x.Residual -= c.Share
		}
	}
	return x
}

func (e *Explainer) trust(x *Explanation) {
	g := e.g
	x.Seed = float64(e.alpha * e.pre.share[x.Node])
	x.Dangling = float64((1-e.alpha)*e.dangling) * e.pre.share[x.Node]
	for k := g.start[x.Node]; k < g.split[x.Node]; k++ {
		j := g.source[k]
		x.Edges = append(x.Edges, Contribution{
			Node: j, Trust: e.r.Trust[j], Weight: g.weightAt(k), Time: g.timeAt(k), Share: float64((1-e.alpha)*e.r.Trust[j]) * g.part(k, 0),
		})
	}
}

func (e *Explainer) judged(x *Explanation) {
	g, j := e.g, e.r.judged
	standing := j.evidence[x.Node] > 0
	share := func(part, whole float64) float64 {
		if !standing {
			return 0
		}
		return part / whole
	}
	whole := j.evidence[x.Node] + j.doubt
	x.Seed = share(j.operatorOf(x.Node), whole)
	for k := g.start[x.Node]; k < g.start[x.Node+1]; k++ {
		source := g.source[k]
		x.Edges = append(x.Edges, Contribution{
			Node: source, Trust: e.r.Trust[source], Weight: g.weightAt(k), Time: g.timeAt(k), Share: share(j.contribution(k), whole),
		})
	}
	for _, target := range g.targets(x.Node) {
		k, ok := g.edgeTo(x.Node, target)
		if !ok || !standing {
			continue
		}
		if against := float64(j.p.Conduct * j.against(k, target)); against < 0 {
			x.Conduct = append(x.Conduct, Contribution{
				Node: target, Trust: e.r.Trust[x.Node], Weight: g.weightAt(k), Time: g.timeAt(k), Share: against / j.rated[x.Node],
			})
		}
	}
}

// Contributes returns what a rating of this weight and freshness by a node contributes
// to whom it rates, beside all that the node states.
func (e *Explainer) Contributes(source uint32, weight, fresh float64) float64 {
	if j := e.r.judged; j != nil {
		c := j.blame[source] * weight
		if weight > 0 {
			c = j.praise[source] * weight
		}
		return min(j.most, max(-j.most, c*fresh))
	}
	given := e.g.trusts[source]
	if weight <= 0 || given <= 0 {
		return 0
	}
	return (1 - e.alpha) * e.r.Trust[source] * weight * fresh / given
}

func largestFirst(list []Contribution) { slices.SortFunc(list, bySize) }

func sortInflows(list []Inflow) {
	slices.SortFunc(list, func(a, b Inflow) int {
		return cmp.Or(bySize(a.Contribution, b.Contribution), cmp.Compare(a.Into, b.Into))
	})
}

func bySize(a, b Contribution) int {
	return cmp.Or(cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)), cmp.Compare(a.Node, b.Node))
}
