package trust

import (
	"cmp"
	"math"
	"slices"

	"banyan/platform/fault"
)

// The bounds of one update of a Live.
const (
	// MaxLiveRow is the most ratings that a node may make whose rating is followed.
	MaxLiveRow = 20_000
	// livePushes and liveEdges bound how far a change is followed.
	livePushes = 2_000
	liveEdges  = 20_000
	liveSizes  = 40
	// liveResidue is the trust, in units, below which a change waits until others join
	// it: of a rater whose voice counts half it moves a score by less than a hundredth.
	liveResidue = 3e-4
)

// Live follows single ratings made after a Ranking without ranking again. It pushes the
// change of trust along the edges until what is left is too little to be seen (Andersen,
// Chung, Lang, "Local Graph Partitioning using PageRank Vectors", FOCS 2006; for graphs
// that change: Zhang, Lofgren, Goel, "Approximate Personalized PageRank on Dynamic
// Graphs", KDD 2016), and judges again whom that touches. The unit, the scale of ratings
// and the conduct of others stay those of the ranking, so what it says is provisional. It
// is not safe for concurrent use, and keeps the graph and the ranking.
type Live struct {
	g     *Graph
	pre   PreTrust
	r     Ranking
	alpha float64
	seeds []uint32
	share float64 // the largest of the pre-trust
	least float64 // change of trust that is passed on
	added uint32  // nodes that the graph does not have

	// Node j's ratings are those of the edges outEdge[outStart[j]:outStart[j+1]], of the
	// nodes in outTarget, ascending: as in the graph, but for what was replaced.
	outStart, outTarget, outEdge []uint32

	updates int                 // so far
	rows    map[uint32]row      // of raters who rated since
	trust   map[uint32]float64  // what moved
	words   map[uint32]liveWord // likewise
	conduct map[uint32][2]float64
	counted map[uint32]voice   // with which contributions were computed last, where it moved
	largest map[uint32]float64 // flows from raters since that are no seeds, where they are the largest

	residue  map[uint32]float64  // change of trust that is not passed on yet
	waiting  [liveSizes][]uint32 // where that is large enough to be, by its size: bucket i has those from 2ⁱ of the least
	returned float64             // change of what returns to the seeds
}

// liveWord is what is said of a node, with the operator's word.
type liveWord struct {
	said, evidence float64 // Σ c and Σ |c|
	update         int     // that changed it last
}

// voice is what decides how much a node's ratings count.
type voice struct {
	trust   float64
	largest float64 // part of it that comes from one rater
}

// row is what a node states of others.
type row struct {
	ratings []rating // by target

	given, distrusts    float64 // Σ of positive and |negative| weights
	passed, most        float64 // Σ and largest of what trust flows by
	mostDistrust, whole float64
}

type rating struct {
	target        uint32
	weight, fresh float64
}

// Moved is a node whose value is another after an update.
type Moved struct {
	Node  uint32
	Value float64
	Trust float64
}

// NewLive follows what is stated after r, Rank's of the same graph, pre-trust and
// options.
func NewLive(g *Graph, pre PreTrust, r Ranking, opt Options) *Live {
	l := &Live{
		g: g, pre: pre, r: r, alpha: opt.WithDefaults().Alpha,
		rows: map[uint32]row{}, trust: map[uint32]float64{}, words: map[uint32]liveWord{}, conduct: map[uint32][2]float64{},
		counted: map[uint32]voice{}, largest: map[uint32]float64{},
		residue: map[uint32]float64{}, least: liveResidue * r.Unit,
	}
	l.turn()
	for node, share := range pre.share {
		if share > 0 {
			l.seeds = append(l.seeds, uint32(node))
			l.share = max(l.share, share)
		}
	}
	return l
}

