package rules

import (
	"context"
	"math"
	"math/big"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
)

// checkEvery is how many wallets are computed between two looks at the context.
const checkEvery = 1 << 16

// allocate computes the amounts of a part.
func (e *Result) allocate(ctx context.Context, p *part) ([]uint256.Int, error) {
	to := e.holds(p.to)
	var members []int
	for i := range e.Wallets {
		if to[i] && e.gets(i) {
			members = append(members, i)
		}
	}
	amounts := make([]uint256.Int, len(e.Wallets))
	if p.budget != nil {
		return amounts, e.divide(ctx, p, members, amounts)
	}
	w := e.weigher(p)
	scale := tenTo(w.decimals)
	var amount big.Int
	for k, i := range members {
		if k%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		amount.Mul(p.each, w.weigh(i))
		amount.Quo(&amount, scale)
		if err := e.set(p, amounts, i, p.bounded(&amount)); err != nil {
			return nil, err
		}
	}
	return amounts, nil
}

// bounded applies the floor and the cap.
func (p *part) bounded(amount *big.Int) *big.Int {
	switch {
	case p.floor != nil && amount.Cmp(p.floor) < 0:
		return p.floor
	case p.cap != nil && amount.Cmp(p.cap) > 0:
		return p.cap
	}
	return amount
}

func (e *Result) set(p *part, amounts []uint256.Int, i int, amount *big.Int) error {
	if amounts[i].SetFromBig(amount) {
		return fault.Newf(fault.Invalid, "%s (line %d of the rules): %s would get more than 2^256-1 base units; lower what this part gives", p.name, p.line, e.Wallets[i])
	}
	return nil
}

// divide gives the budget of a part to its members, to the last unit.
func (e *Result) divide(ctx context.Context, p *part, members []int, amounts []uint256.Int) error {
	w := e.weigher(p)
	weights := make([]*big.Int, len(members))
	for k, i := range members {
		if k%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		weights[k] = new(big.Int).Set(w.weigh(i))
	}
	shares, problem := share(p.budget, weights, p.floor, p.cap)
	if problem != "" {
		return fault.Newf(fault.Invalid, "%s (line %d of the rules): the budget of %s cannot be divided: %s; change the budget, or what it is divided by", p.name, p.line, e.tokens(p.budget), problem)
	}
	for k, i := range members {
		if err := e.set(p, amounts, i, shares[k]); err != nil {
			return err
		}
	}
	return nil
}

// weigher computes what the factors of a part make for a wallet: an integer in units
// of 10^-decimals.
type weigher struct {
	e        *Result
	part     *part
	decimals int
	powers   []*big.Int // of each square root: 10^(36-d)
	product  big.Int
	scratch  big.Int
}

func (e *Result) weigher(p *part) *weigher {
	w := &weigher{e: e, part: p}
	if p.doubles {
		w.decimals = timesDecimals
		return w
	}
	for i := range p.factors {
		f := &p.factors[i]
		if w.decimals += timesDecimals; f.kind == linear {
			w.decimals += e.decimals(f) - timesDecimals
		}
		w.powers = append(w.powers, tenTo(2*timesDecimals-e.decimals(f)))
	}
	return w
}

func (e *Result) decimals(f *factor) int { return e.Rules.Sources[f.source].Values[f.value].Decimals }

// weigh returns the product of a wallet's factors; it is valid until the next call. A
// wallet that is not in a factor's source has 0 there.
func (w *weigher) weigh(i int) *big.Int {
	if w.part.doubles {
		return w.inDoubles(i)
	}
	w.product.SetInt64(1)
	for k := range w.part.factors {
		f := &w.part.factors[k]
		value, ok := w.e.value(f, i)
		if !ok {
			return w.product.SetInt64(0)
		}
		switch f.kind {
		case linear:
			w.scratch.Set(value)
		case squareRoot: // √(v·10^-d) in units of 10^-18 is √(v·10^(36-d))
			w.scratch.Mul(value, w.powers[k])
			w.scratch.Sqrt(&w.scratch)
		case tiers:
			w.scratch.Set(f.tier(value).times)
		case line:
			f.onLine(&w.scratch, value)
		}
		w.product.Mul(&w.product, &w.scratch)
	}
	return &w.product
}

func (e *Result) value(f *factor, i int) (*big.Int, bool) {
	row := e.rows[f.source][i]
	if row < 0 {
		return nil, false
	}
	return e.tables[f.source].Columns[f.value][row].ToBig(), true
}

// tier returns the step that a value reaches, one of times 0 below all of them.
func (f *factor) tier(value *big.Int) step {
	for _, s := range f.steps {
		if value.Cmp(s.from) >= 0 {
			return s
		}
	}
	return step{from: big.NewInt(0), times: big.NewInt(0)}
}

// onLine sets to to the height of the line at a value, halves up; beside its points
// it is level.
func (f *factor) onLine(to, value *big.Int) {
	a, b := f.steps[0], f.steps[1]
	switch {
	case value.Cmp(a.from) <= 0:
		to.Set(a.times)
		return
	case value.Cmp(b.from) >= 0:
		to.Set(b.times)
		return
	}
	// b.times + (a.times - b.times) × (b.from - value) / (b.from - a.from)
	width := new(big.Int).Sub(b.from, a.from)
	rise := new(big.Int).Sub(a.times, b.times)
	rise.Mul(rise, new(big.Int).Sub(b.from, value))
	rise.Lsh(rise, 1).Add(rise, width)
	rise.Div(rise, width.Lsh(width, 1)) // Div rounds down, also below zero
	to.Add(b.times, rise)
}

// inDoubles computes in IEEE 754 doubles, as scripts in JavaScript and Python do, and
// takes the product to 18 decimals, halves up. It is as exact as integers are: each
// operation has one right result.
func (w *weigher) inDoubles(i int) *big.Int {
	product := 1.0
	for k := range w.part.factors {
		f := &w.part.factors[k]
		value, ok := w.e.value(f, i)
		if !ok {
			return w.product.SetInt64(0)
		}
		x, _ := new(big.Rat).SetFrac(value, tenTo(w.e.decimals(f))).Float64() // the nearest double
		times := x
		switch f.kind {
		case linear:
		case squareRoot:
			times = math.Sqrt(x)
		case tiers:
			times = f.tier(value).timesFlt
		case line:
			times = f.onLineInDoubles(x)
		}
		product = float64(product * times) // the conversion forbids to fuse operations
	}
	exact, ok := new(big.Rat), !math.IsInf(product, 0) && !math.IsNaN(product)
	if ok {
		exact.SetFloat64(product)
	}
	exact.Mul(exact, new(big.Rat).SetInt(tenTo(timesDecimals)))
	twice := new(big.Int).Lsh(exact.Denom(), 1)
	w.product.Lsh(exact.Num(), 1).Add(&w.product, exact.Denom())
	return w.product.Quo(&w.product, twice)
}

func (f *factor) onLineInDoubles(x float64) float64 {
	a, b := f.steps[0], f.steps[1]
	switch {
	case x <= a.fromFloat:
		return a.timesFlt
	case x >= b.fromFloat:
		return b.timesFlt
	}
	part := float64(b.fromFloat-x) / float64(b.fromFloat-a.fromFloat)
	rise := float64(float64(a.timesFlt-b.timesFlt) * part)
	return b.timesFlt + rise
}
