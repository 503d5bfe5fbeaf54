package service

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// unpaid returns the tree of a campaign, which the caller leaves, and what was paid of it.
func (s *service) unpaid(ctx context.Context, campaign string) (paidAmounts, *served, error) {
	d, err := s.store.distributor(ctx, s.options.DB.Read(), campaign)
	if err != nil {
		return paidAmounts{}, nil, err
	}
	paid, err := s.store.paidAmounts(ctx, d)
	if err != nil {
		return paid, nil, err
	}
	tree, err := s.trees.get(ctx, campaign)
	return paid, tree, err
}

// each calls do with the rows that were not paid wholly, reduced to what is left, in
// the order of the list.
func (p paidAmounts) each(tree *served, do func(merkle.Entry) error) error {
	for i := range tree.tree.Count() {
		row, err := tree.tree.At(i)
		if err != nil {
			return tree.unreadable(err)
		}
		if p.kind.tokens {
			token, err := tree.tokenAt(i)
			if err != nil {
				return err
			}
			if token != p.token {
				continue
			}
		}
		if !p.left(&row) {
			continue
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return nil
}

// Unclaimed implements Service.
func (s *service) Unclaimed(ctx context.Context, q airdrop.CampaignQuery) (seam.Stream, error) {
	paid, tree, err := s.unpaid(ctx, q.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	return seam.Stream{ContentType: "text/csv", Write: func(w io.Writer) error {
		defer tree.leave()
		out := csv.NewWriter(w)
		if err := out.Write([]string{"index", "address", "amount"}); err != nil {
			return err
		}
		err := paid.each(tree, func(row merkle.Entry) error {
			return out.Write([]string{strconv.FormatUint(row.Index, 10), row.Wallet.String(), row.Amount.Dec()})
		})
		if err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	}}, nil
}

// LargestUnclaimed implements Service.
func (s *service) LargestUnclaimed(ctx context.Context, q airdrop.CampaignQuery) (answer airdrop.UnclaimedRows, err error) {
	paid, tree, err := s.unpaid(ctx, q.ID)
	if err != nil {
		return answer, err
	}
	defer tree.leave()
	answer.Rows = []airdrop.Share{}
	err = paid.each(tree, func(row merkle.Entry) error {
		answer.Count++
		n := len(answer.Rows)
		if n == airdrop.MostUnclaimed && !answer.Rows[n-1].Amount.Lt(&row.Amount) {
			return nil
		}
		at, _ := slices.BinarySearchFunc(answer.Rows, row.Amount, func(has airdrop.Share, amount uint256.Int) int {
			if has.Amount.Lt(&amount) {
				return 1
			}
			return -1 // behind those of the same amount
		})
		answer.Rows = slices.Insert(answer.Rows, at, airdrop.Share{Wallet: row.Wallet, Amount: row.Amount})
		answer.Rows = answer.Rows[:min(len(answer.Rows), airdrop.MostUnclaimed)]
		return nil
	})
	return answer, err
}
