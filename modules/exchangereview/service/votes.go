package service

import (
	"context"
	"fmt"
	"math"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
)

// VoteOnReview implements Service. A vote keeps the weight that its reader had
// when it was given.
func (s *service) VoteOnReview(ctx context.Context, q exchangereview.Vote) (exchangereview.Helpfulness, error) {
	reader := identity.From(ctx).Wallet
	switch {
	case reader.IsZero():
		return exchangereview.Helpfulness{}, fault.New(fault.Forbidden, "a vote is a wallet's: sign in with one, or use a token of one")
	case reader == q.Wallet:
		return exchangereview.Helpfulness{}, fault.New(fault.Conflict, "this is your own review: others say whether it helps")
	}
	exchange, err := s.catalogue.id(ctx, q.Slug)
	if err != nil {
		return exchangereview.Helpfulness{}, err
	}
	w := s.weigher.weigh(ctx, reader)
	var votes votesRow
	err = s.store.db.Write(ctx, func(tx *database.Tx) (err error) {
		votes, err = vote(ctx, tx, exchange, q.Wallet, reader, q.Helpful, w.units)
		if database.IsNoRows(err) {
			return noReview(q.Wallet)
		}
		return err
	})
	if err != nil {
		return exchangereview.Helpfulness{}, fmt.Errorf("vote on a review of %s: %w", q.Slug, err)
	}
	return votes.helpfulness(), nil
}

// helpfulness returns the votes in the contract's units.
func (v *votesRow) helpfulness() exchangereview.Helpfulness {
	return exchangereview.Helpfulness{
		Helpful: float64(v.Helpful) / weightOne, Unhelpful: float64(v.Unhelpful) / weightOne, Score: float64(v.HelpfulOrder) / 1e6,
	}
}

// wilson returns the lower end of the 95 % interval of the share of helpful
// votes, in millionths (Wilson 1927); weights are in units.
func wilson(helpful, unhelpful int64) int64 {
	n := float64(helpful+unhelpful) / weightOne
	if n <= 0 {
		return 0
	}
	const z = 1.96
	p := float64(helpful) / float64(helpful+unhelpful)
	low := (p + z*z/(2*n) - z*math.Sqrt((p*(1-p)+z*z/(4*n))/n)) / (1 + z*z/n)
	return int64(math.Round(max(low, 0) * 1e6))
}

// votesRow is the votes on a review; weights are in units.
type votesRow struct {
	Helpful      int64 `db:"helpful"`
	Unhelpful    int64 `db:"unhelpful"`
	HelpfulOrder int64 `db:"helpful_order"`
}

// add changes the votes by one of a weight, or by minus one.
func (v *votesRow) add(helpful bool, weight int64) {
	if helpful {
		v.Helpful += weight
	} else {
		v.Unhelpful += weight
	}
	v.HelpfulOrder = wilson(v.Helpful, v.Unhelpful)
}
