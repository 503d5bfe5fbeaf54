package rings

import (
	"cmp"
	"slices"
)

// sets are groups of wallets that grow together.
type sets struct {
	parent map[int32]int32
	shared map[int32][]Shared // of the first wallet of a group that was added
}

func newSets() *sets { return &sets{make(map[int32]int32), make(map[int32][]Shared)} }

// root returns the wallet that stands for a group.
func (s *sets) root(w int32) int32 {
	for {
		p, known := s.parent[w]
		if !known {
			s.parent[w] = w
			return w
		}
		if p == w {
			return w
		}
		s.parent[w] = s.parent[p]
		w = p
	}
}

// add joins the wallets of a triple.
func (s *sets) add(same []triple, c *compared) {
	first := same[0]
	into := s.root(first.wallet)
	for _, t := range same[1:] {
		if other := s.root(t.wallet); other != into {
			s.parent[other] = into
			s.shared[into] = append(s.shared[into], s.shared[other]...)
			delete(s.shared, other)
		}
	}
	for _, place := range first.places {
		it := c.of[first.wallet][place]
		s.shared[into] = append(s.shared[into], Shared{it.exchange, it.stars, int64(it.window)*window*dayMS - c.shift})
	}
}

// groups returns all, the largest first.
func (s *sets) groups() []Group {
	byRoot := make(map[int32]*Group)
	for w := range s.parent {
		root := s.root(w)
		if byRoot[root] == nil {
			byRoot[root] = &Group{}
		}
		byRoot[root].Wallets = append(byRoot[root].Wallets, w)
	}
	all := make([]Group, 0, len(byRoot))
	for root, g := range byRoot {
		slices.Sort(g.Wallets)
		g.Shared = once(s.shared[root])
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(len(b.Wallets), len(a.Wallets)), cmp.Compare(a.Wallets[0], b.Wallets[0]))
	})
	return all
}

// once leaves one of what both runs have found of an exchange.
func once(all []Shared) []Shared {
	slices.SortFunc(all, func(a, b Shared) int {
		return cmp.Or(cmp.Compare(a.Exchange, b.Exchange), cmp.Compare(a.Stars, b.Stars), cmp.Compare(a.FromMS, b.FromMS))
	})
	return slices.CompactFunc(all, func(a, b Shared) bool {
		return a.Exchange == b.Exchange && a.Stars == b.Stars && b.FromMS-a.FromMS < window*dayMS
	})
}
