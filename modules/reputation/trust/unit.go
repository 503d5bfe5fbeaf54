package trust

import (
	"math"
	"slices"
)

// unit returns the largest x so that the nodes with a trust of x or more hold
// half of all trust. Unlike the mean it does not move when somebody adds nodes
// that nobody trusts.
//
// It sorts only the values of the one bucket, of those with the same leading
// bits, in which the half is reached.
func unit(trust []float64) float64 {
	const bits = 14 // sign, exponent and two of the fraction
	mass, held := make([]float64, 1<<bits), 0.0
	for _, t := range trust {
		mass[math.Float64bits(t)>>(64-bits)] += t
		held += t
	}
	above := 0.0
	for b := len(mass) - 1; b >= 0; b-- {
		if mass[b] == 0 || above+mass[b] < held/2 {
			above += mass[b]
			continue
		}
		var in []float64
		for _, t := range trust {
			if math.Float64bits(t)>>(64-bits) == uint64(b) {
				in = append(in, t)
			}
		}
		slices.Sort(in)
		for i := len(in) - 1; i >= 0; i-- {
			if above += in[i]; above >= held/2 || i == 0 {
				return in[i]
			}
		}
	}
	return 0 // of no trust at all, which a pre-trust rules out
}
