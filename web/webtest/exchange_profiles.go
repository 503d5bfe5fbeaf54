package webtest

import (
	"context"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/platform/wallet"
)

// sampleClaimed is the exchange that the wallet of Key(t, "member") has claimed. It has
// answered one review, and another has a proof of use.
const sampleClaimed = "oakbridge"

func (m *Exchanges) claimSample() {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("member")))
	if err != nil {
		panic(err) // a hash is a key
	}
	m.Claimed = []exchangereview.Claim{{
		Exchange: sampleClaimed, Wallet: wallet.Address(crypto.PubkeyToAddress(key.PublicKey)), Method: exchangereview.ClaimByDNS, CheckedAt: "_banyan.oakbridge.example",
		CreatedMS: SampleMS, UntilMS: SampleMS + exchangereview.ClaimFor.Milliseconds(), Holds: true, Site: "banyan.example", Hash: exchangereview.Hash{7}, Signature: "signed",
	}, {
		Exchange: sampleClaimed, Wallet: SampleWallet(9), Method: exchangereview.ClaimByAddress, CreatedMS: SampleMS - 86_400_000, UntilMS: SampleMS, EndedMS: SampleMS - 3_600_000,
		EndedBy: exchangereview.EndedByOperator, Reason: "The wallet was stolen.", Site: "banyan.example", Hash: exchangereview.Hash{8}, Signature: "signed",
	}}
	answered := false
	for i := range m.Written {
		v := &m.Written[i]
		if v.Exchange != sampleClaimed {
			continue
		}
		if answered {
			v.Group, v.Proof = "proven", &exchangereview.Proof{
				Kind: exchangereview.ProofSwap, Factor: 1, CheckedMS: SampleMS, ChainID: 1, Tx: &exchangereview.Hash{9}, Block: 20_000_000, TimeMS: SampleMS - 86_400_000,
				Contract: new(SampleWallet(9)),
			}
			return
		}
		answered = true
		v.Reply = &exchangereview.Reply{
			Wallet: m.Claimed[0].Wallet, Review: v.Hash, Text: "Thank you. The fee of small withdrawals was halved in March.", CreatedMS: SampleMS, Site: "banyan.example",
			Hash: exchangereview.Hash{6}, Signature: "signed",
		}
	}
}

// PrepareClaim returns a document without meaning.
func (m *Exchanges) PrepareClaim(_ context.Context, d exchangereview.ClaimDraft) (exchangereview.PreparedClaim, error) {
	claim := exchangereview.SignedClaim{Slug: d.Slug, Wallet: d.Wallet, Method: d.Method, CreatedMS: SampleMS}
	return exchangereview.PreparedClaim{
		TypedData: exchangereview.NewDigester("banyan.example").ClaimDocument(&claim), Claim: claim, Record: "_banyan." + d.Slug + ".example",
		File: "https://" + d.Slug + ".example/.well-known/banyan-claim.txt", Contains: "banyan-claim=banyan.example/" + d.Slug + "/" + d.Wallet.String(),
	}, m.failed()
}

// ClaimProfile believes it.
func (m *Exchanges) ClaimProfile(_ context.Context, c exchangereview.SignedClaim) (exchangereview.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := exchangereview.Claim{
		Exchange: c.Slug, Wallet: c.Wallet, Method: c.Method, CreatedMS: c.CreatedMS, UntilMS: c.CreatedMS + exchangereview.ClaimFor.Milliseconds(), Holds: true,
		Signature: c.Signature, Site: "banyan.example",
	}
	m.Claimed = append([]exchangereview.Claim{made}, m.Claimed...)
	return made, m.failed()
}

// EndClaim ends the latest.
func (m *Exchanges) EndClaim(_ context.Context, e exchangereview.ClaimEnd) (exchangereview.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.Claimed {
		if c := &m.Claimed[i]; c.Exchange == e.Slug && c.Holds {
			c.Holds, c.EndedMS, c.EndedBy, c.Reason = false, SampleMS, exchangereview.EndedByOperator, e.Reason
			return *c, m.failed()
		}
	}
	return exchangereview.Claim{}, m.failed()
}

// Claims has those that were made.
func (m *Exchanges) Claims(_ context.Context, q exchangereview.ClaimsQuery) (exchangereview.Claims, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := exchangereview.Claims{Claims: []exchangereview.Claim{}}
	for _, c := range m.Claimed {
		if c.Exchange == q.Slug {
			all.Claims = append(all.Claims, c)
		}
	}
	return all, m.failed()
}

// PrepareReply is signed by the latest claim's wallet.
func (m *Exchanges) PrepareReply(_ context.Context, d exchangereview.ReplyDraft) (exchangereview.PreparedReply, error) {
	r := exchangereview.SignedReply{Slug: d.Slug, Reviewer: d.Reviewer, Text: d.Text, CreatedMS: SampleMS}
	return exchangereview.PreparedReply{TypedData: exchangereview.NewDigester("banyan.example").ReplyDocument(&r), Reply: r}, m.failed()
}

// PublishReply puts it below the review.
func (m *Exchanges) PublishReply(_ context.Context, r exchangereview.SignedReply) (exchangereview.Reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := exchangereview.Reply{Review: r.Review, Text: r.Text, CreatedMS: r.CreatedMS, Signature: r.Signature, Site: "banyan.example"}
	for i := range m.Written {
		if v := &m.Written[i]; v.Exchange == r.Slug && v.Wallet == r.Reviewer {
			v.Reply = &made
			break
		}
	}
	return made, m.failed()
}
