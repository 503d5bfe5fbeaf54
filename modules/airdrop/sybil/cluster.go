package sybil

import (
	"math"
	"slices"

	"banyan/platform/wallet"
)

// cluster is a community with enough candidates. Its members are the candidates, in
// order.
type cluster struct {
	number  int
	members []uint32
	piece   []int // of each member, its number in pieces
	pieces  [][]uint32
	place   map[uint32]int // of each member, in members
	deals   map[uint32]int // of each neighbour of a member, with how many members it deals
}

// clusters finds the communities that have enough candidates, and numbers them.
func (g *graph) clusters() []*cluster {
	of := g.communities()
	members := make(map[uint32][]uint32)
	for i, c := range of {
		if g.candidates[i] {
			members[c] = append(members[c], uint32(i))
		}
	}
	var all []*cluster
	for _, m := range members {
		if len(m) >= leastCluster {
			all = append(all, &cluster{members: m})
		}
	}
	slices.SortFunc(all, bySize)
	for i, c := range all {
		c.number = i + 1
	}
	return all
}

// split finds the pieces of a cluster: members that are joined by transfers between
// members, or by having both the first funder and the last receiver in common.
func (c *cluster) split(g *graph, o *origins) {
	sets := newSets(len(c.members))
	c.place, c.deals = make(map[uint32]int, len(c.members)), make(map[uint32]int)
	for i, m := range c.members {
		c.place[m] = i
	}
	alike := make(map[uint64]int)
	for i, m := range c.members {
		for _, other := range g.of(m) {
			c.deals[other]++
			if j, ok := c.place[other]; ok {
				sets.join(i, j)
			}
		}
		if key, ok := o.shared(m); ok {
			if j, seen := alike[key]; seen {
				sets.join(i, j)
			} else {
				alike[key] = i
			}
		}
	}
	c.piece = make([]int, len(c.members))
	numbers := make(map[int]int)
	for i, m := range c.members {
		at := sets.find(i)
		p, seen := numbers[at]
		if !seen {
			p = len(c.pieces)
			numbers[at] = p
			c.pieces = append(c.pieces, nil)
		}
		c.piece[i] = p
		c.pieces[p] = append(c.pieces[p], m)
	}
}

// judge scores the members of the cluster.
func (c *cluster) judge(g *graph, o *origins, features map[wallet.Address]Behaviour, of func(wallet.Address) *Judgement) {
	c.split(g, o)
	size := len(c.members)
	whole := newSpread(g, c.members, features)
	spreads := make([]spread, len(c.pieces))
	for i, p := range c.pieces {
		spreads[i] = whole
		if len(p) >= 3 {
			spreads[i] = newSpread(g, p, features)
		}
	}
	for i, m := range c.members {
		piece := c.pieces[c.piece[i]]
		share := float64(len(piece)) / float64(size)
		s := spreads[c.piece[i]]
		j := of(g.wallets[m])
		j.Cluster, j.Score = c.number, scoreByTransfers(size, len(piece), share, s)
		if len(piece) >= leastCluster {
			j.Score = max(j.Score, scoreByTransfers(len(piece), len(piece), 1, s))
		}
		j.Reason = c.reason(g, o, i, s)
	}
	c.place, c.deals = nil, nil // needed for the reasons only
}

// scoreByTransfers is the score of a member of a cluster.
func scoreByTransfers(size, piece int, share float64, s spread) float64 {
	if !s.known {
		at := -1.2 + float64(2.44*share)
		if piece >= leastCluster {
			at += 1.24
		}
		return logistic(at)
	}
	const largest = 32 // more members say no more
	return logistic(-3.9 - float64(2.4*s.volume) - float64(.37*math.Log2(1+s.days)) + float64(1.1*math.Log2(float64(min(size, largest)))) + float64(3.2*share))
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// spread says how far some wallets' behaviour is apart: half of them are within so
// much of the middle one.
type spread struct {
	known  bool
	volume float64 // in ln of the volume, at most mostSpread
	days   float64
}

const (
	mostSpread    = 1.5
	secondsPerDay = 86400
)

func newSpread(g *graph, members []uint32, features map[wallet.Address]Behaviour) spread {
	volumes, firsts := make([]float64, 0, len(members)), make([]float64, 0, len(members))
	for _, m := range members {
		if b, ok := features[g.wallets[m]]; ok && b.Volume > 0 {
			volumes = append(volumes, math.Log(b.Volume))
			firsts = append(firsts, float64(b.First)/secondsPerDay)
		}
	}
	if len(volumes) == 0 {
		return spread{}
	}
	return spread{known: true, volume: min(deviation(volumes), mostSpread), days: deviation(firsts)}
}

// deviation is the median absolute deviation. It orders values.
func deviation(values []float64) float64 {
	middle := median(values)
	for i, v := range values {
		values[i] = math.Abs(v - middle)
	}
	return median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes one set of two; the smaller number stands for it.
func (s sets) join(i, j int) {
	a, b := s.find(i), s.find(j)
	s[max(a, b)] = min(a, b)
}
