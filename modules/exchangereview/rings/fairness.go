package rings

import (
	"cmp"
	"slices"
)

// Outlier is a wallet whose reviews are far from what fair wallets say.
type Outlier struct {
	Wallet   int32
	Fairness float64 // 0–1
	Reviews  int
	Far      int // of them, two stars or more from the goodness of the exchange
}

// The constants of REV2 (Kumar et al., WSDM 2018), in its notation; there they are chosen
// on a grid, here they are those that the paper names as its middle.
const (
	rounds      = 30
	alpha       = 1.0 // how many fair reviews a wallet begins with
	beta        = 1.0 // how many average reviews an exchange begins with
	fairAtFirst = 0.8
	// fewest reviews of which anything can be said
	fewest = 5
	// LeastFair is below which a wallet is shown to moderators.
	LeastFair = 0.55
)

// Outliers returns wallets of at least five reviews that are not fair, the least fair first.
func Outliers(reviews []Review) (all []Outlier) {
	fairness, goodness := Fairness(reviews)
	n, far := make([]int, len(fairness)), make([]int, len(fairness))
	for _, r := range reviews {
		n[r.Wallet]++
		if d := scaled(r.Stars) - goodness[r.Exchange]; d >= 1 || d <= -1 {
			far[r.Wallet]++
		}
	}
	for w, f := range fairness {
		if n[w] >= fewest && f < LeastFair && 2*far[w] > n[w] {
			all = append(all, Outlier{int32(w), f, n[w], far[w]})
		}
	}
	slices.SortFunc(all, func(a, b Outlier) int {
		return cmp.Or(cmp.Compare(a.Fairness, b.Fairness), cmp.Compare(a.Wallet, b.Wallet))
	})
	return all
}

// scaled is -1 for one star and 1 for five.
func scaled(stars int8) float64 { return float64(stars-3) / 2 }

// Fairness returns how fair each wallet is, 0–1, and how good each exchange is, -1–1:
//
//	goodness(e)    = (β·μ + Σ reliability·score) / (β + Σ reliability)
//	reliability(r) = (fairness(w) + 1 − |score − goodness(e)|/2) / 2
//	fairness(w)    = (α·0.8 + Σ reliability) / (α + n)
//
// in thirty rounds, each of which looks at every review once.
func Fairness(reviews []Review) (fairness, goodness []float64) {
	wallets, exchanges, mean := 0, 0, 0.0
	for _, r := range reviews {
		wallets, exchanges = max(wallets, int(r.Wallet)+1), max(exchanges, int(r.Exchange)+1)
		mean += scaled(r.Stars) / float64(len(reviews))
	}
	fairness, goodness = make([]float64, wallets), make([]float64, exchanges)
	reliability := make([]float64, len(reviews))
	for i := range reliability {
		reliability[i] = 1
	}
	sumW, n := make([]float64, wallets), make([]float64, wallets)
	sumE, weight := make([]float64, exchanges), make([]float64, exchanges)
	for range rounds {
		clear(sumE)
		clear(weight)
		for i, r := range reviews {
			sumE[r.Exchange] += reliability[i] * scaled(r.Stars)
			weight[r.Exchange] += reliability[i]
		}
		for e := range goodness {
			goodness[e] = (beta*mean + sumE[e]) / (beta + weight[e])
		}
		clear(sumW)
		clear(n)
		for i, r := range reviews {
			sumW[r.Wallet] += reliability[i]
			n[r.Wallet]++
		}
		for w := range fairness {
			fairness[w] = (alpha*fairAtFirst + sumW[w]) / (alpha + n[w])
		}
		for i, r := range reviews {
			d := scaled(r.Stars) - goodness[r.Exchange]
			reliability[i] = (fairness[r.Wallet] + 1 - max(d, -d)/2) / 2
		}
	}
	return fairness, goodness
}
