package ranking

import (
	"cmp"

	"github.com/holiman/uint256"
)

// Parameters are what a score depends on beside the reviews.
type Parameters struct {
	Landmark int                   // the L of the sums, in days since 1970
	Day      int                   // now, likewise
	Prior    [Dimensions][5]uint64 // π: the average opinion; those of a dimension add up to Unit
}

// Uniform is the prior when nobody with standing has reviewed anything.
func Uniform() (prior [Dimensions][5]uint64) {
	for d := range prior {
		prior[d] = share([5]uint256.Int{})
	}
	return prior
}

// PriorOf returns the average opinion of all reviews of wallets with standing,
// with one review of each number of stars added. The fresh group has no say in
// it: otherwise a flood of one exchange would lift all of them.
func PriorOf(tallies []*Tally, landmark, day int) (prior [Dimensions][5]uint64) {
	at := Parameters{Landmark: landmark, Day: day}
	for d := range prior {
		var all [5]uint256.Int
		for _, t := range tallies {
			for k := range all {
				for g := Proven; g <= Unproven; g++ {
					w := at.decayed(t.Weights[g][d][k])
					all[k].Add(&all[k], &w)
				}
			}
		}
		prior[d] = share(all)
	}
	return prior
}

// share returns parts of Unit in the proportions of weights + 1; what rounding
// leaves over goes to 3 stars.
func share(weights [5]uint256.Int) (parts [5]uint64) {
	var total uint256.Int
	for k := range weights {
		weights[k].AddUint64(&weights[k], Unit)
		total.Add(&total, &weights[k])
	}
	left := uint64(Unit)
	for k := range weights {
		w := weights[k]
		w.Lsh(&w, 32).Div(&w, &total)
		parts[k] = w.Uint64()
		left -= parts[k]
	}
	parts[2] += left
	return parts
}

// Score is an exchange's score in one dimension.
type Score struct {
	Mean      int64  // millionths of a star, as all but the last two
	Deviation int64  // of the mean: σ
	Key       int64  // what exchanges are ranked by: with 95 % confidence the mean is above
	Low, High int64  // with 90 % confidence the mean is between; within 1–5 stars
	Up, Down  int64  // the furthest that any number of wallets of the fresh group can move the mean
	Reviews   int64  // counted
	Effective uint64 // how many whole reviews they are worth, in 1/Unit
}

// Enough reports whether there is enough evidence to rank the exchange.
func (s Score) Enough() bool { return s.Effective >= EnoughUnits }

// decayed returns a sum of weights as of the day, in 1/Unit.
func (p *Parameters) decayed(w Sum) uint256.Int {
	halvings, rest := split(p.Day - p.Landmark)
	x := w.wide()
	x.Mul(&x, uint256.NewInt(powers[HalfLife-rest]))
	return *shift(&x, -(17 + halvings))
}

// decayedSquare returns a sum of squares as of the day, in 1/2^48.
func (p *Parameters) decayedSquare(q Sum) uint256.Int {
	halvings, rest := split(p.Day - p.Landmark)
	x := q.wide()
	x.Mul(&x, uint256.NewInt(powers[HalfLife-rest]*powers[HalfLife-rest]))
	return *shift(&x, -(34 + 2*halvings))
}

func shift(x *uint256.Int, n int) *uint256.Int {
	if n >= 0 {
		return x.Lsh(x, uint(n))
	}
	return x.Rsh(x, uint(-n))
}

// opinion is what stands behind a score: the weight of every group and number of
// stars.
type opinion struct {
	prior     [5]uint256.Int         // C·π
	alpha     [Groups][5]uint256.Int // (n_eff/S)·d·W, the fresh group capped
	effective uint256.Int            // n_eff
}

// evidence is the weights of the groups as of a day, before they are scaled.
type evidence struct {
	weights [Groups][5]uint256.Int
	squares [Groups]uint256.Int
}

func (p *Parameters) evidence(t *Tally, dimension int) (e evidence) {
	for g := range Groups {
		for k := range 5 {
			e.weights[g][k] = p.decayed(t.Weights[g][dimension][k])
		}
		e.squares[g] = p.decayedSquare(t.Squares[g])
	}
	return e
}

// limit returns the most that the fresh group may weigh: a ninth of S of the
// others, so that it holds a tenth of all. Of C it gets a part that vanishes as
// the others grow, C²/(C+S): while nobody has standing, an exchange with many
// reviews is still told from one with few.
func (e *evidence) limit() uint256.Int {
	known, second := sum(e.weights[Proven]), sum(e.weights[Unproven])
	known.Add(&known, &second)
	prior := uint256.NewInt(PriorWeight * Unit)
	both := new(uint256.Int).Add(prior, &known)
	part := prior.Mul(prior, prior).Div(prior, both)
	part.Add(part, &known)
	return *part.Div(part, uint256.NewInt(FreshShare-1))
}

