package rules

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"sort"
)

// share divides a budget by weights, each share between floor and cap (nil = none),
// to the last unit: what rounding down leaves goes to the largest remainders, of
// equal ones to the first. problem says why it is not possible.
//
// A share is λ × weight, put between floor and cap, with the λ that makes the sum the
// budget. As in CSS's flexible boxes: of those outside of their bounds the side that
// is further out in sum is fixed, and the rest is divided again.
func share(budget *big.Int, weights []*big.Int, floor, most *big.Int) (shares []*big.Int, problem string) {
	s := sharing{weights: weights, left: new(big.Int).Set(budget), sum: new(big.Int)}
	if problem := s.check(budget, floor, most); problem != "" {
		return nil, problem
	}
	s.order()
	if floor != nil || most != nil {
		s.bound(floor, most)
	}
	if s.low < s.high && s.sum.Sign() == 0 {
		return nil, "the weights of those who could get more are all zero"
	}
	if s.low == s.high && s.left.Sign() != 0 {
		return nil, "nobody is left who could get more"
	}
	shares = make([]*big.Int, len(weights))
	for _, k := range s.byWeight[:s.low] {
		shares[k] = floor
	}
	for _, k := range s.byWeight[s.high:] {
		shares[k] = most
	}
	s.round(shares)
	return shares, ""
}

// sharing is the state: byWeight[low:high] share what is left, those before have the
// floor and those behind the cap.
type sharing struct {
	weights   []*big.Int
	byWeight  []int      // from the smallest
	prefix    []*big.Int // sums of the weights in this order, of every prefixEvery-th place
	low, high int
	left, sum *big.Int // for those in between, and of their weights
}

func (s *sharing) check(budget, floor, most *big.Int) string {
	n := big.NewInt(int64(len(s.weights)))
	if len(s.weights) == 0 {
		return "nobody is eligible for it"
	}
	if floor != nil {
		if all := new(big.Int).Mul(floor, n); all.Cmp(budget) > 0 {
			return fmt.Sprintf("the floor of %d wallets is more than it", len(s.weights))
		}
	}
	if most != nil {
		if all := new(big.Int).Mul(most, n); all.Cmp(budget) < 0 {
			return fmt.Sprintf("the cap of %d wallets is less than it", len(s.weights))
		}
	}
	for _, w := range s.weights {
		s.sum.Add(s.sum, w)
	}
	if s.sum.Sign() == 0 {
		return "the weights of all are zero"
	}
	return ""
}

func (s *sharing) order() {
	s.byWeight = make([]int, len(s.weights))
	for k := range s.byWeight {
		s.byWeight[k] = k
	}
	s.high = len(s.weights)
}

// bound fixes those whose share would be outside of floor and cap.
func (s *sharing) bound(floor, most *big.Int) {
	s.sort()
	sum := new(big.Int)
	for at, k := range s.byWeight {
		if at%prefixEvery == 0 {
			s.prefix = append(s.prefix, new(big.Int).Set(sum))
		}
		sum.Add(sum, s.weights[k])
	}
	for s.low < s.high && s.sum.Sign() > 0 {
		below, above := s.low, s.high
		if floor != nil { // left × weight / sum < floor
			limit := new(big.Int).Mul(floor, s.sum)
			below = s.low + sort.Search(s.high-s.low, func(i int) bool { return s.product(s.low+i).Cmp(limit) >= 0 })
		}
		if most != nil {
			limit := new(big.Int).Mul(most, s.sum)
			above = s.low + sort.Search(s.high-s.low, func(i int) bool { return s.product(s.low+i).Cmp(limit) > 0 })
		}
		if below == s.low && above == s.high {
			return
		}
		missing, over := s.outside(floor, s.low, below), s.outside(most, above, s.high)
		over.Neg(over)
		if missing.Cmp(over) >= 0 {
			s.fix(floor, s.low, below)
			s.low = below
		} else {
			s.fix(most, above, s.high)
			s.high = above
		}
	}
	if s.low < s.high && s.sum.Sign() == 0 && floor != nil { // who weighs nothing has the floor
		s.fix(floor, s.low, s.high)
		s.low = s.high
	}
}

