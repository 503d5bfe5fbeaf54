package sybil

import "slices"

// origins are where each node's money came from first and went last, by the times of
// the transfers. Numbers are of nodes; none where that is not known, or excluded.
type origins struct {
	funder, receiver []uint32
	funded, swept    []uint32 // how many candidates a node was the first funder, the last receiver of
}

const none = 1<<32 - 1

// origins returns nil where no transfer has a time.
func (t *Transfers) origins(g *graph, candidate, leftOut []bool) *origins {
	if !t.Timed() {
		return nil
	}
	node := t.nodes(g)
	n := len(g.wallets)
	o := &origins{
		funder: slices.Repeat([]uint32{none}, n), receiver: slices.Repeat([]uint32{none}, n),
		funded: make([]uint32, n), swept: make([]uint32, n),
	}
	first, last := slices.Repeat([]int64{1<<63 - 1}, n), slices.Repeat([]int64{NoTime}, n)
	for i, at := range t.times {
		from, to := t.from[i], t.to[i]
		if at == NoTime {
			continue
		}
		if c := node[to]; candidate[to] && c != none {
			if f := o.of(node[from], leftOut[from]); at < first[c] || at == first[c] && f < o.funder[c] {
				first[c], o.funder[c] = at, f
			}
		}
		if c := node[from]; candidate[from] && c != none {
			if r := o.of(node[to], leftOut[to]); at > last[c] || at == last[c] && r < o.receiver[c] {
				last[c], o.receiver[c] = at, r
			}
		}
	}
	for c := range n {
		if f := o.funder[c]; f != none {
			o.funded[f]++
		}
		if r := o.receiver[c]; r != none {
			o.swept[r]++
		}
	}
	return o
}

func (o *origins) of(node uint32, leftOut bool) uint32 {
	if leftOut {
		return none
	}
	return node
}

// nodes returns the node of each wallet of the transfers.
func (t *Transfers) nodes(g *graph) []uint32 {
	node := slices.Repeat([]uint32{none}, len(t.wallets))
	for i, w := range g.wallets {
		node[t.numbers[w]] = uint32(i)
	}
	return node
}

// weighOrigins has the edge to a first funder, and to a last receiver, weigh by how
// many candidates share that, where this is fewer than it deals with.
func (g *graph) weighOrigins(o *origins) {
	if o == nil {
		return
	}
	for i := range uint32(len(g.wallets)) {
		for k := g.start[i]; k < g.start[i+1]; k++ {
			other := g.neighbours[k]
			g.weights[k] = max(g.weights[k], o.tie(i, other), o.tie(other, i))
		}
	}
}

// tie is the weight that a candidate's first funder or last receiver gives their edge.
func (o *origins) tie(candidate, other uint32) float64 {
	weight := 0.
	if o.funder[candidate] == other {
		weight = 1 / float64(max(1, o.funded[other]-1))
	}
	if o.receiver[candidate] == other {
		weight = max(weight, 1/float64(max(1, o.swept[other]-1)))
	}
	return weight
}

// shared returns what two candidates must have in common to be tied by it: the first
// funder and the last receiver; false when one of them is not known.
func (o *origins) shared(candidate uint32) (key uint64, ok bool) {
	if o == nil || o.funder[candidate] == none || o.receiver[candidate] == none {
		return 0, false
	}
	return uint64(o.funder[candidate])<<32 | uint64(o.receiver[candidate]), true
}
