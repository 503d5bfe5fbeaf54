package webtest

import (
	"context"

	"banyan/modules/exchangereview"
)

// ReportReview takes it.
func (m *Exchanges) ReportReview(context.Context, exchangereview.Report) (exchangereview.Reported, error) {
	return exchangereview.Reported{Flag: 1}, m.failed()
}

// AppealRemoval takes it.
func (m *Exchanges) AppealRemoval(context.Context, exchangereview.Appeal) (exchangereview.Reported, error) {
	return exchangereview.Reported{Flag: 2}, m.failed()
}

// PrepareAppeal prepares an appeal about a review that is there.
func (m *Exchanges) PrepareAppeal(ctx context.Context, d exchangereview.AppealDraft) (exchangereview.PreparedAppeal, error) {
	if err := d.Validate(); err != nil {
		return exchangereview.PreparedAppeal{}, err
	}
	h, err := m.History(ctx, exchangereview.HistoryQuery{Slug: d.Slug, Wallet: d.Wallet})
	if err != nil {
		return exchangereview.PreparedAppeal{}, err
	}
	a := exchangereview.SignedAppeal{Slug: d.Slug, Wallet: d.Wallet, Review: h.Versions[0].Hash, Text: d.Text, CreatedMS: m.NowMS()}
	return exchangereview.PreparedAppeal{TypedData: exchangereview.NewDigester("banyan.example").AppealDocument(&a), Appeal: a}, nil
}

// PublishAppeal takes it.
func (m *Exchanges) PublishAppeal(_ context.Context, q exchangereview.SignedAppeal) (exchangereview.Reported, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Appealed = append(m.Appealed, q)
	return exchangereview.Reported{Flag: 3}, nil
}

// ModerationQueue has the newest review in it.
func (m *Exchanges) ModerationQueue(context.Context, exchangereview.QueueQuery) (exchangereview.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := exchangereview.Queue{Flags: []exchangereview.Flag{}}
	if len(m.Written) > 0 {
		q.Flags = append(q.Flags, exchangereview.Flag{Number: 1, Kind: exchangereview.ReasonSpam, Evidence: "an advertisement", CreatedMS: SampleMS, Review: m.Written[0]})
	}
	return q, m.failed()
}

// Moderate decides nothing.
func (m *Exchanges) Moderate(_ context.Context, d exchangereview.Decision) (exchangereview.Decided, error) {
	return exchangereview.Decided{Number: 1, Decision: d, CreatedMS: SampleMS}, m.failed()
}

// ModerationLog has one decision.
func (m *Exchanges) ModerationLog(context.Context, exchangereview.LogQuery) (exchangereview.ModerationLog, error) {
	return exchangereview.ModerationLog{Decisions: []exchangereview.Decided{{
		Number: 1, Moderator: SampleWallet(1).String(), CreatedMS: SampleMS,
		Decision: exchangereview.Decision{Slug: "kestrel-exchange", Wallet: SampleWallet(3), Action: exchangereview.ActionRemove, Reason: "an advertisement"},
	}}}, m.failed()
}

// Bursts has those of Unusual.
func (m *Exchanges) Bursts(_ context.Context, q exchangereview.BurstsQuery) (exchangereview.BurstPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := exchangereview.BurstPage{Bursts: []exchangereview.Burst{}}
	for _, b := range m.Unusual {
		if q.Slug == "" || q.Slug == b.Exchange {
			page.Bursts = append(page.Bursts, b)
		}
	}
	return page, m.failed()
}
