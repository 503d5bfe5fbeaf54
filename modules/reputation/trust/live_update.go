package trust

import (
	"math"
	"slices"
)

// update is one Set of a Live.
type update struct {
	*Live
	moved   map[uint32]bool // nodes that moved
	rows    map[uint32]row  // of nodes that moved, as they are now
	touched []uint32        // whose values may be others
}

// leave adds to the residue of a node, which waits to be pushed when it is large enough.
func (u *update) leave(node uint32, change float64) {
	was := u.residue[node]
	u.residue[node] = was + change
	if size := u.size(was + change); size > u.size(was) {
		u.waiting[size] = append(u.waiting[size], node)
	}
}

// size returns the bucket of a residue, −1 when it is too little to be pushed.
func (u *update) size(residue float64) int {
	_, exponent := math.Frexp(max(residue, -residue) / u.least)
	return max(-1, min(liveSizes-1, exponent-1))
}

// largest returns one of the nodes with the largest residues.
func (u *update) largest() (node uint32, ok bool) {
	for size := liveSizes - 1; size >= 0; {
		nodes := u.waiting[size]
		if len(nodes) == 0 {
			size--
			continue
		}
		node, u.waiting[size] = nodes[len(nodes)-1], nodes[:len(nodes)-1]
		switch now := u.size(u.residue[node]); {
		case now == size:
			return node, true
		case now >= 0 && now < size: // it shrank, and waits nowhere else
			u.waiting[now] = append(u.waiting[now], node)
		}
	}
	return 0, false
}

// reflow leaves at the targets of a node what another row makes of its trust.
func (u *update) reflow(source uint32, before, after row) {
	passed := (1 - u.alpha) * u.trustOf(source)
	if passed == 0 {
		return
	}
	for _, e := range before.ratings {
		if part := before.part(e); part > 0 {
			u.leave(e.target, -passed*part)
		}
	}
	for _, e := range after.ratings {
		if part := after.part(e); part > 0 {
			u.leave(e.target, passed*part)
		}
	}
	u.returned += passed * (after.held() - before.held())
}

// push passes on what was left, the largest first, until it is little or the bounds are
// reached; then the rest waits for the next update.
func (u *update) push() {
	edges := 0
	for pushes := 0; pushes < livePushes && edges < liveEdges; pushes++ {
		if u.size(u.returned*u.share) >= 0 {
			for _, node := range u.seeds {
				u.leave(node, u.returned*u.pre.share[node])
			}
			u.returned = 0
		}
		node, some := u.largest()
		if !some {
			return
		}
		change, t := u.residue[node], u.trustOf(node)
		delete(u.residue, node)
		u.moved[node] = true
		u.trust[node] = max(0, t+change)
		if u.ratings(node) > MaxLiveRow {
			continue // its change is spread over too many to be seen
		}
		r := u.moving(node)
		for _, e := range r.ratings {
			if part := r.part(e); part > 0 {
				u.leave(e.target, (1-u.alpha)*change*part)
			}
		}
		edges += len(r.ratings)
		u.returned += (1 - u.alpha) * change * r.held()
	}
}

// rejudge takes what the nodes with another voice, and the source with its former row,
// contributed, and adds what they do now.
func (u *update) rejudge(source, target uint32, former row) {
	u.moved[source], u.moved[target] = true, true
	raters := make([]uint32, 0, len(u.moved))
	for node := range u.moved {
		raters = append(raters, node)
	}
	slices.Sort(raters) // so that sums are the same each time
	for _, rater := range raters {
		was, is := u.was(rater), u.is(rater)
		if rater == source {
			u.counted[rater] = is
			now := u.row(rater)
			for _, e := range former.ratings {
				u.contribute(e.target, u.contributes(was, &former, e), 0)
			}
			for _, e := range now.ratings {
				u.contribute(e.target, 0, u.contributes(is, &now, e))
			}
			continue
		}
		if was == is || u.ratings(rater) > MaxLiveRow {
			continue
		}
		u.counted[rater] = is
		r := u.moving(rater)
		for _, e := range r.ratings {
			u.contribute(e.target, u.contributes(was, &r, e), u.contributes(is, &r, e))
		}
	}
}

// moving is row of a node whose trust moves.
func (u *update) moving(node uint32) row {
	r, known := u.rows[node]
	if !known {
		r = u.row(node)
		u.rows[node] = r
	}
	return r
}

// contribute puts a contribution to what is said of a node in the place of another.
func (u *update) contribute(target uint32, was, is float64) {
	if was == is {
		return
	}
	w := u.wordOf(target)
	w.said, w.evidence = w.said+is-was, w.evidence+max(is, -is)-max(was, -was)
	if w.evidence < u.r.judged.doubt*1e-9 { // what is left of nothing is rounding
		w.said, w.evidence = 0, 0
	}
	if w.update != u.updates {
		w.update = u.updates
		u.touched = append(u.touched, target)
	}
	u.words[target] = w
}

// contradict counts the source's rating of a target in its conduct.
func (u *update) contradict(source, target uint32, before, after row) {
	c := u.conductOf(source)
	known, _ := u.known(target)
	find := func(r row) (rating, bool) {
		at, found := r.find(target)
		if !found {
			return rating{}, false
		}
		return r.ratings[at], true
	}
	if e, was := find(before); was {
		c[0] -= u.against(e)
		c[1] = max(conductPrior, c[1]-known)
	}
	if e, is := find(after); is {
		c[0] += u.against(e)
		c[1] += known
	}
	c[0] = min(0, c[0])
	u.conduct[source] = c
	u.touched = append(u.touched, source)
}
