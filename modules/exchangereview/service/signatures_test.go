package service_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// ownedBy is chain 10 with one smart wallet, which accepts what its owner signs twice.
type ownedBy struct {
	at    wallet.Address
	owner wallet.Address
	down  *bool
}

func (c ownedBy) HasCode(_ context.Context, chainID uint64, account wallet.Address, _ []byte) (bool, error) {
	switch {
	case chainID != 10:
		return false, signature.ErrNoSuchChain
	case *c.down:
		return false, errors.New("the node is down")
	}
	return account == c.at, nil
}

func (c ownedBy) Accepts(_ context.Context, _ uint64, _ wallet.Address, digest [32]byte, s []byte) (accepted bool, block uint64, err error) {
	if len(s) != 130 {
		return false, 7_000_000, nil
	}
	by, err := signature.Recover(digest, s[:65])
	return err == nil && by == c.owner, 7_000_000, nil
}

// twice signs a digest as the smart wallet wants it.
func (a *writer) twice(t testing.TB, digest exchangereview.Hash) exchangereview.Signature {
	t.Helper()
	made, err := crypto.Sign(digest[:], a.key)
	if err != nil {
		t.Fatal(err)
	}
	return exchangereview.Signature(bytes.Repeat(made, 2))
}

func TestASmartWalletReviewsAndTakesBack(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		owner, stranger, smart, down := numbered(t, 1), numbered(t, 2), wallet.Address{19: 77}, false
		w.options.Contracts = ownedBy{smart, owner.wallet, &down}
		w.restart(t)
		d := owner.draft("kraken", 4)
		d.Wallet = smart
		r := must(w.PrepareReview(anybody, d))(t).Review
		digest := exchangereview.NewDigester(site)
		signed := func(by *writer, chain uint64) exchangereview.SignedReview {
			v := r
			v.ChainID, v.Signature = chain, by.twice(t, digest.Hash(&r))
			return v
		}
		refused(w.PublishReview(anybody, signed(stranger, 10)))(t, fault.Forbidden, "does not accept this signature on chain 10")
		refused(w.PublishReview(anybody, signed(owner, 0)))(t, fault.Forbidden, "no node of chain 1 is configured")
		down = true
		refused(w.PublishReview(anybody, signed(owner, 10)))(t, fault.Unavailable, "did not say")
		down = false
		if got := w.rows(t); got != [3]int{} {
			t.Errorf("refused reviews left rows: %v", got)
		}
		stored := must(w.PublishReview(anybody, signed(owner, 10)))(t)
		if stored.ChainID != 10 || stored.Block != 7_000_000 || stored.Signature != signed(owner, 10).Signature {
			t.Errorf("stored with chain %d and block %d", stored.ChainID, stored.Block)
		}
		if listed := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews; len(listed) != 1 || listed[0] != stored {
			t.Errorf("listed %+v", listed)
		}
		// A key that signs for itself leaves no block, whatever chain is named.
		own := w.prepare(t, owner, "okx", 4)
		own.ChainID = 10
		if v := must(w.PublishReview(anybody, own))(t); v.ChainID != 0 || v.Block != 0 {
			t.Errorf("a key's signature has chain %d and block %d", v.ChainID, v.Block)
		}
		wantSmart := func(want int) {
			t.Helper()
			epoch := must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
			report, err := export.Verify(t.Context(), bytes.NewReader(w.export(t, epoch.Number)))
			if err != nil || !report.Valid || report.Smart != want || report.Signatures != 1 {
				t.Errorf("the export: %+v %v", report, err)
			}
		}
		wantSmart(1)

		back := must(w.PrepareWithdrawal(anybody, exchangereview.WithdrawalDraft{Slug: "kraken", Wallet: smart}))(t).Withdrawal
		back.ChainID, back.Signature = 10, stranger.twice(t, digest.HashWithdrawal(&back))
		refused(w.WithdrawReview(anybody, back))(t, fault.Forbidden, "does not accept")
		back.Signature = owner.twice(t, digest.HashWithdrawal(&back))
		if gone := must(w.WithdrawReview(anybody, back))(t); gone.State != exchangereview.Withdrawn || gone.Block != 7_000_000 {
			t.Errorf("withdrawn: %+v", gone)
		}
		wantSmart(1)
	})
}

func TestWithoutAChainASmartWalletIsToldSo(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		owner := numbered(t, 1)
		r := must(w.PrepareReview(anybody, owner.draft("kraken", 4)))(t).Review
		r.Signature = owner.twice(t, exchangereview.NewDigester(site).Hash(&r))
		refused(w.PublishReview(anybody, r))(t, fault.Unsupported, "none is configured here")
		r.Signature = exchangereview.Signature(make([]byte, exchangereview.MaxSignature+1))
		refused(w.PublishReview(anybody, r))(t, fault.Invalid, "at most 8192 bytes")
	})
}