// turn lays the graph's edges out by source.
func (l *Live) turn() {
	g := l.g
	l.outStart = make([]uint32, g.nodes+1)
	for _, source := range g.source {
		l.outStart[source+1]++
	}
	for j := range g.nodes {
		l.outStart[j+1] += l.outStart[j]
	}
	l.outTarget, l.outEdge = make([]uint32, len(g.source)), make([]uint32, len(g.source))
	next := slices.Clone(l.outStart)
	for i := range uint32(g.nodes) {
		for k := g.start[i]; k < g.start[i+1]; k++ {
			at := next[g.source[k]]
			next[g.source[k]]++
			l.outTarget[at], l.outEdge[at] = i, k
		}
	}
}

// Add returns the number of a new node, which nobody rates yet.
func (l *Live) Add() uint32 {
	l.added++
	return uint32(l.g.nodes) + l.added - 1
}

// Set makes source's rating of target weigh this, 0 for none, and returns whose values
// are others then. It fails with fault.TooLarge when source rates more than MaxLiveRow
// others, and then changes nothing.
func (l *Live) Set(source, target uint32, weight float64) ([]Moved, error) {
	if l.ratings(source) >= MaxLiveRow {
		return nil, fault.Newf(fault.TooLarge, "a node with %d ratings or more is followed by the next ranking only", MaxLiveRow)
	}
	before := l.row(source)
	after := before.with(target, weight, l.r.parameters.Reserve)
	l.updates++
	u := update{Live: l, moved: map[uint32]bool{}, rows: map[uint32]row{}}
	u.reflow(source, before, after)
	l.rows[source] = after
	u.push()
	if l.r.judged == nil {
		for node := range u.moved {
			u.touched = append(u.touched, node)
		}
	} else {
		if at, found := after.find(target); found && !l.isSeed(source) {
			l.largest[target] = max(l.largest[target], (1-l.alpha)*l.trustOf(source)*after.part(after.ratings[at]))
		}
		u.rejudge(source, target, before)
		u.contradict(source, target, before, after)
	}
	moved := make([]Moved, len(u.touched))
	for i, node := range u.touched {
		moved[i] = Moved{Node: node, Value: l.Value(node), Trust: l.trustOf(node)}
	}
	slices.SortFunc(moved, func(a, b Moved) int { return cmp.Compare(a.Node, b.Node) })
	return slices.CompactFunc(moved, func(a, b Moved) bool { return a.Node == b.Node }), nil
}

// Value returns a node's value as it is now.
func (l *Live) Value(node uint32) float64 {
	if l.r.judged == nil {
		return max(0, l.trustOf(node))
	}
	w := l.wordOf(node)
	if w.evidence <= 0 {
		return 0
	}
	c := l.conductOf(node)
	return w.said/(w.evidence+l.r.judged.doubt) + l.r.parameters.Conduct*c[0]/c[1]
}

func (l *Live) old(node uint32) bool { return int64(node) < int64(l.g.nodes) }

func (l *Live) isSeed(node uint32) bool { return l.old(node) && l.pre.share[node] > 0 }

func (l *Live) trustOf(node uint32) float64 {
	if t, moved := l.trust[node]; moved {
		return t
	}
	if l.old(node) {
		return l.r.Trust[node]
	}
	return 0
}

// wordOf returns what is said of a node.
func (l *Live) wordOf(node uint32) liveWord {
	if w, moved := l.words[node]; moved {
		return w
	}
	if !l.old(node) {
		return liveWord{}
	}
	j := l.r.judged
	return liveWord{said: j.word[node] * (j.evidence[node] + j.doubt), evidence: j.evidence[node]}
}

// conductOf returns how much of a node's own ratings is contradicted, and of how much.
func (l *Live) conductOf(node uint32) [2]float64 {
	if c, moved := l.conduct[node]; moved {
		return c
	}
	if !l.old(node) {
		return [2]float64{0, conductPrior}
	}
	return [2]float64{l.r.judged.opposed[node], l.r.judged.rated[node]}
}

// ratings returns how many others a node rates.
func (l *Live) ratings(node uint32) int {
	if r, changed := l.rows[node]; changed {
		return len(r.ratings)
	}
	if !l.old(node) {
		return 0
	}
	return int(l.outStart[node+1] - l.outStart[node])
}

