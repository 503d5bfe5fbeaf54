package service

import (
	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
)

// stars converts millionths.
func stars(millionths int64) float64 { return float64(millionths) / ranking.Star }

// ratingOf returns a tally in the contract's units.
func ratingOf(t *ranking.Tally, held int, p *ranking.Parameters) exchangereview.Rating {
	r := exchangereview.Rating{Held: held}
	var received, sum int64
	for i, n := range t.Histogram() {
		r.Histogram[i] = int(n)
		received += n
		sum += n * int64(i+1)
	}
	if r.Reviews = int(received); received == 0 {
		return r
	}
	s, means := p.Score(t, 0), p.Means(t)
	r.Enough, r.Effective = s.Enough(), stars(s.EffectiveMillionths())
	r.Key, r.Mean, r.Low, r.High = stars(s.Key), stars(s.Mean), stars(s.Low), stars(s.High)
	r.MovesUp, r.MovesDown = stars(s.Up), stars(s.Down)
	r.PlainMean = float64(sum) / float64(received)
	r.Aspects = exchangereview.Aspects[float64]{
		Withdrawals: stars(means[1]), Support: stars(means[2]), Fees: stars(means[3]), Execution: stars(means[4]),
		Security: stars(means[5]), Ease: stars(means[6]),
	}
	return r
}

// rankOrder is the number by which exchanges are sorted, the best one the
// highest: whether there is enough evidence, then the key, then the evidence.
func rankOrder(t *ranking.Tally, p *ranking.Parameters) int64 {
	const (
		keyBits, evidenceBits = 24, 32
		below                 = 1_500_000 // no key is as low as minus this
	)
	if t.Reviews() == 0 {
		return 0
	}
	s := p.WithoutBounds(t, 0)
	order := (s.Key+below)<<evidenceBits + int64(min(s.Effective>>12, 1<<evidenceBits-1))
	if s.Enough() {
		order += 1 << (keyBits + evidenceBits)
	}
	return order
}

// meanOrder is the number by which exchanges are sorted by stars: the mean in
// millionths, those without enough evidence behind; 0 without reviews.
func meanOrder(t *ranking.Tally, p *ranking.Parameters) int64 {
	if t.Reviews() == 0 {
		return 0
	}
	s := p.WithoutBounds(t, 0)
	if s.Enough() {
		return s.Mean + 10*ranking.Star
	}
	return s.Mean
}
