package service

import (
	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/modules/reputation"
)

// A reviewer weighs max(0.05, trust) in units of 1/65536, and 0 when the trusted
// distrust it. Whole units make sums exact: what was added can be subtracted
// again without a rest, in any order, and every machine computes the same bits.
const (
	weightOne   = ranking.One
	weightLeast = ranking.Least
)

// The grades of proof that a writer used the exchange, as they are stored.
const (
	proofNone = iota
	proofWithdrawal
	proofAttestation
	proofSwap
)

var proofNames = [...]string{proofWithdrawal: exchangereview.ProofWithdrawal, proofAttestation: exchangereview.ProofAttestation, proofSwap: exchangereview.ProofSwap}

// proofFactors are the factors of the grades, in units.
var proofFactors = [...]int64{weightOne * 4 / 10, weightOne * 6 / 10, weightOne * 8 / 10, weightOne}

// rated is what the sums need of a review.
type rated struct {
	createdMS int64
	stars     [exchangereview.Dimensions]int
	proof     int
}

// weight is what a wallet's reviews weigh, and the epoch of reputation it is
// from.
type weight struct {
	units    int64
	epoch    int64
	firstDay int // it was first seen, since 1970; 0 = not known
}

// epochUnknown is the epoch of a weight that reputation has not returned yet.
// Epoch 0 means that none has been computed.
const epochUnknown = -1

// weightOf converts what reputation says of a wallet.
func weightOf(w reputation.Weight, epoch int64) weight {
	v := weight{units: int64(w.WeightPPM) * weightOne / reputation.MaxWeight, epoch: epoch, firstDay: ranking.DayOf(w.FirstSeenMS)}
	switch {
	case w.Standing == reputation.Distrusted:
		v.units = 0
	case v.units < weightLeast:
		v.units = weightLeast
	}
	return v
}

// standing reports whether a wallet of this weight has any.
func standing(units int64) bool { return units > weightLeast }

// reviewer is how a wallet's reviews are counted.
type reviewer struct {
	Units int64 `db:"weight" json:"units"`
	Fresh bool  `db:"fresh" json:"fresh"`
}

// counts returns what a review of this wallet adds to the sums.
func (r reviewer) counts(of rated) ranking.Review {
	return ranking.Review{Day: ranking.DayOf(of.createdMS), Group: r.group(of.proof), Weight: uint32(r.Units * proofFactors[of.proof] / weightOne), Stars: of.stars}
}

func (r reviewer) group(proof int) ranking.Group {
	switch {
	case r.Fresh:
		return ranking.Fresh
	case proof > proofNone:
		return ranking.Proven
	}
	return ranking.Unproven
}

// isFresh reports whether the reviews of a wallet belong to the fresh group.
func isFresh(units int64, firstDay, today int) bool {
	return ranking.GroupOf(standing(units), false, firstDay, today) == ranking.Fresh
}
