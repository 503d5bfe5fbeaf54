package webtest

import (
	"context"
	"io"
	"strings"

	"banyan/modules/reputation"
	"banyan/platform/events"
	"banyan/platform/fault"
)

// Reputation has scores that were given to it.
type Reputation struct {
	Down
	Epoch     reputation.Epoch // Number 0 = none
	Ranked    []reputation.Score
	Entries   []reputation.HistoryEntry // of every wallet's history
	Computing reputation.Computing      // State "" = none
	Plan      reputation.Schedule
	Said      []reputation.Attestation // the last first
	Sets      []reputation.SeedSet
	Lists     []reputation.Import
	Storing   func(context.Context) error // by ImportTrust; nil = at once
}

var _ reputation.Service = (*Reputation)(nil)

// ImportTrust reads the stream and says how long it was.
func (m *Reputation) ImportTrust(ctx context.Context, q reputation.TrustUpload) (reputation.TrustImported, error) {
	if err := m.failed(); err != nil {
		return reputation.TrustImported{}, err
	}
	all, err := io.ReadAll(q.Body)
	if err != nil {
		return reputation.TrustImported{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	for i, line := range lines {
		if strings.Count(line, ",") < 2 {
			return reputation.TrustImported{}, fault.New(fault.Invalid, "some rows are wrong, so nothing was imported").
				With(fault.Field{Line: i + 1, Message: "has no weight"})
		}
	}
	if m.Storing != nil {
		if err := m.Storing(ctx); err != nil {
			return reputation.TrustImported{}, err
		}
	}
	made := reputation.TrustImported{Edges: len(lines), Wallets: len(lines) + 1}
	if strings.Count(lines[0], ",") > 2 {
		made.PassedOver = "not used: note"
	}
	return made, nil
}

// ComputeEpoch counts up.
func (m *Reputation) ComputeEpoch(context.Context, reputation.EpochRequest) (reputation.Epoch, error) {
	if err := m.failed(); err != nil {
		return reputation.Epoch{}, err
	}
	m.Epoch.Number++
	return m.Epoch, nil
}

// CurrentEpoch returns Epoch.
func (m *Reputation) CurrentEpoch(context.Context, reputation.EpochQuery) (reputation.Epoch, error) {
	if err := m.failed(); err != nil {
		return reputation.Epoch{}, err
	}
	if m.Epoch.Number == 0 {
		return reputation.Epoch{}, fault.New(fault.NotFound, "no epoch has been computed yet")
	}
	return m.Epoch, nil
}

// Score looks among Ranked.
func (m *Reputation) Score(_ context.Context, q reputation.ScoreQuery) (reputation.Score, error) {
	if err := m.failed(); err != nil {
		return reputation.Score{}, err
	}
	for _, s := range m.Ranked {
		if s.Wallet == q.Wallet {
			return s, nil
		}
	}
	return reputation.Score{}, fault.New(fault.NotFound, "nobody has trusted this wallet and it has not been active")
}

// Scores returns rank 0 to all: pages do not use it.
func (m *Reputation) Scores(_ context.Context, q reputation.ScoresQuery) (reputation.Scores, error) {
	out := reputation.Scores{Standings: make([]reputation.Standing, len(q.Wallets))}
	for i, w := range q.Wallets {
		out.Standings[i].Wallet = w
	}
	return out, m.failed()
}

// Weights returns none to all: pages do not use it.
func (m *Reputation) Weights(_ context.Context, q reputation.WeightsQuery) (reputation.Weights, error) {
	out := reputation.Weights{Weights: make([]reputation.Weight, len(q.Wallets))}
	for i, w := range q.Wallets {
		out.Weights[i].Wallet = w
	}
	return out, m.failed()
}

// Leaderboard returns all of Ranked at once.
func (m *Reputation) Leaderboard(_ context.Context, q reputation.LeaderboardQuery) (reputation.Leaderboard, error) {
	if err := m.failed(); err != nil {
		return reputation.Leaderboard{}, err
	}
	board := reputation.Leaderboard{Epoch: m.Epoch.Number}
	for _, s := range m.Ranked {
		if s.Rank > 0 && (q.Limit == 0 || len(board.Standings) < q.Limit) {
			board.Standings = append(board.Standings, s.Standing)
		}
	}
	return board, nil
}

// Record takes nothing in.
func (m *Reputation) Record(context.Context, events.Batch) (events.Receipt, error) {
	return events.Receipt{}, m.failed()
}
