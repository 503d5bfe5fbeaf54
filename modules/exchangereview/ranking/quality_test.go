package ranking_test

import (
	"math/rand/v2"
	"testing"

	"banyan/modules/exchangereview/ranking"
)

// What the interval promises, by simulation: exchanges whose true opinion is
// drawn around the prior, and n reviews of each, of wallets with all the weights
// that there are. (Were all of them 1, it would be 90 % exactly: the interval of
// the very distribution that the opinions are drawn from.)
func TestQualityOfTheInterval(t *testing.T) {
	const exchanges = 4000
	r := rand.New(rand.NewPCG(7, 8))
	p := at(today)
	for _, n := range []int{5, 20, 100, 1000} {
		covered := 0
		for range exchanges {
			opinion, mean := drawOpinion(r)
			var tally ranking.Tally
			for range n {
				stars := drawStars(r, opinion)
				tally.Add(&ranking.Review{Day: today, Group: ranking.Unproven, Weight: uint32(ranking.Least + r.IntN(ranking.One-ranking.Least)), Stars: [7]int{stars, stars, stars, stars, stars, stars, stars}}, ranking.Landmark)
			}
			s := p.Score(&tally, 0)
			if float64(s.Low) <= mean*ranking.Star && mean*ranking.Star <= float64(s.High) {
				covered++
			}
		}
		share := float64(covered) / exchanges
		t.Logf("90 %% interval, n = %4d: %.3f of %d true means are inside", n, share, exchanges)
		if share < 0.90 {
			t.Errorf("n = %d: only %.3f are inside", n, share)
		}
	}
}

// drawOpinion draws from the Dirichlet distribution of weight 5 around the
// uniform prior: every share is exponential with mean 1.
func drawOpinion(r *rand.Rand) (shares [5]float64, mean float64) {
	total := 0.0
	for k := range shares {
		shares[k] = r.ExpFloat64()
		total += shares[k]
	}
	for k := range shares {
		shares[k] /= total
		mean += float64(k+1) * shares[k]
	}
	return shares, mean
}

func drawStars(r *rand.Rand, shares [5]float64) int {
	x := r.Float64()
	for k, share := range shares {
		if x -= share; x < 0 {
			return k + 1
		}
	}
	return 5
}
