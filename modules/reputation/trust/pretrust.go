package trust

import (
	"cmp"
	"slices"

	"banyan/platform/fault"
)

// Seed is a node that is trusted before there are any edges: a founder, a
// moderator, a well-known member. Weight 0 counts as 1.
type Seed struct {
	Node   uint32
	Weight float64
}

// PreTrust is the distribution of trust before any edges: the vector p of
// EigenTrust, not negative, with the sum 1. Seeded makes it.
type PreTrust struct{ share []float64 }

// Seeded returns the pre-trust in which each seed has a share by its weight. A
// seed named twice has the sum of its weights. It fails with fault.Invalid
// without seeds: see NoSeeds.
func Seeded(nodes int, seeds []Seed) (PreTrust, error) {
	if len(seeds) == 0 {
		return PreTrust{}, NoSeeds()
	}
	// Sorted, so that the sum does not depend on the order they were named in.
	seeds = slices.Clone(seeds)
	slices.SortFunc(seeds, func(a, b Seed) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Weight, b.Weight))
	})
	share := make([]float64, nodes)
	total := 0.0
	for _, s := range seeds {
		if int(s.Node) >= nodes {
			return PreTrust{}, fault.Newf(fault.Invalid, "seed %d is not among the %d nodes of the graph", s.Node, nodes)
		}
		if s.Weight < 0 || !CheckWeight(s.Weight) {
			return PreTrust{}, fault.Newf(fault.Invalid, "seed %d has the weight %g: a seed's weight is from %g to %g", s.Node, s.Weight, MinWeight, MaxWeight)
		}
		if s.Weight == 0 {
			s.Weight = 1
		}
		share[s.Node] += s.Weight
		total += s.Weight
	}
	for i := range share {
		share[i] /= total
	}
	return PreTrust{share}, nil
}

// NoSeeds returns the fault of ranking without seeds.
func NoSeeds() error {
	return fault.New(fault.Invalid, "no seeds were given: without them every node is trusted alike from the start, "+
		"and who creates the most accounts (sybils) gets most of the trust. "+
		"Name a few nodes that the community is sure of, for example founders and moderators")
}

// Uniform returns the pre-trust that is the same for every node. It is open to
// sybils: 5,000 of them with 10 edges from outside take half of all trust in a
// graph of 5,881. Use it only to compare, never as a default.
func Uniform(nodes int) PreTrust {
	share := make([]float64, nodes)
	for i := range share {
		share[i] = 1 / float64(nodes)
	}
	return PreTrust{share}
}

// Of returns a node's share of the pre-trust.
func (p PreTrust) Of(node uint32) float64 { return p.share[node] }
