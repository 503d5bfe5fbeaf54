package webtest

import (
	"context"
	"io"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Distributed is the contract of every campaign that is followed here.
var Distributed = wallet.Address{0xd1, 19: 1}

func noDistributor() error {
	return fault.New(fault.NotFound, "the campaign has no distributor that is followed")
}

// PlanDistributor plans one transaction.
func (m *Airdrop) PlanDistributor(_ context.Context, q airdrop.DistributorPlan) (airdrop.PlannedDistributor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find(q.ID); err != nil {
		return airdrop.PlannedDistributor{}, err
	}
	if err := q.Validate(); err != nil {
		return airdrop.PlannedDistributor{}, err
	}
	return airdrop.PlannedDistributor{
		Chain: q.Chain, Address: Distributed, Safe: `{"version":"1.0"}`,
		Calls: []airdrop.ContractCall{{Title: "Deploy the distributor", To: Distributed, Data: "0x01"}},
	}, nil
}

// FollowDistributor follows without asking a chain.
func (m *Airdrop) FollowDistributor(_ context.Context, q airdrop.DistributorToFollow) (airdrop.Distributor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Distributor{}, err
	}
	if err := q.Validate(); err != nil {
		return airdrop.Distributor{}, err
	}
	d.paid = &airdrop.Distributor{
		Campaign: d.ID, Chain: q.Chain, Address: q.Address, Token: Distributed, Kind: airdrop.PlainKind, Redirects: true, State: airdrop.Live, Balance: d.Total, Remaining: d.Total, Promised: d.Total,
		EndMS: m.NowMS() + 1_000_000_000, ReadTo: 7, ReadToMS: m.NowMS(), Head: 7, Days: []airdrop.ClaimDay{{DayMS: m.NowMS()}},
		Reached: []airdrop.Evidence{{Phase: airdrop.Funded, Block: 7, TimeMS: m.NowMS(), Balance: d.Total}, {Phase: airdrop.Opened, TimeMS: m.NowMS(), Reason: "it was announced"}},
	}
	return *d.paid, nil
}

// Distributor returns what FollowDistributor has set.
func (m *Airdrop) Distributor(_ context.Context, q airdrop.CampaignQuery) (airdrop.Distributor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Distributor{}, err
	}
	if d.paid == nil {
		return airdrop.Distributor{}, noDistributor()
	}
	return *d.paid, nil
}

// ClaimCall returns a call that is open.
func (m *Airdrop) ClaimCall(ctx context.Context, q airdrop.ClaimQuery) (airdrop.ClaimCall, error) {
	c, err := m.Claim(ctx, q)
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	d, err := m.Distributor(ctx, airdrop.CampaignQuery{ID: q.ID})
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	return airdrop.ClaimCall{Campaign: q.ID, Wallet: q.Wallet, Chain: d.Chain, To: d.Address, Data: "0x2e7ba6ef", Index: c.Index, Amount: c.Amount, Due: c.Amount, State: airdrop.ClaimOpen}, nil
}

// ClaimElsewhere returns a call that anybody can send, whatever was signed.
func (m *Airdrop) ClaimElsewhere(ctx context.Context, q airdrop.ClaimElsewhereQuery) (airdrop.ClaimElsewhere, error) {
	if err := q.Validate(); err != nil {
		return airdrop.ClaimElsewhere{}, err
	}
	call, err := m.ClaimCall(ctx, airdrop.ClaimQuery{ID: q.ID, Wallet: q.Wallet})
	return airdrop.ClaimElsewhere{ClaimCall: call, Receiver: q.To, Deadline: q.Deadline, Signed: len(q.Signature) > 0}, err
}

// Unclaimed has no rows.
func (m *Airdrop) Unclaimed(ctx context.Context, q airdrop.CampaignQuery) (seam.Stream, error) {
	if _, err := m.Distributor(ctx, q); err != nil {
		return seam.Stream{}, err
	}
	return seam.Stream{ContentType: "text/csv", Write: func(w io.Writer) error {
		_, err := io.WriteString(w, "index,address,amount\n")
		return err
	}}, nil
}

// LargestUnclaimed has one row.
func (m *Airdrop) LargestUnclaimed(ctx context.Context, q airdrop.CampaignQuery) (airdrop.UnclaimedRows, error) {
	d, err := m.Distributor(ctx, q)
	return airdrop.UnclaimedRows{Count: 3, Rows: []airdrop.Share{{Wallet: SampleWallet(4), Amount: d.Remaining}}}, err
}
