package webtest

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

func (m *Exchanges) noEAS() error {
	if err := m.failed(); err != nil {
		return err
	}
	return fault.New(fault.NotFound, "there is no such review, or it has no attestation")
}

// place returns where the live version of a review is in Written, -1: there is none.
func (m *Exchanges) place(slug string, of wallet.Address) int {
	for i, r := range m.Written {
		if r.Exchange == slug && r.Wallet == of {
			return i
		}
	}
	return -1
}

// PrepareEAS makes an attestation that says nothing.
func (m *Exchanges) PrepareEAS(_ context.Context, q exchangereview.EASDraft) (exchangereview.PreparedEAS, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.place(q.Slug, q.Wallet) < 0 {
		return exchangereview.PreparedEAS{}, m.noEAS()
	}
	signed := attestation.New(attestation.DomainOf(max(q.ChainID, 1)), attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(exchangereview.ReviewSchemaUID().String()),
		Time: attestation.Uint(m.NowMS() / 1000), Revocable: true, Data: []byte{1}, Salt: new(attestation.Hash{1}),
	})
	return exchangereview.PreparedEAS{TypedData: signed.Document(), Attestation: attestation.Package{Sig: signed, Signer: q.Wallet}}, m.failed()
}

// PublishEAS keeps what the writer has signed.
func (m *Exchanges) PublishEAS(_ context.Context, q exchangereview.EASUpload) (attestation.Package, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.place(q.Slug, q.Wallet)
	if at < 0 {
		return attestation.Package{}, m.noEAS()
	}
	if by, err := signature.Recover(q.Attestation.Sig.Digest(), q.Attestation.Sig.Signature); err != nil || by != q.Wallet {
		return attestation.Package{}, fault.New(fault.Forbidden, "this attestation was signed by another wallet than it names")
	}
	m.Written[at].EASMS = m.NowMS()
	return q.Attestation, m.failed()
}

// ReviewEAS has none.
func (m *Exchanges) ReviewEAS(context.Context, exchangereview.EASQuery) (attestation.Package, error) {
	return attestation.Package{}, m.noEAS()
}
