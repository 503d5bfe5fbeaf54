package trust

// Bound is how much trust a set of nodes can hold. A walk that follows trust
// from the seeds, and ends at each step with the chance α, enters the set over
// edges from outside alone and then makes at most 1/α steps in it, whatever its
// members state of each other and however many they are. So
//
//	Held <= Limit = (Inflow + Seeded) / α, and at most 1
//
// with Inflow = (1−α)·Σ t_j·c_ji over the edges from outside, and Seeded the
// members' share of the pre-trust. Source: Cheng and Friedman, "Sybilproof
// Reputation Mechanisms", P2PECON 2005; the argument for walks with restarts is
// that of Alvisi et al., "The Evolution of Sybil Defense via Social Networks",
// IEEE S&P 2013.
type Bound struct {
	Members int
	Held    float64 // share of all trust
	Inflow  float64 // share of all trust that flows in, in a step
	Seeded  float64
	Limit   float64
	Weight  float64 // Σ of the members' weights
	// Edges are those of trust from outside, by what flows over them, the largest
	// first. Contribution.Node is outside, Into the member.
	Edges []Inflow
}

// Inflow is an edge from outside into a set.
type Inflow struct {
	Contribution
	Into uint32
}

// BoundOf returns the bound of a set; r must be Rank's of the same graph,
// pre-trust and options. A member named twice counts once.
func BoundOf(g *Graph, pre PreTrust, r Ranking, opt Options, members []uint32) Bound {
	opt = opt.WithDefaults()
	inside := make([]bool, g.nodes)
	var b Bound
	for _, i := range members {
		if inside[i] {
			continue
		}
		inside[i] = true
		b.Members++
		b.Held += r.Trust[i]
		b.Weight += r.Weight(i)
		b.Seeded += pre.share[i]
	}
	for i := range uint32(g.nodes) {
		if !inside[i] {
			continue
		}
		for k := g.start[i]; k < g.split[i]; k++ {
			j := g.source[k]
			if inside[j] {
				continue
			}
			flow := float64((1-opt.Alpha)*r.Trust[j]) * g.part(k, r.parameters.Reserve)
			b.Inflow += flow
			b.Edges = append(b.Edges, Inflow{Contribution{Node: j, Trust: r.Trust[j], Weight: g.weightAt(k), Time: g.timeAt(k), Share: flow}, i})
		}
	}
	b.Limit = min(1, (b.Inflow+b.Seeded)/opt.Alpha)
	sortInflows(b.Edges)
	return b
}

// part returns the share of its source's trust that flows over edge k.
func (g *Graph) part(k uint32, reserve float64) float64 {
	passed, whole := g.flowing(g.source[k], reserve)
	if passed <= 0 { // where age has left nothing of a whole row
		return 0
	}
	part := g.weightAt(k) / whole
	if g.fading != nil {
		part = float64(part * g.fading.fresh[k])
	}
	return part
}
