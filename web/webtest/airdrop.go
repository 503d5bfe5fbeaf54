package webtest

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Airdrop keeps campaigns with real trees.
type Airdrop struct {
	Down
	mu    sync.Mutex
	drops []*drop // newest first
	NowMS func() int64
	// Courses are of campaigns with rules; Previewed is the preview of all of them.
	Courses map[string]*airdrop.Course
	// Decided and Appeals are what operators have decided and wallets have said.
	Decided   map[wallet.Address]airdrop.SuspectDecision
	Appeals   map[wallet.Address]airdrop.SignedAppeal
	Previewed airdrop.Preview
	Merged    int           // rows of the next lists that are said to be merged
	Hold      chan struct{} // uploads are read once it is closed; nil: at once
}

type drop struct {
	airdrop.Campaign
	list *merkle.List
	tree *merkle.Tree
	paid *airdrop.Distributor // nil: nobody follows one
}

var _ airdrop.Service = (*Airdrop)(nil)

// find is called with the lock held.
func (m *Airdrop) find(id string) (*drop, error) {
	if err := m.failed(); err != nil {
		return nil, err
	}
	for _, d := range m.drops {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fault.New(fault.NotFound, "no campaign has this id: look for it in the list")
}

// CreateCampaign creates a draft.
func (m *Airdrop) CreateCampaign(_ context.Context, q airdrop.CampaignDraft) (airdrop.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failed(); err != nil {
		return airdrop.Campaign{}, err
	}
	if err := q.Validate(); err != nil {
		return airdrop.Campaign{}, err
	}
	d := &drop{Campaign: airdrop.Campaign{
		ID: fmt.Sprintf("c%d", len(m.drops)+1), Name: q.Name, Description: q.Description, Format: q.Format,
		Symbol: q.Symbol, Decimals: q.Decimals, State: airdrop.Draft, CreatedMS: m.NowMS(),
	}}
	m.drops = append([]*drop{d}, m.drops...)
	return d.Campaign, nil
}

// UploadList reads address,amount lines.
func (m *Airdrop) UploadList(_ context.Context, q airdrop.ListUpload) (airdrop.Campaign, error) {
	if m.Hold != nil {
		<-m.Hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	list, lines := merkle.NewList(), bufio.NewScanner(q.Body)
	var wrong []fault.Field
	for n := 1; lines.Scan(); n++ {
		who, amount, _ := strings.Cut(lines.Text(), ",")
		written, problem := wallet.ReadText([]byte(who), 0)
		value, amountErr := uint256.FromDecimal(amount)
		if problem == "" && amountErr != nil {
			problem = "is not a wallet and amount"
		}
		if problem != "" {
			wrong = append(wrong, fault.Field{Name: "address", Line: n, Message: problem})
			continue
		}
		if err := list.Append(written.Address, *value); err != nil {
			return airdrop.Campaign{}, err
		}
	}
	if err := lines.Err(); err != nil {
		return airdrop.Campaign{}, fault.Wrap(err, fault.Invalid, "the upload ended before all of it had arrived")
	}
	if len(wrong) > 0 {
		return airdrop.Campaign{}, fault.New(fault.Invalid, "some rows are wrong, so the list stays as it was").With(wrong...)
	}
	d.list, d.State, d.Count, d.Total = list, airdrop.Listed, list.Len(), list.Total()
	d.Report = &airdrop.ListReport{
		Rows: d.Count, Smallest: "1", Largest: "2", Form: "a table", Separator: "comma", Encoding: "UTF-8",
		Columns: airdrop.ReportColumns{Address: "1", Amount: "2"}, Merged: m.Merged,
	}
	return d.Campaign, nil
}

// ListWork says that nothing is done.
func (m *Airdrop) ListWork(_ context.Context, q airdrop.CampaignQuery) (airdrop.ListWork, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.find(q.ID)
	return airdrop.ListWork{}, err
}

// BuildTree builds it.
func (m *Airdrop) BuildTree(ctx context.Context, q airdrop.BuildRequest) (airdrop.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	if d.list == nil {
		return airdrop.Campaign{}, fault.New(fault.Conflict, "there is no list yet: upload one, then build")
	}
	if d.tree, err = merkle.Build(ctx, d.Format, d.list, merkle.Options{}); err != nil {
		return airdrop.Campaign{}, err
	}
	root := d.tree.Root()
	d.State, d.Root, d.BuiltMS, d.Report = airdrop.Built, &root, m.NowMS(), nil
	return d.Campaign, nil
}

// Campaigns lists all.
func (m *Airdrop) Campaigns(ctx context.Context, _ airdrop.CampaignsQuery) (airdrop.CampaignPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var page airdrop.CampaignPage
	for _, d := range m.drops {
		if !mayKnow(ctx, d) {
			continue
		}
		page.Campaigns = append(page.Campaigns, d.Campaign)
	}
	return page, m.failed()
}

// Campaign returns one.
func (m *Airdrop) Campaign(ctx context.Context, q airdrop.CampaignQuery) (airdrop.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err == nil && !mayKnow(ctx, d) {
		err = fault.New(fault.NotFound, "no campaign has this id: look for it in the list")
	}
	if err != nil {
		return airdrop.Campaign{}, err
	}
	return d.Campaign, nil
}

// mayKnow reports whether the caller sees a campaign: until it is built operators do.
func mayKnow(ctx context.Context, d *drop) bool {
	return d.State == airdrop.Built || identity.From(ctx).Role >= identity.Operator
}

// EditCampaign changes the texts.
func (m *Airdrop) EditCampaign(_ context.Context, q airdrop.CampaignEdit) (airdrop.Campaign, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err == nil {
		err = q.Validate()
	}
	if err != nil {
		return airdrop.Campaign{}, err
	}
	d.Name, d.Description = q.Name, q.Description
	return d.Campaign, nil
}

// DeleteCampaign deletes it.
func (m *Airdrop) DeleteCampaign(_ context.Context, q airdrop.CampaignDeletion) (airdrop.CampaignDeleted, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	switch {
	case err != nil:
		return airdrop.CampaignDeleted{}, err
	case d.State == airdrop.Built:
		return airdrop.CampaignDeleted{}, fault.New(fault.Conflict, "the tree of this campaign is built, so it cannot be deleted")
	}
	m.drops = slices.DeleteFunc(m.drops, func(one *drop) bool { return one == d })
	return airdrop.CampaignDeleted(q), nil
}

// Claim returns the amount and its proof.
func (m *Airdrop) Claim(_ context.Context, q airdrop.ClaimQuery) (airdrop.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Claim{}, err
	}
	if d.tree == nil {
		return airdrop.Claim{}, fault.New(fault.Conflict, "the tree is not built yet")
	}
	at, found, err := d.tree.Find(q.Wallet)
	if err != nil {
		return airdrop.Claim{}, err
	}
	if !found {
		return airdrop.Claim{}, fault.New(fault.NotFound, "this wallet is not on the list")
	}
	entry, entryErr := d.tree.At(at)
	leaf, leafErr := d.tree.Leaf(at)
	proof, proofErr := d.tree.Proof(at)
	for _, err := range []error{entryErr, leafErr, proofErr} {
		if err != nil {
			return airdrop.Claim{}, err
		}
	}
	return airdrop.Claim{
		Campaign: q.ID, Wallet: q.Wallet, Index: entry.Index, Amount: entry.Amount, Leaf: leaf, Proof: proof, Root: d.tree.Root(),
	}, nil
}

// VerifyWallets is not used by pages.
func (m *Airdrop) VerifyWallets(context.Context, airdrop.WalletsUpload) (seam.Stream, error) {
	return seam.Stream{}, fault.New(fault.Unsupported, "pages check one wallet at a time")
}

// Multiproof proves the wallets' first rows together.
func (m *Airdrop) Multiproof(_ context.Context, q airdrop.MultiproofQuery) (airdrop.Multiproof, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.find(q.ID)
	if err != nil {
		return airdrop.Multiproof{}, err
	}
	var rows []int
	for _, who := range q.Wallets {
		if at, found := d.list.Find(who); found {
			rows = append(rows, at)
		}
	}
	p, err := d.tree.Multiproof(rows)
	return airdrop.Multiproof{Campaign: d.ID, Leaves: p.Leaves, Proof: p.Proof, Flags: p.Flags, Root: d.tree.Root()}, err
}

// CheckProof checks claims as the module does.
func (m *Airdrop) CheckProof(_ context.Context, q airdrop.ProofCheck) (airdrop.CheckedProofs, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failed(); err != nil {
		return airdrop.CheckedProofs{}, err
	}
	var root *merkle.Hash
	if parsed, err := merkle.ParseHash(q.Root); err == nil {
		root = &parsed
	}
	used, checks, err := published.CheckText(q.Text, root, q.Format, airdrop.MaxChecked)
	answer := airdrop.CheckedProofs{Root: used}
	for _, c := range checks {
		answer.Proofs = append(answer.Proofs, airdrop.CheckedProof{Name: c.Name, Right: c.Right, Text: c.Text, Solidity: c.Finding.Solidity})
	}
	return answer, err
}
