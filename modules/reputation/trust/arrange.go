package trust

import (
	"math"
	"time"
)

// arrange lays the edges out by target with two counting sorts, by source and
// then by target: both keep the order within a group, so the sources of a target
// come ascending, and the statements of a pair stand together in the order in
// which they were made. It returns the weights.
func arrange[W float32 | float64](g *Graph, edges *Edges, decay Decay) []W {
	weight, times := byTarget(g, bySource[W](g, edges))
	weight, g.time = latest(g, weight, times)
	g.sum(func(k uint32) float64 { return float64(weight[k]) })
	if decay.HalfLife > 0 {
		g.fade(decay, func(k uint32) float64 { return float64(weight[k]) })
	}
	return weight
}

// rowsBySource has the columns beside g.outTarget.
type rowsBySource[W float32 | float64] struct {
	weight []W
	time   []int64 // nil where no edge has one
}

func bySource[W float32 | float64](g *Graph, edges *Edges) rowsBySource[W] {
	g.outStart = make([]uint32, g.nodes+1)
	for _, c := range edges.chunks {
		for _, source := range c.source {
			g.outStart[source+1]++
		}
	}
	for j := range g.nodes {
		g.outStart[j+1] += g.outStart[j]
	}
	total := g.outStart[g.nodes]
	g.outTarget = make([]uint32, total)
	rows := rowsBySource[W]{weight: make([]W, total)}
	timed := edges.timed()
	if timed {
		rows.time = make([]int64, total)
	}
	next := make([]uint32, g.nodes)
	copy(next, g.outStart)
	for i := range edges.chunks {
		c := &edges.chunks[i]
		for k, source := range c.source {
			at := next[source]
			next[source]++
			g.outTarget[at] = c.target[k]
			rows.weight[at] = W(c.weight(k))
			if timed {
				rows.time[at] = c.timeOf(k)
			}
		}
	}
	return rows
}

func byTarget[W float32 | float64](g *Graph, rows rowsBySource[W]) (weight []W, times []int64) {
	g.start = make([]uint32, g.nodes+1)
	for _, target := range g.outTarget {
		g.start[target+1]++
	}
	for i := range g.nodes {
		g.start[i+1] += g.start[i]
	}
	g.source, weight = make([]uint32, len(g.outTarget)), make([]W, len(g.outTarget))
	if rows.time != nil {
		times = make([]int64, len(g.outTarget))
	}
	next := make([]uint32, g.nodes)
	copy(next, g.start)
	for j := range g.nodes {
		for k := g.outStart[j]; k < g.outStart[j+1]; k++ {
			at := next[g.outTarget[k]]
			next[g.outTarget[k]]++
			g.source[at], weight[at] = uint32(j), rows.weight[k]
			if times != nil {
				times[at] = rows.time[k]
			}
		}
	}
	return weight, times
}

// latest keeps the last statement of each pair, drops those of weight zero, and
// puts the trusting sources of a target before the distrusting ones.
func latest[W float32 | float64](g *Graph, weight []W, times []int64) ([]W, []int64) {
	type statement struct {
		source uint32
		weight W
		time   int64
	}
	var distrusting []statement
	g.split = make([]uint32, g.nodes)
	kept := uint32(0)
	put := func(s statement) {
		g.source[kept], weight[kept] = s.source, s.weight
		if times != nil {
			times[kept] = s.time
		}
		kept++
	}
	begin := uint32(0)
	for i := range g.nodes {
		end := g.start[i+1]
		g.start[i] = kept
		distrusting = distrusting[:0]
		for k := begin; k < end; k++ {
			s := statement{source: g.source[k], weight: weight[k]}
			if times != nil {
				s.time = times[k]
			}
			switch {
			case k+1 < end && g.source[k+1] == s.source:
				g.counts.Repeated++
			case s.weight == 0:
				g.counts.Zero++
			case s.weight > 0:
				put(s)
			default:
				distrusting = append(distrusting, s)
			}
		}
		g.split[i] = kept
		g.counts.Positive += int(kept - g.start[i])
		g.counts.Negative += len(distrusting)
		for _, s := range distrusting {
			put(s)
		}
		begin = end
	}
	g.start[g.nodes] = kept
	g.source = g.source[:kept]
	if times != nil {
		times = times[:kept]
	}
	return weight[:kept], times
}

// sum adds up what each source states, its targets ascending, and finds the
// largest of it.
func (g *Graph) sum(weight func(k uint32) float64) {
	g.trusts, g.distrusts = make([]float64, g.nodes), make([]float64, g.nodes)
	g.mostTrust, g.mostDistrust = make([]float64, g.nodes), make([]float64, g.nodes)
	for i := range g.nodes {
		for k := g.start[i]; k < g.split[i]; k++ {
			j, w := g.source[k], weight(k)
			g.trusts[j] += w
			g.mostTrust[j] = max(g.mostTrust[j], w)
		}
		for k := g.split[i]; k < g.start[i+1]; k++ {
			j, w := g.source[k], -weight(k)
			g.distrusts[j] += w
			g.mostDistrust[j] = max(g.mostDistrust[j], w)
		}
	}
}

// fade notes how much the ages have left of each edge.
func (g *Graph) fade(decay Decay, weight func(k uint32) float64) {
	halvings := func(k int) float64 { return decay.halvings(g.timeAt(uint32(k))) }
	f := &fading{fresh: make([]float64, len(g.source)), row: make([]float64, g.nodes), trusts: make([]float64, g.nodes), most: make([]float64, g.nodes)}
	for j := range f.row {
		f.row[j] = math.Inf(1)
	}
	for k, j := range g.source {
		if weight(uint32(k)) > 0 {
			f.row[j] = min(f.row[j], halvings(k))
		}
	}
	for k, j := range g.source {
		if weight(uint32(k)) > 0 {
			f.fresh[k] = halved(halvings(k) - f.row[j])
		} else {
			f.fresh[k] = halved(halvings(k))
		}
	}
	for j, least := range f.row {
		f.row[j] = halved(least) // of a node that trusts nobody: 2^−∞ = 0
	}
	for i := range g.nodes {
		for k := g.start[i]; k < g.split[i]; k++ {
			j, w := g.source[k], float64(weight(k)*f.fresh[k])
			f.trusts[j] += w
			f.most[j] = max(f.most[j], w)
		}
	}
	g.fading = f
}

// Freshness returns how much of its weight a statement of this time has left,
// from 0 to 1.
func (d Decay) Freshness(at int64) float64 { return halved(d.halvings(at)) }

// halvings returns the age of a statement in half-lives.
func (d Decay) halvings(at int64) float64 {
	if d.HalfLife == 0 || at == NoTime {
		return 0
	}
	return max(0, float64(d.At)-float64(at)) / (float64(d.HalfLife) / float64(time.Millisecond))
}

// halved returns 2^−x for x of 0 or more. math.Exp2 is written in assembly on
// some machines and differs there in the last bit; this is the same on all.
func halved(x float64) float64 {
	if x > 1100 {
		return 0 // below the least float64
	}
	whole, part := math.Modf(x)
	// e^−y by its series, y at most ln 2: the twentieth term is below 1e-21.
	y, term, sum := float64(part*math.Ln2), 1.0, 1.0
	for n := 1.0; n <= 20; n++ {
		term = -float64(term*y) / n
		sum += term
	}
	return math.Ldexp(sum, -int(whole))
}
