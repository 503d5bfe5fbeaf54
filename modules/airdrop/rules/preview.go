package rules

import (
	"cmp"
	"iter"
	"math/big"
	"slices"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/wallet"
)

const (
	mostTop     = 100
	mostChanges = 20
	lorenzParts = 100
	million     = 1_000_000
)

// Preview describes the result. before are the wallets of the preview before with
// what they got, by address; nil when there is none.
func (e *Result) Preview(before iter.Seq2[wallet.Address, uint256.Int]) airdrop.Preview {
	p := airdrop.Preview{Wallets: len(e.Wallets), Count: e.Count, Total: e.Total, LeftOut: []airdrop.LeftOut{}}
	order := make([]int32, 0, e.Count) // from the smallest amount
	for i := range e.Amounts {
		if !e.Amounts[i].IsZero() {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(e.Amounts[a].Cmp(&e.Amounts[b]), cmp.Compare(b, a)) })
	p.Smallest, p.Median, p.Largest = e.Amounts[order[0]], e.Amounts[order[(len(order)-1)/2]], e.Amounts[order[len(order)-1]]
	e.spread(&p, order)
	p.Histogram = histogram(order, e.Amounts)
	for k := len(order) - 1; k >= 0 && len(p.Top) < mostTop; k-- {
		p.Top = append(p.Top, airdrop.Share{Wallet: e.Wallets[order[k]], Amount: e.Amounts[order[k]]})
	}
	for _, out := range e.LeftOut() {
		p.LeftOut = append(p.LeftOut, airdrop.LeftOut(out))
	}
	if before != nil {
		p.Changes = e.changes(before)
	}
	return p
}

// spread computes the Lorenz curve and the Gini coefficient.
func (e *Result) spread(p *airdrop.Preview, order []int32) {
	total, n := e.Total.ToBig(), big.NewInt(int64(len(order)))
	var sum, ranked, scratch uint320
	p.LorenzPPM = make([]int, 0, lorenzParts+1)
	p.LorenzPPM = append(p.LorenzPPM, 0)
	for k, i := range order {
		sum.add(&e.Amounts[i])
		for len(p.LorenzPPM) <= lorenzParts && (k+1)*lorenzParts >= len(p.LorenzPPM)*len(order) {
			p.LorenzPPM = append(p.LorenzPPM, ppm(sum.big(), total))
		}
		ranked.addTimes(&e.Amounts[i], uint64(k)+1, &scratch)
	}
	// 2 Σ k·x / (n Σ x) − (n+1)/n
	up := new(big.Int).Lsh(ranked.big(), 1)
	up.Sub(up, new(big.Int).Mul(total, new(big.Int).Add(n, big.NewInt(1))))
	p.GiniPPM = ppm(up, new(big.Int).Mul(total, n))
}

func ppm(part, of *big.Int) int {
	return int(new(big.Int).Quo(new(big.Int).Mul(part, big.NewInt(million)), of).Int64())
}

// uint320 sums amounts times their places without an allocation each.
type uint320 struct {
	low  uint256.Int
	high uint64
}

func (u *uint320) add(x *uint256.Int) {
	if _, over := u.low.AddOverflow(&u.low, x); over {
		u.high++
	}
}

func (u *uint320) addTimes(x *uint256.Int, times uint64, scratch *uint320) {
	var factor uint256.Int
	factor.SetUint64(times)
	if _, over := scratch.low.MulOverflow(x, &factor); over { // the upper limb by parts
		exact := new(big.Int).Mul(x.ToBig(), new(big.Int).SetUint64(times))
		u.high += new(big.Int).Rsh(exact, 256).Uint64()
		scratch.low.SetFromBig(new(big.Int).And(exact, maxUint256.ToBig()))
	}
	u.add(&scratch.low)
}

func (u *uint320) big() *big.Int {
	high := new(big.Int).SetUint64(u.high)
	return high.Lsh(high, 256).Add(high, u.low.ToBig())
}

