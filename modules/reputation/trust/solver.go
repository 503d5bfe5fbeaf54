package trust

import "math"

// blockSize is the work (nodes and edges) in a block. Each block has a partial
// sum of its own, and those are added in block order, so the result does not
// depend on the number of cores.
const blockSize = 1 << 13

// solver is the power iteration, fused: a pass reads each edge once and
// computes the next trust, its scaled form, the change and the dangling mass
// together.
//
// Products are converted to float64 before they are added: without that the
// compiler may fuse the two on arm64 and others, and round once instead of
// twice.
type solver[W float32 | float64] struct {
	g      *Graph
	weight []W
	pre    []float64
	per    []float64 // the trust that flows per unit of weight and of trust; 0 = dangling
	held   []float64 // the share of its trust that a node does not pass on; nil without a reserve
	blocks []uint32  // first node of each block, and the end

	trust, next           []float64
	scaled, nextScaled    []float64 // trust · per
	dangling              float64
	changes, danglingMass []float64 // per block: Σ (next−trust)², Σ next of dangling nodes
}

func newSolver[W float32 | float64](g *Graph, weight []W, pre PreTrust, reserve float64) *solver[W] {
	s := &solver[W]{
		g: g, weight: weight, pre: pre.share, blocks: g.blocks(pre),
		per: make([]float64, g.nodes), trust: make([]float64, g.nodes), next: make([]float64, g.nodes),
		scaled: make([]float64, g.nodes), nextScaled: make([]float64, g.nodes),
	}
	copy(s.trust, pre.share)
	if reserve > 0 {
		s.held = make([]float64, g.nodes)
	}
	s.changes = make([]float64, len(s.blocks)-1)
	s.danglingMass = make([]float64, len(s.blocks)-1)
	for b := range s.changes {
		for i := s.blocks[b]; i < s.blocks[b+1]; i++ {
			passed, whole := g.flowing(i, reserve)
			if passed > 0 {
				s.per[i] = 1 / whole
				s.scaled[i] = s.trust[i] * s.per[i]
			}
			if s.held != nil {
				s.held[i] = 1 - float64(passed*s.per[i])
			}
			s.danglingMass[b] += s.returns(i, s.trust[i])
		}
		s.dangling += s.danglingMass[b]
	}
	return s
}

// blocks divides the nodes into pieces of about the same work. Only nodes that
// the seeds reach, and edges from them, count as work: whoever is not reached
// has no trust and adds only zeros, and must not change, by where a block ends,
// even the last bit of anybody's score.
func (g *Graph) blocks(pre PreTrust) []uint32 {
	work := g.reached(pre)
	cut := []uint32{0}
	load := 0
	for i := range g.nodes {
		load += int(work[i])
		if load >= blockSize && i+1 < g.nodes {
			cut = append(cut, uint32(i+1))
			load = 0
		}
	}
	return append(cut, uint32(g.nodes))
}

// reached returns, for each node that trust can reach from the seeds, 1 and the
// statements of it by other such nodes, and 0 for the rest.
func (g *Graph) reached(pre PreTrust) []uint32 {
	work := make([]uint32, g.nodes)
	var queue []uint32
	for i, p := range pre.share {
		if p > 0 {
			work[i] = 1
			queue = append(queue, uint32(i))
		}
	}
	for len(queue) > 0 {
		j := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, target := range g.outTarget[g.outStart[j]:g.outStart[j+1]] {
			if work[target] == 0 {
				work[target] = 1
				queue = append(queue, target)
			}
			work[target]++
		}
	}
	return work
}

// step does one iteration and returns the L2 size of the change.
func (s *solver[W]) step(alpha float64, workers int) float64 {
	returned := alpha + float64((1-alpha)*s.dangling)
	inParallel(workers, len(s.changes), func(b int) { s.pull(b, 1-alpha, returned) })
	change := 0.0
	s.dangling = 0
	for b := range s.changes {
		change += s.changes[b]
		s.dangling += s.danglingMass[b]
	}
	s.trust, s.next = s.next, s.trust
	s.scaled, s.nextScaled = s.nextScaled, s.scaled
	return math.Sqrt(change)
}

// pull computes a block's nodes. A node's sum goes over its sources in
// ascending order, whoever computes it.
func (s *solver[W]) pull(block int, passed, returned float64) {
	g, scaled := s.g, s.scaled
	change, left := 0.0, 0.0
	for i := s.blocks[block]; i < s.blocks[block+1]; i++ {
		from, to := g.start[i], g.split[i]
		sources := g.source[from:to]
		weights := s.weight[from:to:to]
		sum := 0.0
		for k, j := range sources {
			sum += float64(float64(weights[k]) * scaled[j])
		}
		t := float64(passed*sum) + float64(returned*s.pre[i])
		d := t - s.trust[i]
		change += float64(d * d)
		s.next[i] = t
		s.nextScaled[i] = t * s.per[i]
		left += s.returns(i, t)
	}
	s.changes[block] = change
	s.danglingMass[block] = left
}

// returns is the part of a node's trust that goes back to the seeds.
func (s *solver[W]) returns(i uint32, t float64) float64 {
	if s.held != nil {
		return float64(t * s.held[i])
	}
	if s.per[i] == 0 {
		return t
	}
	return 0
}
