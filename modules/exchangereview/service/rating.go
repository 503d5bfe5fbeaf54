package service

import (
	"math"

	"banyan/modules/exchangereview"
)

// A review weighs max(0.05, percentile of its writer) in units of 1/65536.
// Whole units make sums exact: what was added can be subtracted again without a
// rest, in any order, and every machine computes the same bits.
const (
	weightOne     = 1 << 16
	weightLeast   = 3277 // 0.05
	leastStanding = 0.05
)

// weightOf converts a percentile, 0–1, into units.
func weightOf(percentile float64) int64 {
	if !(percentile > leastStanding) { // also NaN
		return weightLeast
	}
	return min(int64(math.Round(percentile*weightOne)), weightOne)
}

// sums are the sums over an exchange's live reviews.
type sums struct {
	Reviews  int64
	Weight   int64                            // units
	Stars    [exchangereview.Dimensions]int64 // units × stars
	Received [5]int64                         // reviews with 1, 2, 3, 4, 5 stars overall
}

// add adds a review of this weight n times (1, or −1 to subtract it).
func (s *sums) add(n, weight int64, stars [exchangereview.Dimensions]int) {
	s.Reviews += n
	s.Received[stars[0]-1] += n
	s.reweigh(n*weight, stars)
}

// reweigh changes the weight of a review that is counted already.
func (s *sums) reweigh(change int64, stars [exchangereview.Dimensions]int) {
	s.Weight += change
	for i, k := range stars {
		s.Stars[i] += change * int64(k)
	}
}

// rating returns the sums in the contract's units.
func (s *sums) rating() exchangereview.Rating {
	r := exchangereview.Rating{Reviews: int(s.Reviews)}
	if s.Reviews == 0 || s.Weight == 0 {
		return r
	}
	var plain int64
	for i, n := range s.Received {
		r.Histogram[i] = int(n)
		plain += n * int64(i+1)
	}
	mean := func(i int) float64 { return float64(s.Stars[i]) / float64(s.Weight) }
	r.Mean, r.PlainMean = mean(0), float64(plain)/float64(s.Reviews)
	r.Aspects = exchangereview.Aspects[float64]{
		Withdrawals: mean(1), Support: mean(2), Fees: mean(3), Execution: mean(4), Security: mean(5), Ease: mean(6),
	}
	return r
}
