package service

import (
	"cmp"
	"context"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/platform/wallet"
)

// Compare implements Epochs.
func (s service) Compare(ctx context.Context, q reputation.CompareQuery) (reputation.Comparison, error) {
	answer := reputation.Comparison{Shared: []reputation.SharedRater{}}
	var err error
	if answer.A, err = s.Score(ctx, reputation.ScoreQuery{Wallet: q.A}); err != nil {
		return reputation.Comparison{}, err
	}
	if answer.B, err = s.Score(ctx, reputation.ScoreQuery{Wallet: q.B}); err != nil {
		return reputation.Comparison{}, err
	}
	raters := map[wallet.Address]float64{}
	for _, c := range answer.A.Components {
		if c.From != nil && c.Kind != reputation.FromConduct {
			raters[*c.From] = c.Share
		}
	}
	for _, c := range answer.B.Components {
		if c.From == nil || c.Kind == reputation.FromConduct {
			continue
		}
		if share, both := raters[*c.From]; both {
			answer.Shared = append(answer.Shared, reputation.SharedRater{From: *c.From, ShareA: share, ShareB: c.Share})
		}
	}
	slices.SortFunc(answer.Shared, func(a, b reputation.SharedRater) int {
		return cmp.Compare(math.Abs(b.ShareA)+math.Abs(b.ShareB), math.Abs(a.ShareA)+math.Abs(a.ShareB))
	})
	return answer, nil
}
