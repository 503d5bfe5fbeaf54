package webtest

import (
	"context"
	"io"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

// Breakdown has a line for the prior and one for all reviews.
func (m *Exchanges) Breakdown(_ context.Context, q exchangereview.BreakdownQuery) (exchangereview.Breakdown, error) {
	if err := m.failed(); err != nil {
		return exchangereview.Breakdown{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rating := m.rating(q.Slug)
	mean := int64(rating.Mean * 1e6)
	return exchangereview.Breakdown{MeanMillionths: mean, Lines: []exchangereview.BreakdownLine{
		{Group: "prior", ShareMillionths: 250_000, MeanMillionths: 3_000_000, PartMillionths: 750_000},
		{
			Group: "unproven", FromMS: SampleMS - 90*86_400_000, ToMS: SampleMS + 90*86_400_000, Reviews: int64(rating.Reviews),
			ShareMillionths: 750_000, MeanMillionths: mean, PartMillionths: mean - 750_000,
		},
	}}, nil
}

// PrepareWithdrawal prepares the withdrawal of a review that is there.
func (m *Exchanges) PrepareWithdrawal(ctx context.Context, d exchangereview.WithdrawalDraft) (exchangereview.PreparedWithdrawal, error) {
	h, err := m.History(ctx, exchangereview.HistoryQuery(d))
	if err != nil {
		return exchangereview.PreparedWithdrawal{}, err
	}
	w := exchangereview.SignedWithdrawal{Slug: d.Slug, Wallet: d.Wallet, CreatedMS: m.NowMS(), Previous: h.Versions[0].Hash}
	return exchangereview.PreparedWithdrawal{TypedData: exchangereview.NewDigester("banyan.example").WithdrawalDocument(&w), Withdrawal: w}, nil
}

// WithdrawReview takes the review out.
func (m *Exchanges) WithdrawReview(_ context.Context, q exchangereview.SignedWithdrawal) (exchangereview.Review, error) {
	if err := m.failed(); err != nil {
		return exchangereview.Review{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.Written[:0:0]
	for _, r := range m.Written {
		if r.Exchange != q.Slug || r.Wallet != q.Wallet {
			kept = append(kept, r)
		}
	}
	m.Written = kept
	return exchangereview.Review{Exchange: q.Slug, Wallet: q.Wallet, State: exchangereview.Withdrawn}, nil
}

// VoteOnReview counts nothing.
func (m *Exchanges) VoteOnReview(context.Context, exchangereview.Vote) (exchangereview.Helpfulness, error) {
	return exchangereview.Helpfulness{Helpful: 1, Score: 0.2}, m.failed()
}

// CloseEpoch closes the one there is.
func (m *Exchanges) CloseEpoch(context.Context, exchangereview.EpochRequest) (exchangereview.Epoch, error) {
	return sampleRanking(), m.failed()
}

func sampleRanking() exchangereview.Epoch {
	return exchangereview.Epoch{Number: 3, TimeMS: SampleMS, Root: exchangereview.Hash{1, 2, 3}, Exchanges: 40, Reviews: 162, Tombstones: 1, Size: 48_000}
}

// RankingEpochs lists the one there is.
func (m *Exchanges) RankingEpochs(context.Context, exchangereview.EpochsQuery) (exchangereview.EpochPage, error) {
	return exchangereview.EpochPage{Epochs: []exchangereview.Epoch{sampleRanking()}}, m.failed()
}

// ExportEpoch has nothing.
func (m *Exchanges) ExportEpoch(context.Context, exchangereview.EpochQuery) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/zstd", Write: func(io.Writer) error { return nil }}, m.failed()
}

// ProveReview proves nothing.
func (m *Exchanges) ProveReview(context.Context, exchangereview.ReviewProofQuery) (exchangereview.ReviewProof, error) {
	return exchangereview.ReviewProof{}, fault.New(fault.NotFound, "there is no such review")
}

// Places has three.
func (m *Exchanges) Places(context.Context, exchangereview.PlacesQuery) (exchangereview.Places, error) {
	return exchangereview.Places{Places: []exchangereview.Place{
		{Epoch: 3, TimeMS: SampleMS, Rank: 4, Key: 3.2, Mean: 3.6, Reviews: 5}, {Epoch: 2, TimeMS: SampleMS - 86_400_000, Rank: 6, Key: 3.1, Mean: 3.5, Reviews: 4},
	}}, m.failed()
}
