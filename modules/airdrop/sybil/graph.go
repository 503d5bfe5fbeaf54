package sybil

import (
	"cmp"
	"slices"

	"banyan/platform/wallet"
)

// NoTime is the time of a transfer whose time is not known.
const NoTime int64 = -1 << 63

// Transfers are who sent to whom, and when. The zero value has none. Amounts have no
// place here: what matters is who deals with whom.
type Transfers struct {
	numbers  map[wallet.Address]uint32
	wallets  []wallet.Address // by number
	from, to []uint32
	times    []int64 // nil while no transfer has one
	self     int     // transfers of a wallet to itself
}

// Add adds one transfer; at is in seconds since 1970, or NoTime.
func (t *Transfers) Add(from, to wallet.Address, at int64) {
	a, b := t.number(from), t.number(to)
	if a == b {
		t.self++
		return
	}
	if at != NoTime && t.times == nil {
		t.times = slices.Repeat([]int64{NoTime}, len(t.from))
	}
	t.from, t.to = append(t.from, a), append(t.to, b)
	if t.times != nil {
		t.times = append(t.times, at)
	}
}

// Len returns the number of transfers, without those of wallets to themselves.
func (t *Transfers) Len() int { return len(t.from) }

// Timed reports whether any transfer has a time.
func (t *Transfers) Timed() bool { return t.times != nil }

func (t *Transfers) number(w wallet.Address) uint32 {
	if n, ok := t.numbers[w]; ok {
		return n
	}
	if t.numbers == nil {
		t.numbers = make(map[wallet.Address]uint32)
	}
	n := uint32(len(t.wallets))
	t.numbers[w] = n
	t.wallets = append(t.wallets, w)
	return n
}

// graph is who deals with whom: undirected, each pair once, without what says
// nothing. Its nodes are in the order of their addresses, so that nothing depends on
// the order of the rows.
type graph struct {
	wallets    []wallet.Address
	candidates []bool
	start      []uint64  // of a node's neighbours; one more at the end
	neighbours []uint32  // of each node in order
	weights    []float64 // of the edge to each neighbour
}

func (g *graph) of(node uint32) []uint32 { return g.neighbours[g.start[node]:g.start[node+1]] }

func (g *graph) degree(node uint32) int { return int(g.start[node+1] - g.start[node]) }

// pairs returns the dealings without wallets that are left out, as pairs of numbers,
// the smaller one in the upper half: sorted, and each once.
func (t *Transfers) pairs(leftOut []bool) []uint64 {
	all := make([]uint64, 0, len(t.from))
	for i, a := range t.from {
		b := t.to[i]
		if leftOut[a] || leftOut[b] {
			continue
		}
		all = append(all, uint64(min(a, b))<<32|uint64(max(a, b)))
	}
	slices.Sort(all)
	return slices.Clip(slices.Compact(all))
}

// build makes the graph. Wallets that are no candidates and deal with at most one
// other are pruned until none is left: they tie nobody to anybody.
func (t *Transfers) build(candidate, leftOut []bool) *graph {
	pairs := t.pairs(leftOut)
	n := uint32(len(t.wallets))
	start, neighbours := adjacency(pairs, n)
	degree := make([]uint32, n)
	for i := range degree {
		degree[i] = uint32(start[i+1] - start[i])
	}
	gone := make([]bool, n)
	var queue []uint32
	drop := func(i uint32) {
		if !candidate[i] && !gone[i] && degree[i] <= 1 {
			gone[i] = true
			queue = append(queue, i)
		}
	}
	for i := range n {
		drop(i)
	}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, other := range neighbours[start[i]:start[i+1]] {
			if !gone[other] {
				degree[other]--
				drop(other)
			}
		}
	}
	kept := make([]uint32, 0, n)
	for i := range n {
		if !gone[i] && degree[i] > 0 {
			kept = append(kept, i)
		}
	}
	slices.SortFunc(kept, func(a, b uint32) int { return cmp.Compare(string(t.wallets[a][:]), string(t.wallets[b][:])) })
	return t.keep(kept, pairs, candidate)
}

// adjacency returns the neighbours of each of n nodes, in order.
func adjacency(pairs []uint64, n uint32) (start []uint64, neighbours []uint32) {
	start = make([]uint64, n+1)
	for _, p := range pairs {
		start[p>>32+1]++
		start[p&(1<<32-1)+1]++
	}
	for i := range n {
		start[i+1] += start[i]
	}
	next := slices.Clone(start)
	neighbours = make([]uint32, 2*len(pairs))
	for _, p := range pairs {
		a, b := uint32(p>>32), uint32(p)
		neighbours[next[a]], neighbours[next[b]] = b, a
		next[a]++
		next[b]++
	}
	return start, neighbours
}

// keep makes the graph of the nodes that are kept, numbered in this order.
func (t *Transfers) keep(kept []uint32, pairs []uint64, candidate []bool) *graph {
	const none = 1<<32 - 1
	renamed := slices.Repeat([]uint32{none}, len(t.wallets))
	g := &graph{wallets: make([]wallet.Address, len(kept)), candidates: make([]bool, len(kept))}
	for i, was := range kept {
		renamed[was] = uint32(i)
		g.wallets[i], g.candidates[i] = t.wallets[was], candidate[was]
	}
	left := pairs[:0]
	for _, p := range pairs {
		a, b := renamed[p>>32], renamed[uint32(p)]
		if a != none && b != none {
			left = append(left, uint64(min(a, b))<<32|uint64(max(a, b)))
		}
	}
	slices.Sort(left)
	g.start, g.neighbours = adjacency(left, uint32(len(kept)))
	g.weigh()
	return g
}

// weigh sets the weight of each edge: 1 between two candidates, and otherwise
// 1/(d-1) for the greater degree d of its ends that are no candidates, so that one
// who deals with many ties each of them weakly.
func (g *graph) weigh() {
	g.weights = make([]float64, len(g.neighbours))
	for i := range uint32(len(g.wallets)) {
		for k := g.start[i]; k < g.start[i+1]; k++ {
			other, d := g.neighbours[k], 2
			if !g.candidates[i] {
				d = max(d, g.degree(i))
			}
			if !g.candidates[other] {
				d = max(d, g.degree(other))
			}
			g.weights[k] = 1 / float64(d-1)
		}
	}
}
