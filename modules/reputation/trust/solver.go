package trust

import "math"

// blockSize is the work (nodes and edges) in a block. Blocks depend on the
// graph alone, never by the number of cores, because each has a partial sum of
// its own and those are added in block order.
const blockSize = 1 << 13

// solver is the power iteration, fused: a pass reads each edge once and
// computes the next trust, its scaled form, the change and the dangling mass
// together.
type solver[W float32 | float64] struct {
	g      *Graph
	weight []W
	pre    []float64
	per    []float64 // 1/out: the trust that flows per unit of weight and of trust; 0 = dangling
	blocks []uint32  // first node of each block, and the end

	trust, next           []float64
	scaled, nextScaled    []float64 // trust · per
	dangling              float64
	changes, danglingMass []float64 // per block: Σ (next−trust)², Σ next of dangling nodes
}

func newSolver[W float32 | float64](g *Graph, weight []W, pre PreTrust, start []float64) *solver[W] {
	s := &solver[W]{
		g: g, weight: weight, pre: pre.share, blocks: g.blocks(),
		per: make([]float64, g.nodes), trust: start, next: make([]float64, g.nodes),
		scaled: make([]float64, g.nodes), nextScaled: make([]float64, g.nodes),
	}
	s.changes = make([]float64, len(s.blocks)-1)
	s.danglingMass = make([]float64, len(s.blocks)-1)
	for b := range s.changes {
		for i := s.blocks[b]; i < s.blocks[b+1]; i++ {
			if g.out[i] > 0 {
				s.per[i] = 1 / g.out[i]
				s.scaled[i] = start[i] * s.per[i]
			} else {
				s.danglingMass[b] += start[i]
			}
		}
		s.dangling += s.danglingMass[b]
	}
	return s
}

// blocks divides the nodes into pieces of about the same work.
func (g *Graph) blocks() []uint32 {
	cut := []uint32{0}
	load := 0
	for i := range g.nodes {
		load += 1 + int(g.split[i]-g.start[i])
		if load >= blockSize && i+1 < g.nodes {
			cut = append(cut, uint32(i+1))
			load = 0
		}
	}
	return append(cut, uint32(g.nodes))
}

// step does one iteration and returns the L2 size of the change.
func (s *solver[W]) step(alpha float64, workers int) float64 {
	returned := alpha + (1-alpha)*s.dangling
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
			sum += float64(weights[k]) * scaled[j]
		}
		t := passed*sum + returned*s.pre[i]
		d := t - s.trust[i]
		change += d * d
		s.next[i] = t
		s.nextScaled[i] = t * s.per[i]
		if s.per[i] == 0 {
			left += t
		}
	}
	s.changes[block] = change
	s.danglingMass[block] = left
}
