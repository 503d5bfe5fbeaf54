package webtest

import (
	"context"
	"io"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// EpochOf returns Epoch for every number up to its own.
func (m *Reputation) EpochOf(_ context.Context, q reputation.EpochNumber) (reputation.Epoch, error) {
	if err := m.failed(); err != nil {
		return reputation.Epoch{}, err
	}
	if q.Number < 1 || q.Number > m.Epoch.Number {
		return reputation.Epoch{}, fault.NoSuch("epoch", "there is no epoch %d", q.Number)
	}
	e := m.Epoch
	e.Number = q.Number
	return e, nil
}

// Epochs returns Epoch alone.
func (m *Reputation) Epochs(context.Context, reputation.EpochsQuery) (reputation.EpochPage, error) {
	if err := m.failed(); err != nil || m.Epoch.Number == 0 {
		return reputation.EpochPage{}, err
	}
	return reputation.EpochPage{Epochs: []reputation.Epoch{m.Epoch}}, nil
}

// ComputingEpoch returns Computing.
func (m *Reputation) ComputingEpoch(context.Context, reputation.ComputingQuery) (reputation.Computing, error) {
	if m.Computing.State == "" {
		return m.Computing, fault.New(fault.NotFound, "no epoch has been computed yet")
	}
	return m.Computing, m.failed()
}

// CancelEpoch ends Computing.
func (m *Reputation) CancelEpoch(context.Context, reputation.CancelRequest) (reputation.Computing, error) {
	m.Computing.State = reputation.ComputingCanceled
	return m.Computing, m.failed()
}

// Proof proves the score of a wallet of Ranked with no hashes.
func (m *Reputation) Proof(ctx context.Context, q reputation.ProofQuery) (reputation.Proof, error) {
	if _, err := m.Score(ctx, reputation.ScoreQuery{Wallet: q.Wallet}); err != nil {
		return reputation.Proof{}, err
	}
	return reputation.Proof{Epoch: m.Epoch.Number, Address: q.Wallet, Amount: "970", Format: "oz", Proof: []merkle.Hash{}}, nil
}

// History returns Entries.
func (m *Reputation) History(context.Context, reputation.HistoryQuery) (reputation.HistoryPage, error) {
	return reputation.HistoryPage{Entries: m.Entries}, m.failed()
}

// Outlook returns one effect of each kind.
func (m *Reputation) Outlook(context.Context, reputation.OutlookQuery) (reputation.Outlook, error) {
	if m.Epoch.Number == 0 {
		return reputation.Outlook{}, fault.New(fault.Conflict, "no scores have been computed yet")
	}
	return reputation.Outlook{Epoch: m.Epoch.Number, Score: 500, Effects: []reputation.Effect{
		{What: reputation.EffectTakeBack, From: SampleWallet(4), Points: 21.3},
		{What: reputation.EffectVouch, From: SampleWallet(0), Points: 8.2},
		{What: reputation.EffectRaise, From: SampleWallet(1), Points: 3.1},
		{What: reputation.EffectConduct, From: SampleWallet(5), Points: 1.4},
		{What: reputation.EffectExpiry, From: SampleWallet(2), Points: -11.8, AtMS: SampleMS + 30*24*3600*1000},
	}}, m.failed()
}

// Compare looks among Ranked.
func (m *Reputation) Compare(ctx context.Context, q reputation.CompareQuery) (reputation.Comparison, error) {
	a, err := m.Score(ctx, reputation.ScoreQuery{Wallet: q.A})
	if err != nil {
		return reputation.Comparison{}, err
	}
	b, err := m.Score(ctx, reputation.ScoreQuery{Wallet: q.B})
	return reputation.Comparison{A: a, B: b, Shared: []reputation.SharedRater{}}, err
}

// ScoreStream answers nothing: pages do not use it.
func (m *Reputation) ScoreStream(context.Context, reputation.WalletStream) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(io.Writer) error { return nil }}, m.failed()
}

