package trust

import (
	"cmp"
	"math"
	"slices"
)

// Contribution is the contribution of one edge to a node's score.
type Contribution struct {
	Source uint32
	Trust  float64 // the source's own trust, t_j
	Weight float64 // Trust: the part of it that flows over this edge, 0…1. Standing: the rating, −1…1
	Share  float64 // this edge's part of the score
}

// Explanation is a score in its parts: Score = Seed + Dangling + Σ Edges.Share
// + Residual.
type Explanation struct {
	Node     uint32
	Score    float64
	Seed     float64 // Trust only: for being a seed, α·p_i
	Dangling float64 // Trust only: from nodes that trust nobody, (1−α)·d·p_i
	// Edges by size of share, the largest first, ties by source. They include
	// edges from sources without trust, whose share is 0.
	Edges []Contribution
	// Residual is what the iteration had not converged yet; its size is below
	// epsilon for Trust, and only rounding (about 1e-16) for Standing.
	Residual float64
}

// Explainer explains scores of one graph. It is safe for concurrent use.
type Explainer struct {
	g        *Graph
	pre      PreTrust
	trust    []float64
	alpha    float64
	dangling float64
}

// NewExplainer returns an Explainer of trust, which EigenTrust must have
// computed from the same graph, pre-trust and options.
func NewExplainer(g *Graph, pre PreTrust, trust []float64, opt Options) *Explainer {
	e := &Explainer{g: g, pre: pre, trust: trust, alpha: opt.withDefaults().Alpha}
	for j, out := range g.out {
		if out == 0 {
			e.dangling += trust[j]
		}
	}
	return e
}

// Trust explains a node's EigenTrust.
func (e *Explainer) Trust(node uint32) Explanation {
	g := e.g
	x := Explanation{
		Node: node, Score: e.trust[node],
		Seed:     e.alpha * e.pre.share[node],
		Dangling: (1 - e.alpha) * e.dangling * e.pre.share[node],
	}
	for k := g.start[node]; k < g.split[node]; k++ {
		j := g.source[k]
		part := g.weightAt(k) / g.out[j]
		x.Edges = append(x.Edges, Contribution{
			Source: j, Trust: e.trust[j], Weight: part, Share: (1 - e.alpha) * e.trust[j] * part,
		})
	}
	return x.finish()
}

func (x Explanation) finish() Explanation {
	slices.SortFunc(x.Edges, func(a, b Contribution) int {
		if c := cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)); c != 0 {
			return c
		}
		return cmp.Compare(a.Source, b.Source)
	})
	x.Residual = x.Score - x.Seed - x.Dangling
	for _, c := range x.Edges {
		x.Residual -= c.Share
	}
	return x
}