// sort orders byWeight from the smallest weight; of equal ones the first is first. Most
// comparisons need no more than the first bits.
func (s *sharing) sort() {
	type key struct {
		top uint64
		k   int
	}
	shift := uint(max(0, s.longest()-64))
	keys := make([]key, len(s.weights))
	var top big.Int
	for k, w := range s.weights {
		keys[k] = key{top.Rsh(w, shift).Uint64(), k}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.top != b.top {
			return cmp.Compare(a.top, b.top)
		}
		return cmp.Or(s.weights[a.k].Cmp(s.weights[b.k]), cmp.Compare(a.k, b.k))
	})
	for at, k := range keys {
		s.byWeight[at] = k.k
	}
}

// longest returns the length of the largest weight, in bits.
func (s *sharing) longest() (bits int) {
	for _, w := range s.weights {
		bits = max(bits, w.BitLen())
	}
	return bits
}

func (s *sharing) product(at int) *big.Int {
	return new(big.Int).Mul(s.left, s.weights[s.byWeight[at]])
}

// prefixEvery is how many weights are added up again for one sum: a sum kept for each
// of a million weights took a fifth of the time that their rules take.
const prefixEvery = 64

// between returns the sum of the weights of byWeight[from:to].
func (s *sharing) between(from, to int) *big.Int {
	return new(big.Int).Sub(s.until(to), s.until(from))
}

func (s *sharing) until(to int) *big.Int {
	first := min(to/prefixEvery, len(s.prefix)-1)
	sum := new(big.Int).Set(s.prefix[first])
	for _, k := range s.byWeight[first*prefixEvery : to] {
		sum.Add(sum, s.weights[k])
	}
	return sum
}

// outside returns bound × n × sum - left × weights, of those from to.
func (s *sharing) outside(bound *big.Int, from, to int) *big.Int {
	total := new(big.Int)
	if bound == nil || from == to {
		return total
	}
	total.Mul(bound, big.NewInt(int64(to-from))).Mul(total, s.sum)
	weight := s.between(from, to)
	return total.Sub(total, weight.Mul(weight, s.left))
}

// fix takes those from to out, with bound each.
func (s *sharing) fix(bound *big.Int, from, to int) {
	s.left.Sub(s.left, new(big.Int).Mul(bound, big.NewInt(int64(to-from))))
	s.sum.Sub(s.sum, s.between(from, to))
}

// round divides what is left among those in between.
func (s *sharing) round(shares []*big.Int) {
	type rest struct {
		k   int
		top uint64 // the first bits of the remainder: most comparisons need no more
		of  *big.Int
	}
	free := slices.Clone(s.byWeight[s.low:s.high])
	slices.Sort(free)
	shift := uint(max(0, s.sum.BitLen()-64))
	rests := make([]rest, len(free))
	given := new(big.Int)
	var product big.Int
	for i, k := range free {
		q, r := new(big.Int), new(big.Int)
		q.QuoRem(product.Mul(s.left, s.weights[k]), s.sum, r)
		shares[k] = q
		given.Add(given, q)
		rests[i] = rest{k, new(big.Int).Rsh(r, shift).Uint64(), r}
	}
	left := int(new(big.Int).Sub(s.left, given).Int64()) // fewer than there are remainders
	if left == 0 {
		return
	}
	slices.SortFunc(rests, func(a, b rest) int {
		if a.top != b.top {
			return cmp.Compare(b.top, a.top)
		}
		return cmp.Or(b.of.Cmp(a.of), cmp.Compare(a.k, b.k))
	})
	one := big.NewInt(1)
	for _, r := range rests[:left] {
		shares[r.k].Add(shares[r.k], one)
	}
}