func (l *Live) row(node uint32) row {
	if r, changed := l.rows[node]; changed {
		return r
	}
	var r row
	if l.old(node) {
		from, to := l.outStart[node], l.outStart[node+1]
		r.ratings = make([]rating, 0, to-from)
		for at := from; at < to; at++ {
			k := l.outEdge[at]
			r.ratings = append(r.ratings, rating{l.outTarget[at], l.g.weightAt(k), l.g.freshness(k)})
		}
	}
	r.sum(l.r.parameters.Reserve)
	return r
}

// with returns the row with another rating of a target, which is fresh.
func (r row) with(target uint32, weight, reserve float64) row {
	at, found := r.find(target)
	changed := row{ratings: slices.Clone(r.ratings)}
	switch {
	case found && weight == 0:
		changed.ratings = slices.Delete(changed.ratings, at, at+1)
	case found:
		changed.ratings[at] = rating{target, weight, 1}
	case weight != 0:
		changed.ratings = slices.Insert(changed.ratings, at, rating{target, weight, 1})
	}
	changed.sum(reserve)
	return changed
}

// find returns where the rating of a target is.
func (r *row) find(target uint32) (at int, found bool) {
	return slices.BinarySearchFunc(r.ratings, target, func(r rating, t uint32) int { return cmp.Compare(r.target, t) })
}

func (r *row) sum(reserve float64) {
	for _, e := range r.ratings {
		if e.weight > 0 {
			r.given += e.weight
			r.passed += e.weight * e.fresh
			r.most = max(r.most, e.weight*e.fresh)
		} else {
			r.distrusts -= e.weight
			r.mostDistrust = max(r.mostDistrust, -e.weight)
		}
	}
	r.whole = r.passed + reserve*r.most
}

// part returns the share of a node's trust that flows over a rating.
func (r *row) part(e rating) float64 {
	if e.weight <= 0 || r.passed <= 0 {
		return 0
	}
	return e.weight * e.fresh / r.whole
}

// held returns the share of a node's trust that it does not pass on.
func (r *row) held() float64 {
	if r.passed <= 0 {
		return 1
	}
	return 1 - r.passed/r.whole
}

// contributes returns c of a rating by a node with this voice and row.
func (l *Live) contributes(by voice, r *row, e rating) float64 {
	p, c := l.r.parameters, 0.0
	if e.weight > 0 {
		c = (1 - l.alpha) * by.trust * p.praises(by.trust, by.largest, l.r.Unit) * e.weight / r.given
	} else {
		c = p.Distrust * by.trust * p.accuses(by.trust, by.largest, l.r.Unit) * e.weight / (r.distrusts + p.Reserve*r.mostDistrust)
	}
	most := l.r.judged.most
	return min(most, max(-most, c*e.fresh))
}

// was returns the voice with which a node's contributions were computed last.
func (l *Live) was(node uint32) voice {
	if v, moved := l.counted[node]; moved {
		return v
	}
	if !l.old(node) {
		return voice{}
	}
	return voice{l.r.Trust[node], l.r.judged.largest[node]}
}

// is returns a node's voice now. Of a node that gets no new rating, the part of its
// trust that comes from one rater stays what it was.
func (l *Live) is(node uint32) voice {
	v := voice{trust: l.trustOf(node)}
	if l.old(node) && l.r.Trust[node] > 0 {
		v.largest = l.r.judged.largest[node] / l.r.Trust[node] * v.trust
	}
	v.largest = min(v.trust, max(v.largest, l.largest[node]))
	return v
}

// known returns q of a node, and its word F.
func (l *Live) known(node uint32) (known, word float64) {
	w := l.wordOf(node)
	whole := w.evidence + l.r.judged.doubt
	return w.evidence / whole, w.said / whole
}

// against is judgement.against.
func (l *Live) against(e rating) float64 {
	known, word := l.known(e.target)
	if e.weight*word >= 0 {
		return 0
	}
	return -known * math.Abs(word) * min(1, math.Sqrt(math.Abs(e.weight)/l.r.judged.full))
}
