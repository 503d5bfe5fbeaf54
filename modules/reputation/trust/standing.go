package trust

import (
	"banyan/platform/fault"
)

// The defaults of StandingOptions, chosen on the Bitcoin OTC ratings.
const (
	DefaultShrink   = 1.0
	DefaultDiscount = 0.5
)

// StandingOptions tunes Standing. The zero value is the defaults above; a
// negative number is no discount.
type StandingOptions struct {
	Shrink   float64 // k: how many average raters without an opinion everybody starts with; shrinks weak evidence to 0
	Discount float64 // how much more a distrusting rating weighs than a trusting one
	Scale    float64 // the weight that means full trust; 0 = the largest in the graph, in size
	Workers  int     // 0 = one per core; changes the speed, never the result
}

func (o StandingOptions) withDefaults(g *Graph) StandingOptions {
	if o.Shrink == 0 {
		o.Shrink = DefaultShrink
	}
	if o.Discount == 0 {
		o.Discount = DefaultDiscount
	}
	o.Discount = max(0, o.Discount)
	if o.Scale == 0 {
		o.Scale = g.scale
	}
	return o
}

// Check refuses options out of range with fault.Invalid.
func (o StandingOptions) Check() error {
	switch {
	case o.Shrink != 0 && !(o.Shrink >= MinWeight && o.Shrink <= MaxWeight):
		return fault.Newf(fault.Invalid, "shrink must be over 0 and finite, not %g: the default is %g", o.Shrink, DefaultShrink)
	case !(o.Discount <= MaxWeight):
		return fault.Newf(fault.Invalid, "the distrust discount must be 0 or more and finite, not %g: the default is %g", o.Discount, DefaultDiscount)
	case o.Scale != 0 && (o.Scale < 0 || !CheckWeight(o.Scale)):
		return fault.Newf(fault.Invalid, "the scale, the weight that means full trust, must be from %g to %g, not %g", MinWeight, MaxWeight, o.Scale)
	}
	return nil
}

// Standing returns every node's standing, the weighted mean of what trusted
// nodes state of it, good and bad:
//
//	            Σ t_j·f·r  −  Discount · Σ t_j·f·|r|   (the second over distrusting r)
//	standing = ───────────────────────────────────────
//	                   Σ t_j·f  +  Shrink/n
//
// over the raters j of the node: t_j is j's EigenTrust, r = weight/Scale
// clamped to −1…1, f = 2^(−age/half-life), n the number of nodes. It is 0 for a
// node that was never rated, at most 1, at least −(1+Discount). raters is the
// Trust of an EigenTrust Result over the same graph.
func Standing(g *Graph, raters []float64, opt StandingOptions) ([]float64, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	if len(raters) != g.nodes {
		return nil, fault.Newf(fault.Invalid, "there is trust for %d raters, the graph has %d nodes", len(raters), g.nodes)
	}
	opt = opt.withDefaults(g)
	scores := make([]float64, g.nodes)
	blocks := g.blocks()
	inParallel(opt.Workers, len(blocks)-1, func(b int) {
		for i := blocks[b]; i < blocks[b+1]; i++ {
			scores[i] = g.judge(i, raters, opt).score()
		}
	})
	return scores, nil
}

// verdict has the parts of one node's standing.
type verdict struct{ praise, blame, discount, evidence float64 }

func (v verdict) score() float64 { return (v.praise - v.blame - v.discount) / v.evidence }

func (g *Graph) judge(node uint32, raters []float64, opt StandingOptions) verdict {
	v := verdict{evidence: opt.Shrink / float64(g.nodes)}
	for k := g.start[node]; k < g.start[node+1]; k++ {
		weight, rating := g.rating(k, raters, opt.Scale)
		v.evidence += weight
		if rating > 0 {
			v.praise += weight * rating
		} else {
			v.blame -= weight * rating
		}
	}
	v.discount = opt.Discount * v.blame
	return v
}

// rating returns the weight of edge k, and its rating, from −1 to 1.
func (g *Graph) rating(k uint32, raters []float64, scale float64) (weight, rating float64) {
	j := g.source[k]
	weight, rating = raters[j], g.weightAt(k)/scale
	if g.fresh != nil {
		weight *= g.rowFresh[j] * float64(g.fresh[k])
		rating /= float64(g.fresh[k])
	}
	return weight, min(1, max(-1, rating))
}
