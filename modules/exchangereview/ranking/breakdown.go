package ranking

import (
	"cmp"
	"slices"

	"github.com/holiman/uint256"
)

// Line is a part of the mean: Parts of all lines add up to it exactly.
type Line struct {
	Group   string // prior, proven, unproven or fresh
	From    int    // the first day of its reviews; 0 and 0: the prior
	To      int    // the day after the last
	Reviews int64
	Share   int64 // of the whole weight, in millionths; those of all lines add up to a million
	Mean    int64 // of this part alone, in millionths of a star
	Part    int64 // what it adds to the mean, in millionths of a star
}

// Breakdown returns where the overall mean comes from: the prior, and every
// group of reviews by half-year, newest first.
func (p *Parameters) Breakdown(t *Tally) []Line {
	e := p.evidence(t, 0)
	fresh, most := sum(e.weights[Fresh]), e.limit()
	o := p.opinion(&e, 0)
	var all uint256.Int // S after the cap
	for g := range Groups {
		s := sum(e.weights[g])
		all.Add(&all, &s)
	}
	lines := []Line{{Group: "prior"}}
	weights, stars := []uint256.Int{sum(o.prior)}, []uint256.Int{first(o.prior)}
	for i := len(t.Periods) - 1; i >= 0; i-- {
		period := &t.Periods[i]
		start := p.Landmark + int(period.Start)*HalfLife
		for g := range Groups {
			var alpha [5]uint256.Int
			n := int64(0)
			for k := range 5 {
				n += period.Received[g][k]
				alpha[k] = p.decayed(period.Weights[g][k])
				if g == Fresh && fresh.Gt(&most) {
					alpha[k].Mul(&alpha[k], &most).Div(&alpha[k], &fresh)
				}
				if !all.IsZero() {
					alpha[k].Mul(&alpha[k], &o.effective).Div(&alpha[k], &all)
				}
			}
			if n == 0 {
				continue
			}
			lines = append(lines, Line{Group: g.String(), From: start, To: start + HalfLife, Reviews: n})
			weights, stars = append(weights, sum(alpha)), append(stars, first(alpha))
		}
	}
	fill(lines, weights, stars, o.mean())
	return lines
}

// first returns Σk·α_k.
func first(alpha [5]uint256.Int) (s uint256.Int) {
	for k := range uint64(5) {
		s.Add(&s, new(uint256.Int).Mul(&alpha[k], uint256.NewInt(k+1)))
	}
	return s
}

// fill sets the numbers of the lines. What rounding leaves over goes to the
// lines with the largest rests, so that they add up.
func fill(lines []Line, weights, stars []uint256.Int, mean int64) {
	var total, starred uint256.Int
	for i := range weights {
		total.Add(&total, &weights[i])
		starred.Add(&starred, &stars[i])
	}
	for i := range lines {
		if !weights[i].IsZero() {
			m := new(uint256.Int).Mul(&stars[i], uint256.NewInt(Star))
			lines[i].Mean = int64(m.Div(m, &weights[i]).Uint64())
		}
	}
	apportion(weights, &total, Star, func(i int, n int64) { lines[i].Share = n })
	apportion(stars, &starred, mean, func(i int, n int64) { lines[i].Part = n })
}

// apportion divides whole units in the proportion of parts, by the largest
// remainders.
func apportion(parts []uint256.Int, total *uint256.Int, units int64, set func(int, int64)) {
	counts, rests := make([]int64, len(parts)), make([]uint256.Int, len(parts))
	left := units
	for i := range parts {
		x := new(uint256.Int).Mul(&parts[i], uint256.NewInt(uint64(units)))
		quotient, rest := new(uint256.Int).DivMod(x, total, &rests[i])
		rests[i] = *rest
		counts[i] = int64(quotient.Uint64())
		left -= counts[i]
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(rests[b].Cmp(&rests[a]), a-b) })
	for _, i := range order[:left] {
		counts[i]++
	}
	for i, n := range counts {
		set(i, n)
	}
}