// Bound lets a set hold a hundredth of all trust.
func (m *Reputation) Bound(_ context.Context, q reputation.BoundQuery) (reputation.Bound, error) {
	return reputation.Bound{
		Epoch: m.Epoch.Number, Members: len(q.Wallets), Held: 0.004, Inflow: 0.0015, Limit: 0.01, WeightPPM: 1_200_000, Edges: 1,
		Largest: []reputation.InflowEdge{{From: SampleWallet(0), To: q.Wallets[0], Weight: 5, Flow: 0.0015}},
	}, m.failed()
}

// EpochScores implements reputation.Service.
func (*Reputation) EpochScores(context.Context, reputation.EpochNumber) (seam.Stream, error) {
	return seam.Stream{}, fault.New(fault.Unsupported, "the sample has no scores to stream: ask for them where the program runs")
}

// HoldEpoch holds nothing: the sample keeps its one epoch anyway.
func (m *Reputation) HoldEpoch(context.Context, reputation.EpochHold) (reputation.Epoch, error) {
	return m.Epoch, m.failed()
}

// ReleaseEpoch releases nothing.
func (m *Reputation) ReleaseEpoch(context.Context, reputation.EpochHold) (reputation.Epoch, error) {
	return m.Epoch, m.failed()
}

// Schedule returns Plan.
func (m *Reputation) Schedule(context.Context, reputation.ScheduleQuery) (reputation.Schedule, error) {
	return m.Plan, m.failed()
}

// SetSchedule changes Plan.
func (m *Reputation) SetSchedule(_ context.Context, q reputation.ScheduleDraft) (reputation.Schedule, error) {
	if err := m.failed(); err != nil {
		return reputation.Schedule{}, err
	}
	m.Plan = reputation.Schedule{Setting: q.Seconds == nil, ChangedMS: SampleMS, ChangedBy: "ops"}
	if q.Seconds != nil && *q.Seconds > 0 {
		m.Plan.Seconds, m.Plan.NextMS = *q.Seconds, SampleMS+*q.Seconds*1000
	}
	return m.Plan, nil
}

// Contexts are two.
func (m *Reputation) Contexts(context.Context, reputation.ContextsQuery) (reputation.ContextList, error) {
	list := reputation.ContextList{Epoch: m.Epoch.Number, Contexts: []reputation.ContextCount{}}
	if len(m.Ranked) > 0 {
		list.Contexts = []reputation.ContextCount{{Context: "code", Statements: 12, Ranked: 3}, {Context: "trading", Statements: 5, Ranked: 2}}
	}
	return list, m.failed()
}

// ContextScores has every wallet trusted with code, and not with trading.
func (m *Reputation) ContextScores(_ context.Context, q reputation.ContextScoresQuery) (reputation.ContextScores, error) {
	answer := reputation.ContextScores{Epoch: m.Epoch.Number, Scores: []reputation.ContextStanding{}}
	if len(m.Ranked) > 0 {
		answer.Scores = []reputation.ContextStanding{
			{Wallet: q.Wallet, Context: "code", Standing: reputation.Trusted, Score: 640, WeightPPM: 640_000, Value: 0.64, Rank: 2},
			{Wallet: q.Wallet, Context: "trading", Standing: reputation.Distrusted, Value: -0.2},
		}
	}
	return answer, m.failed()
}

// ContextBoard has the first three of Ranked.
func (m *Reputation) ContextBoard(_ context.Context, q reputation.ContextBoardQuery) (reputation.ContextBoard, error) {
	board := reputation.ContextBoard{Epoch: m.Epoch.Number, Standings: []reputation.ContextStanding{}}
	for i, s := range m.Ranked[:min(3, len(m.Ranked))] {
		board.Standings = append(board.Standings, reputation.ContextStanding{Wallet: s.Wallet, Context: q.Context, Standing: reputation.Trusted, Score: 700 - 60*i, Rank: i + 1})
	}
	return board, m.failed()
}