// cap scales the fresh group down to its limit.
func (e *evidence) cap() {
	fresh, most := sum(e.weights[Fresh]), e.limit()
	if !fresh.Gt(&most) {
		return
	}
	for k := range 5 {
		w := &e.weights[Fresh][k]
		w.Mul(w, &most).Div(w, &fresh)
	}
	q := &e.squares[Fresh]
	q.Mul(q, &most).Div(q, &fresh)
	q.Mul(q, &most).Div(q, &fresh)
}

func sum(parts [5]uint256.Int) (s uint256.Int) {
	for k := range parts {
		s.Add(&s, &parts[k])
	}
	return s
}

// opinion caps the evidence and adds the prior.
func (p *Parameters) opinion(e *evidence, dimension int) (o opinion) {
	e.cap()
	var all, squares uint256.Int
	for g := range Groups {
		s := sum(e.weights[g])
		all.Add(&all, &s)
		squares.Add(&squares, &e.squares[g])
	}
	if !squares.IsZero() { // S²/Σw²: units of 2^-64 by 2^-48, in 1/2^32
		o.effective.Mul(&all, &all)
		o.effective.Lsh(&o.effective, 16).Div(&o.effective, &squares)
	}
	if squares.IsZero() || o.effective.Gt(&all) {
		o.effective = all
	}
	for k := range 5 {
		o.prior[k].SetUint64(PriorWeight * p.Prior[dimension][k])
		if all.IsZero() {
			continue
		}
		for g := range Groups {
			a := &o.alpha[g][k]
			a.Mul(&e.weights[g][k], &o.effective).Div(a, &all)
		}
	}
	return o
}

// moments returns A, Σk·α_k and Σk²·α_k.
func (o *opinion) moments() (total, first, second uint256.Int) {
	for k := range uint64(5) {
		a := o.prior[k]
		for g := range Groups {
			a.Add(&a, &o.alpha[g][k])
		}
		total.Add(&total, &a)
		first.Add(&first, new(uint256.Int).Mul(&a, uint256.NewInt(k+1)))
		second.Add(&second, new(uint256.Int).Mul(&a, uint256.NewInt((k+1)*(k+1))))
	}
	return total, first, second
}

// mean returns μ in millionths.
func (o *opinion) mean() int64 {
	total, first, _ := o.moments()
	first.Mul(&first, uint256.NewInt(Star)).Div(&first, &total)
	return int64(first.Uint64())
}

// deviation returns σ in millionths.
func (o *opinion) deviation() int64 {
	total, first, second := o.moments()
	second.Mul(&second, &total)
	first.Mul(&first, &first)
	second.Sub(&second, &first)
	second.Mul(&second, uint256.NewInt(Star*Star)).Lsh(&second, 32)
	var by, one uint256.Int
	by.Mul(&total, &total)
	one.AddUint64(&total, Unit)
	second.Div(&second, by.Mul(&by, &one))
	return int64(second.Sqrt(&second).Uint64())
}

// Score returns the score of an exchange in one dimension.
func (p *Parameters) Score(t *Tally, dimension int) Score {
	s := p.WithoutBounds(t, dimension)
	s.Up, s.Down = p.flooded(t, dimension, 4)-s.Mean, s.Mean-p.flooded(t, dimension, 0)
	return s
}

// WithoutBounds is Score without Up and Down, at a third of the time: what ranks
// an exchange.
func (p *Parameters) WithoutBounds(t *Tally, dimension int) Score {
	e := p.evidence(t, dimension)
	o := p.opinion(&e, dimension)
	s := Score{Mean: o.mean(), Deviation: o.deviation(), Reviews: t.Reviews(), Effective: o.effective.Uint64()}
	around := deviations * s.Deviation / 1000
	s.Key = s.Mean - around
	s.Low, s.High = max(s.Key, Star), min(s.Mean+around, 5*Star)
	return s
}

// flooded returns the mean if endlessly many reviews of the fresh group had
// place+1 stars.
func (p *Parameters) flooded(t *Tally, dimension, place int) int64 {
	e := p.evidence(t, dimension)
	e.weights[Fresh], e.squares[Fresh] = [5]uint256.Int{}, uint256.Int{}
	e.weights[Fresh][place] = e.limit()
	o := p.opinion(&e, dimension)
	return o.mean()
}

// Means returns the mean in every dimension.
func (p *Parameters) Means(t *Tally) (means [Dimensions]int64) {
	for d := range means {
		e := p.evidence(t, d)
		o := p.opinion(&e, d)
		means[d] = o.mean()
	}
	return means
}

// EffectiveMillionths returns the effective number of reviews in millionths.
func (s Score) EffectiveMillionths() int64 {
	return int64(s.Effective>>32)*Star + int64((s.Effective&(Unit-1))*Star>>32)
}

// Compare orders scores, the best first: those with enough evidence before the
// others, then by key, then by evidence.
func (s Score) Compare(other Score) int {
	if s.Enough() != other.Enough() {
		if s.Enough() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(other.Key, s.Key), cmp.Compare(other.Effective, s.Effective))
}
