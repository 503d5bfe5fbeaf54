package webtest

import (
	"context"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Suspected are the suspects of every campaign with rules.
func Suspected() []airdrop.Suspect {
	return []airdrop.Suspect{
		{Wallet: SampleWallet(1), State: airdrop.Flagged, Cluster: "7", Score: "0.93", Evidence: "transfers tie 12 candidates together; 9 of them exchange transfers directly with this one", Open: true},
		{Wallet: SampleWallet(2), State: airdrop.Appealed, Cluster: "7", Score: "0.71", Evidence: "same behaviour as 8 other candidates", Reason: "nobody else moves at these minutes", Appeal: "We are a family of five.\nThe transfers were <b>rent</b>.", Appeals: 1, Open: true},
		{Wallet: SampleWallet(3), State: airdrop.OutLeft, Evidence: "transfers tie 31 candidates together", Reason: "one funder paid all 31", Open: true, Events: []airdrop.SuspectEvent{{TimeMS: SampleMS, What: airdrop.OutLeft, Text: "one funder paid all 31"}}},
	}
}

func (m *Airdrop) suspected(id string) ([]airdrop.Suspect, error) {
	if _, err := m.change(id, func(*airdrop.Course) {}); err != nil {
		return nil, err
	}
	all := Suspected()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range all {
		all[i].Campaign = id
		if as, decided := m.Decided[all[i].Wallet]; decided {
			all[i].State, all[i].Reason = as.As, as.Reason
		}
		if a, appealed := m.Appeals[all[i].Wallet]; appealed {
			all[i].State, all[i].Appeal = airdrop.Appealed, a.Text
		}
	}
	return all, nil
}

// Suspects returns those in a state.
func (m *Airdrop) Suspects(_ context.Context, q airdrop.SuspectsQuery) (airdrop.SuspectPage, error) {
	all, err := m.suspected(q.ID)
	var page airdrop.SuspectPage
	for _, s := range all {
		waits := q.State == "" && (s.State == airdrop.Flagged || s.State == airdrop.Appealed)
		if waits || s.State == q.State {
			page.Suspects = append(page.Suspects, s)
		}
	}
	page.Counts = airdrop.SuspectCounts{Flagged: 1, Appealed: 1, LeftOut: 1}
	return page, err
}

// Suspect finds one.
func (m *Airdrop) Suspect(_ context.Context, q airdrop.SuspectQuery) (airdrop.Suspect, error) {
	all, err := m.suspected(q.ID)
	if err != nil {
		return airdrop.Suspect{}, err
	}
	for _, s := range all {
		if s.Wallet == q.Wallet {
			return s, nil
		}
	}
	return airdrop.Suspect{}, fault.NoSuch("suspect", "nothing is held against this wallet")
}

// Decide keeps the decision.
func (m *Airdrop) Decide(_ context.Context, q airdrop.SuspectDecision) (airdrop.Decided, error) {
	if err := q.Validate(); err != nil {
		return airdrop.Decided{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Decided == nil {
		m.Decided = make(map[wallet.Address]airdrop.SuspectDecision)
	}
	for _, w := range q.Wallets {
		m.Decided[w] = q
	}
	return airdrop.Decided{Changed: max(1, len(q.Wallets))}, nil
}

// PrepareAppeal prepares it for the site "site".
func (m *Airdrop) PrepareAppeal(_ context.Context, q airdrop.AppealDraft) (airdrop.PreparedAppeal, error) {
	if err := q.Validate(); err != nil {
		return airdrop.PreparedAppeal{}, err
	}
	a := airdrop.SignedAppeal{ID: q.ID, Wallet: q.Wallet, Kind: q.Kind, Text: q.Text, CreatedMS: m.NowMS()}
	return airdrop.PreparedAppeal{TypedData: airdrop.AppealDocument("site", a), Appeal: a}, nil
}

// Appeal takes it without checking the signature.
func (m *Airdrop) Appeal(ctx context.Context, q airdrop.SignedAppeal) (airdrop.Suspect, error) {
	m.mu.Lock()
	if m.Appeals == nil {
		m.Appeals = make(map[wallet.Address]airdrop.SignedAppeal)
	}
	m.Appeals[q.Wallet] = q
	m.mu.Unlock()
	return m.Suspect(ctx, airdrop.SuspectQuery{ID: q.ID, Wallet: q.Wallet})
}