// histogram counts amounts in bins that begin at 1, 2 and 5 times the powers of ten.
func histogram(order []int32, amounts []uint256.Int) []airdrop.Bin {
	bounds := boundsOf(&amounts[order[0]], &amounts[order[len(order)-1]])
	bins := make([]airdrop.Bin, len(bounds)-1)
	for i := range bins {
		bins[i].From, bins[i].To = bounds[i], bounds[i+1]
	}
	bin := 0
	for _, i := range order {
		for bin < len(bins)-1 && !amounts[i].Lt(&bins[bin].To) {
			bin++
		}
		bins[bin].Count++
	}
	return bins
}

// mostBins bounds a histogram; a wider range has a bin for each power of ten, or of a
// million.
const mostBins = 30

// boundsOf returns where bins begin and end so that they hold from and to.
func boundsOf(from, to *uint256.Int) (bounds []uint256.Int) {
	powers := len(to.Dec()) - len(from.Dec())
	every := []uint64{1, 2, 5}
	skip := 1
	if 3*powers > mostBins {
		every = []uint64{1}
		skip = 1 + powers/mostBins
	}
	var power uint256.Int
	for k := len(from.Dec()) - 1; ; k += skip {
		if power.SetFromBig(tenTo(k)) {
			return append(bounds, *maxUint256)
		}
		for _, times := range every {
			var bound uint256.Int
			if _, over := bound.MulOverflow(&power, uint256.NewInt(times)); over {
				return append(bounds, *maxUint256)
			}
			if len(bounds) == 1 && !from.Lt(&bound) { // the one before is not needed
				bounds = bounds[:0]
			}
			bounds = append(bounds, bound)
			if to.Lt(&bound) {
				return bounds
			}
		}
	}
}

// changes compares with the preview before.
func (e *Result) changes(before iter.Seq2[wallet.Address, uint256.Int]) *airdrop.Changes {
	c := &comparer{of: &airdrop.Changes{Largest: []airdrop.Change{}}}
	i := 0
	var zero uint256.Int
	for w, amount := range before {
		for ; i < len(e.Wallets) && compareWallets(e.Wallets[i], w) < 0; i++ {
			c.compare(e.Wallets[i], &zero, &e.Amounts[i])
		}
		if i < len(e.Wallets) && e.Wallets[i] == w {
			c.compare(w, &amount, &e.Amounts[i])
			i++
		} else {
			c.compare(w, &amount, &zero)
		}
	}
	for ; i < len(e.Wallets); i++ {
		c.compare(e.Wallets[i], &zero, &e.Amounts[i])
	}
	slices.SortStableFunc(c.of.Largest, func(a, b airdrop.Change) int { return difference(&b).Cmp(difference(&a)) })
	c.of.Largest = c.of.Largest[:min(len(c.of.Largest), mostChanges)]
	return c.of
}

type comparer struct {
	of    *airdrop.Changes
	least *uint256.Int // what a change must be over to be among the largest
}

func difference(c *airdrop.Change) *uint256.Int {
	if c.Before.Lt(&c.After) {
		return new(uint256.Int).Sub(&c.After, &c.Before)
	}
	return new(uint256.Int).Sub(&c.Before, &c.After)
}

func (c *comparer) compare(w wallet.Address, before, after *uint256.Int) {
	switch {
	case before.IsZero() && after.IsZero():
		return
	case *before == *after:
		c.of.Unchanged++
		return
	case before.IsZero():
		c.of.Added++
	case after.IsZero():
		c.of.Removed++
	case before.Lt(after):
		c.of.More++
	default:
		c.of.Less++
	}
	change := airdrop.Change{Wallet: w, Before: *before, After: *after}
	if c.least != nil && !c.least.Lt(difference(&change)) {
		return
	}
	if c.of.Largest = append(c.of.Largest, change); len(c.of.Largest) < 8*mostChanges {
		return
	}
	slices.SortStableFunc(c.of.Largest, func(a, b airdrop.Change) int { return difference(&b).Cmp(difference(&a)) })
	c.of.Largest = c.of.Largest[:mostChanges]
	c.least = difference(&c.of.Largest[mostChanges-1])
}
