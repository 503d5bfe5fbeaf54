package sybil

import "slices"

// The communities are found by the method of Blondel, Guillaume, Lambiotte and
// Lefebvre (2008), without randomness: nodes move in their order, and among equal
// gains to the community of the lower number. Sums are taken in a fixed order and
// products are rounded before they are added, so that every machine finds the same.
//
// What two nodes must be tied by to belong together is divided by the weight of the
// graph, as modularity does, but within bounds (beyond them it is the Potts model of
// Reichardt and Bornholdt, 2006): in a large graph wallets somewhere else would decide
// who belongs together here, and a small one would fall to pieces. The upper bound is
// resolution 8 on the labelled graph, whose edges weigh 71,962; from 3 to 20 the
// result is nearly the same.
const (
	leastWeight = 1000 // of all edges, each counted from both ends
	mostWeight  = 18000
	maxPasses   = 20 // over the nodes of a level
	maxLevels   = 12
	leastGain   = 1e-12
)

// level is a graph whose nodes are communities of the one below.
type level struct {
	start      []uint64
	neighbours []uint32
	weights    []float64
	loops      []float64 // twice the weight inside of each node
	strength   []float64 // the weight of a node's edges, loops too
}

// communities returns the community of each node; their numbers are those of their
// first members in order, from 0 without gaps.
func (g *graph) communities() []uint32 {
	l := &level{start: g.start, neighbours: g.neighbours, weights: g.weights, loops: make([]float64, len(g.wallets))}
	of := make([]uint32, len(g.wallets))
	for i := range of {
		of[i] = uint32(i)
	}
	for range maxLevels {
		found, moved := l.move()
		if !moved {
			break
		}
		count := renumber(found)
		for i, c := range of {
			of[i] = found[c]
		}
		if count == len(found) {
			break
		}
		l = l.join(found, count)
	}
	renumber(of)
	return of
}

// renumber numbers communities by their first members and returns their count.
func renumber(of []uint32) int {
	const none = 1<<32 - 1
	names := slices.Repeat([]uint32{none}, len(of))
	next := uint32(0)
	for i, c := range of {
		if names[c] == none {
			names[c] = next
			next++
		}
		of[i] = names[c]
	}
	return int(next)
}

// measure sets the strengths and returns their sum.
func (l *level) measure() (total float64) {
	l.strength = make([]float64, len(l.loops))
	for i := range l.loops {
		sum := l.loops[i]
		for k := l.start[i]; k < l.start[i+1]; k++ {
			sum += l.weights[k]
		}
		l.strength[i] = sum
		total += sum
	}
	return total
}

// move puts nodes into the communities of their neighbours as long as that gains.
func (l *level) move() (of []uint32, moved bool) {
	scale := max(leastWeight, min(l.measure(), mostWeight))
	n := len(l.loops)
	of = make([]uint32, n)
	inside := slices.Clone(l.strength) // of each community
	for i := range of {
		of[i] = uint32(i)
	}
	ties := make([]float64, n) // of the present node, to each community
	touched := make([]uint32, 0, 64)
	settled := make([]bool, n) // no neighbour has moved since the node was looked at
	for range maxPasses {
		any := false
		for i := range n {
			if settled[i] {
				continue
			}
			settled[i] = true
			own := of[i]
			touched = append(touched[:0], own)
			for k := l.start[i]; k < l.start[i+1]; k++ {
				c := of[l.neighbours[k]]
				if ties[c] == 0 && c != own {
					touched = append(touched, c)
				}
				ties[c] += l.weights[k]
			}
			strength := l.strength[i]
			inside[own] -= strength
			share := strength / scale
			best, most := own, ties[own]-float64(share*inside[own])
			for _, c := range touched[1:] {
				if gain := ties[c] - float64(share*inside[c]); gain > most+leastGain || gain > most-leastGain && best != own && c < best {
					best, most = c, gain
				}
			}
			inside[best] += strength
			for _, c := range touched {
				ties[c] = 0
			}
			if best != own {
				of[i], any, moved = best, true, true
				for _, other := range l.neighbours[l.start[i]:l.start[i+1]] {
					settled[other] = false
				}
			}
		}
		if !any {
			break
		}
	}
	return of, moved
}

// join makes one node of each community.
func (l *level) join(of []uint32, count int) *level {
	members := make([]uint64, count+1)
	for _, c := range of {
		members[c+1]++
	}
	for c := range count {
		members[c+1] += members[c]
	}
	order, next := make([]uint32, len(of)), slices.Clone(members)
	for i, c := range of {
		order[next[c]] = uint32(i)
		next[c]++
	}
	up := &level{start: make([]uint64, count+1), loops: make([]float64, count)}
	most := len(l.neighbours) / 2
	up.neighbours, up.weights = make([]uint32, 0, most), make([]float64, 0, most)
	ties := make([]float64, count)
	var touched []uint32
	for c := range count {
		touched = touched[:0]
		for _, i := range order[members[c]:members[c+1]] {
			up.loops[c] += l.loops[i]
			for k := l.start[i]; k < l.start[i+1]; k++ {
				other := of[l.neighbours[k]]
				if int(other) == c {
					up.loops[c] += l.weights[k]
					continue
				}
				if ties[other] == 0 {
					touched = append(touched, other)
				}
				ties[other] += l.weights[k]
			}
		}
		slices.Sort(touched)
		for _, other := range touched {
			up.neighbours, up.weights = append(up.neighbours, other), append(up.weights, ties[other])
			ties[other] = 0
		}
		up.start[c+1] = uint64(len(up.neighbours))
	}
	up.neighbours, up.weights = slices.Clone(up.neighbours), slices.Clone(up.weights) // without the room that was not needed
	return up
}
