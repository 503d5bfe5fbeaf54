package webtest

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

// ProveUse believes every transaction to be a swap.
func (m *Exchanges) ProveUse(ctx context.Context, q exchangereview.Transaction) (exchangereview.Review, error) {
	return m.proven(q.Slug, identity.From(ctx).Wallet, &exchangereview.Proof{
		Kind: exchangereview.ProofSwap, Factor: 1, CheckedMS: SampleMS, ChainID: q.ChainID, Tx: &q.Tx, Block: 20_000_000, TimeMS: SampleMS, Contract: new(SampleWallet(9)),
	})
}

// RecheckProof finds what it found before.
func (m *Exchanges) RecheckProof(_ context.Context, q exchangereview.ProofQuery) (exchangereview.Review, error) {
	return m.proven(q.Slug, q.Wallet, nil)
}

// PrepareAttestation is signed by the latest claim's wallet.
func (m *Exchanges) PrepareAttestation(_ context.Context, d exchangereview.AttestationDraft) (exchangereview.PreparedAttestation, error) {
	a := exchangereview.SignedAttestation{Slug: d.Slug, Customer: d.Customer, CreatedMS: SampleMS}
	return exchangereview.PreparedAttestation{TypedData: exchangereview.NewDigester("banyan.example").AttestationDocument(&a), Attestation: a}, m.failed()
}

// AttestUse believes it.
func (m *Exchanges) AttestUse(_ context.Context, a exchangereview.SignedAttestation) (exchangereview.Review, error) {
	return m.proven(a.Slug, a.Customer, &exchangereview.Proof{
		Kind: exchangereview.ProofAttestation, Factor: 0.8, CheckedMS: SampleMS, Wallet: new(SampleWallet(8)), CreatedMS: a.CreatedMS, Site: "banyan.example", Signature: &a.Signature,
	})
}

// proven puts a proof beside a review; nil leaves the one that is there.
func (m *Exchanges) proven(slug string, of wallet.Address, p *exchangereview.Proof) (exchangereview.Review, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.Written {
		if v := &m.Written[i]; v.Exchange == slug && v.Wallet == of {
			if p != nil {
				v.Proof, v.Group = p, "proven"
			}
			return *v, m.failed()
		}
	}
	return exchangereview.Review{}, fault.New(fault.NotFound, "this wallet has not reviewed this exchange")
}
