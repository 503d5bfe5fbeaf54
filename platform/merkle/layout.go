package merkle

import "math/bits"

// A layout defines where the nodes of a tree are in one flat array, which of
// them are the leaves, and which siblings are a proof. It has numbers, no
// hashes.
type layout interface {
	// nodes returns the number of nodes.
	nodes() int
	// root returns the number of the root.
	root() int
	// siblings appends the numbers of the nodes that prove this leaf, from
	// the bottom up.
	siblings(path []int, leaf int) []int
}

// siblings is l.siblings for a path on the caller's stack. A call through an
// interface makes the path escape, and each proof would allocate.
func siblings(l layout, path []int, leaf int) []int {
	switch l := l.(type) {
	case heap:
		return l.siblings(path, leaf)
	case promoted:
		return l.siblings(path, leaf)
	case filled:
		return l.siblings(path, leaf)
	case sharded:
		return l.siblings(path, leaf)
	}
	panic("merkle: siblings does not support this layout")
}

// heap is a complete binary tree of 2n-1 nodes, the root first: node i has the
// children 2i+1 and 2i+2, and the leaves are at the end in reverse order.
//
//	      0
//	   1     2        5 leaves: 8 7 6 5 4, ascending by hash
//	 3   4  5  6
//	7 8
type heap struct{ leaves int }

func (h heap) nodes() int     { return 2*h.leaves - 1 }
func (h heap) root() int      { return 0 }
func (h heap) leaf(k int) int { return h.nodes() - 1 - k }

func (h heap) siblings(path []int, leaf int) []int {
	for i := leaf; i > 0; i = (i - 1) / 2 {
		path = append(path, i+i%2*2-1) // an odd node's sibling follows it
	}
	return path
}

// depths yields the inner nodes [first, last] of each depth, from the deepest.
func (h heap) depths(yield func(first, last int) error) error {
	inner := h.leaves - 1
	for depth := bits.Len(uint(inner)) - 1; depth >= 0; depth-- {
		first := 1<<depth - 1
		last := min(2*first, inner-1)
		if err := yield(first, last); err != nil {
			return err
		}
	}
	return nil
}

// promoted is a tree of levels, each half of the one below, the leaves first
// and the root last. The odd node at the end of a level is promoted unhashed.
// base is the number of its first node in the array.
type promoted struct{ base, leaves int }

func (p promoted) nodes() int {
	total := p.leaves
	for width := p.leaves; width > 1; {
		width = (width + 1) / 2
		total += width
	}
	return total
}

func (p promoted) root() int      { return p.base + p.nodes() - 1 }
func (p promoted) leaf(k int) int { return p.base + k }

func (p promoted) siblings(path []int, leaf int) []int {
	start, k := p.base, leaf-p.base
	for width := p.leaves; width > 1; width = (width + 1) / 2 {
		if sibling := k ^ 1; sibling < width {
			path = append(path, start+sibling)
		}
		start += width
		k /= 2
	}
	return path
}

// levels calls, from the leaves up, hash with each level (pairs pairs of nodes
// from node from on, whose hashes are the nodes from to on) and promote with
// each odd node and its place.
func (p promoted) levels(hash func(to, from, pairs int) error, promote func(to, from int) error) error {
	start := p.base
	for width := p.leaves; width > 1; {
		next := start + width
		if err := hash(next, start, width/2); err != nil {
			return err
		}
		if width%2 == 1 {
			if err := promote(next+width/2, next-1); err != nil {
				return err
			}
		}
		start, width = next, (width+1)/2
	}
	return nil
}

// filled is promoted with a sibling for the odd node of a level: itself, or, with
// fillers, one of the nodes that stand behind the root: the only one, or that of
// the level.
type filled struct {
	promoted
	fillers int
}

// newFilled returns the layout of a shape whose levels are filled.
func newFilled(shape Shape, leaves int) filled {
	f := filled{promoted: promoted{leaves: leaves}}
	switch shape {
	case ZeroFilled, EmptyFilled:
		f.fillers = 1
	case Padded:
		f.fillers = bits.Len(uint(leaves - 1)) // one for each level below the root
	}
	return f
}

func (f filled) nodes() int { return f.promoted.nodes() + f.fillers }

// filler is the number of the node beside the odd one of a level, if there are any.
func (f filled) filler(level int) int { return f.root() + 1 + min(level, f.fillers-1) }

func (f filled) siblings(path []int, leaf int) []int {
	start, k, level := 0, leaf, 0
	for width := f.leaves; width > 1; width = (width + 1) / 2 {
		sibling := start + k // itself
		switch {
		case k^1 < width:
			sibling = start + (k ^ 1)
		case f.fillers > 0:
			sibling = f.filler(level)
		}
		path = append(path, sibling)
		start += width
		k /= 2
		level++
	}
	return path
}

// leftSides appends for each sibling of a leaf, from the bottom up, whether it
// is on the left.
func leftSides(to []bool, l layout, leaf int) []bool {
	switch l := l.(type) {
	case heap:
		for i := leaf; i > 0; i = (i - 1) / 2 {
			to = append(to, i%2 == 0)
		}
	case promoted:
		for width, k := l.leaves, leaf; width > 1; width, k = (width+1)/2, k/2 {
			if k^1 < width {
				to = append(to, k%2 == 1)
			}
		}
	case filled:
		for width, k := l.leaves, leaf; width > 1; width, k = (width+1)/2, k/2 {
			to = append(to, k%2 == 1)
		}
	}
	return to
}

// sharded is a forest of promoted trees and one more over their roots. Node
// numbers run through the shards in order, then through the top.
type sharded struct {
	shards []promoted
	top    promoted
	rank   []int // shard → which leaf of the top is its root
}

// newSharded returns the layout of shards of these sizes; rank is filled in
// when the roots are known.
func newSharded(sizes []int) sharded {
	s := sharded{rank: make([]int, len(sizes))}
	next := 0
	for _, size := range sizes {
		p := promoted{base: next, leaves: size}
		s.shards = append(s.shards, p)
		next += p.nodes()
	}
	s.top = promoted{base: next, leaves: len(sizes)}
	return s
}

func (s sharded) nodes() int { return s.top.base + s.top.nodes() }
func (s sharded) root() int  { return s.top.root() }

func (s sharded) siblings(path []int, leaf int) []int {
	i := s.shardOf(leaf)
	return s.top.siblings(s.shards[i].siblings(path, leaf), s.top.leaf(s.rank[i]))
}

// shardOf returns the number of the shard of a node.
func (s sharded) shardOf(node int) int {
	for i := len(s.shards) - 1; i > 0; i-- {
		if node >= s.shards[i].base {
			return i
		}
	}
	return 0
}
