package trust

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// statement is an edge within its source's row.
type statement struct {
	target uint32
	fresh  float32 // after the merge: freshness of the newest statement, relative to the row's
	weight float64
	time   int64
}

// sourceRows is the edges by source: row j is all[start[j]:start[j]+length[j]].
type sourceRows struct {
	start  []uint32
	length []uint32
	all    []statement
}

// rowsAtOnce is how many rows a worker takes at a time.
const rowsAtOnce = 4096

// groupBySource is a counting sort; self-trust and zeros are dropped.
func groupBySource(nodes int, edges []Edge) sourceRows {
	rows := sourceRows{start: make([]uint32, nodes+1), length: make([]uint32, nodes)}
	for _, e := range edges {
		if e.Source != e.Target && e.Weight != 0 {
			rows.start[e.Source+1]++
		}
	}
	for j := range nodes {
		rows.start[j+1] += rows.start[j]
	}
	rows.all = make([]statement, rows.start[nodes])
	for _, e := range edges {
		if e.Source != e.Target && e.Weight != 0 {
			at := rows.start[e.Source] + rows.length[e.Source]
			rows.all[at] = statement{target: e.Target, weight: e.Weight, time: e.Time}
			rows.length[e.Source]++
		}
	}
	return rows
}

// merge sorts each row into its canonical order, decays it and adds up the
// edges to the same target. The order (target, time, weight) is total except
// for equal statements, so the sums do not depend on the input's order.
func (g *Graph) merge(rows sourceRows, decay Decay) {
	g.out = make([]float64, g.nodes)
	if decay.HalfLife > 0 {
		g.rowFresh = make([]float64, g.nodes)
	}
	chunks := (g.nodes + rowsAtOnce - 1) / rowsAtOnce
	counts := make([]Counts, chunks)
	inParallel(0, chunks, func(chunk int) {
		for j := chunk * rowsAtOnce; j < min(g.nodes, (chunk+1)*rowsAtOnce); j++ {
			row := rows.all[rows.start[j] : rows.start[j]+rows.length[j]]
			slices.SortFunc(row, canonical)
			if g.rowFresh != nil {
				g.rowFresh[j] = decayRow(row, decay)
			}
			merged := mergeRow(row, &counts[chunk])
			rows.length[j] = uint32(len(merged))
			for _, s := range merged {
				if s.weight > 0 {
					g.out[j] += s.weight
				}
			}
		}
	})
	for _, c := range counts {
		g.counts.Repeated += c.Repeated
		g.counts.Vanished += c.Vanished
		g.counts.Positive += c.Positive
		g.counts.Negative += c.Negative
	}
}

func canonical(a, b statement) int {
	if a.target != b.target {
		return cmp.Compare(a.target, b.target)
	}
	if a.time != b.time {
		return cmp.Compare(a.time, b.time)
	}
	return cmp.Compare(a.weight, b.weight)
}

// decayRow decays a row relative to its freshest statement and returns that
// one's own freshness: normalising makes the two the same for EigenTrust, but a
// row of only old statements does not underflow to zero.
func decayRow(row []statement, decay Decay) float64 {
	if len(row) == 0 {
		return 1
	}
	halfLife := float64(decay.HalfLife) / float64(time.Millisecond)
	halvings := func(s statement) float64 {
		if s.time == NoTime {
			return 0
		}
		return max(0, float64(decay.At)-float64(s.time)) / halfLife
	}
	least := math.Inf(1)
	for _, s := range row {
		least = min(least, halvings(s))
	}
	for i := range row {
		fresh := math.Exp2(least - halvings(row[i]))
		row[i].fresh = float32(fresh)
		row[i].weight *= fresh
	}
	return math.Exp2(-least)
}

// mergeRow adds up a sorted row in place and returns its new, shorter form.
// Sums of zero (opposite statements, or all of them long decayed) are left out.
func mergeRow(row []statement, counts *Counts) []statement {
	kept := row[:0]
	for at := 0; at < len(row); {
		sum := row[at]
		for at++; at < len(row) && row[at].target == sum.target; at++ {
			sum.weight += row[at].weight
			sum.fresh = max(sum.fresh, row[at].fresh)
			counts.Repeated++
		}
		switch {
		case math.Abs(sum.weight) < math.SmallestNonzeroFloat32:
			counts.Vanished++
			continue
		case sum.weight > 0:
			counts.Positive++
		default:
			counts.Negative++
		}
		kept = append(kept, sum)
	}
	return kept
}

// transpose lays the rows out by target: trusting sources first, then
// distrusting ones. Sources come ascending because rows are visited in their
// order.
func (g *Graph) transpose(rows sourceRows) {
	g.start = make([]uint32, g.nodes+1)
	g.split = make([]uint32, g.nodes)
	exact := true
	rows.each(func(_ uint32, s statement) {
		g.start[s.target+1]++
		if s.weight > 0 {
			g.split[s.target]++
		}
		exact = exact && float64(float32(s.weight)) == s.weight
	})
	for i := range g.nodes {
		g.start[i+1] += g.start[i]
		g.split[i] += g.start[i]
	}
	edges := g.start[g.nodes]
	g.source = make([]uint32, edges)
	if exact {
		g.weight32 = make([]float32, edges)
	} else {
		g.weight64 = make([]float64, edges)
	}
	if g.rowFresh != nil {
		g.fresh = make([]float32, edges)
	}
	trusting, distrusting := slices.Clone(g.start[:g.nodes]), slices.Clone(g.split)
	rows.each(func(source uint32, s statement) {
		next := distrusting
		if s.weight > 0 {
			next = trusting
		}
		at := next[s.target]
		next[s.target]++
		g.source[at] = source
		if exact {
			g.weight32[at] = float32(s.weight)
		} else {
			g.weight64[at] = s.weight
		}
		if g.fresh != nil {
			g.fresh[at] = s.fresh
		}
	})
}

// each visits the merged statements by source, then target.
func (r sourceRows) each(visit func(source uint32, s statement)) {
	for j, length := range r.length {
		for _, s := range r.all[r.start[j] : r.start[j]+length] {
			visit(uint32(j), s)
		}
	}
}
