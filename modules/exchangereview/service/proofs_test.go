package service_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/service"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// transactions is chain 10 with these transactions; its contracts answer nothing.
type transactions struct {
	mu   sync.Mutex
	all  map[exchangereview.Hash]chain.Transaction
	down bool
}

func (c *transactions) Transaction(_ context.Context, chainID uint64, hash [32]byte) (chain.Transaction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch t, there := c.all[hash]; {
	case chainID != 10:
		return t, signature.ErrNoSuchChain
	case c.down:
		return t, errors.New("the node is down")
	case !there:
		return t, chain.ErrNoTransaction
	default:
		return t, nil
	}
}

func (c *transactions) Call(context.Context, uint64, wallet.Address, []byte) ([]byte, error) {
	return nil, chain.ErrReverted
}

func (a *writer) signedIn() context.Context {
	return identity.With(context.Background(), identity.Caller{Wallet: a.wallet, Role: identity.Member})
}

// exchangeOnChain lists an exchange with a vault and a wallet on chain 10, and returns
// transactions there: a swap in the vault, and a withdrawal.
func (w *fixture) exchangeOnChain(t testing.TB, a *writer) (*transactions, exchangereview.Hash, exchangereview.Hash) {
	t.Helper()
	vault, desk := wallet.Address{0: 1, 19: 9}, wallet.Address{0: 1, 19: 8}
	must(w.ImportExchanges(operator, upload(`[{"id": "kraken", "name": "Kraken", "kind": "cex", "factories_by_chain": {"optimism": "`+vault.String()+`"},
		"wallets_by_chain": {"optimism": ["`+desk.String()+`"]}}]`)))(t)
	swap, withdrawal := exchangereview.Hash{1}, exchangereview.Hash{2}
	topic := exchangereview.TextHash("Swap(bytes32,address,address,uint256,uint256)")
	c := &transactions{all: map[exchangereview.Hash]chain.Transaction{
		swap: {From: a.wallet, Succeeded: true, Block: 100, Head: 200, TimeMS: 1_780_000_000_000, Events: []chain.Event{{Contract: vault, Topics: [][32]byte{topic}}}},
		withdrawal: {
			From: desk, To: a.wallet, Pays: true, Succeeded: true, Block: 100, Head: 112, TimeMS: 1_780_000_000_000,
		},
	}}
	w.options.Chains = c
	w.restart(t)
	return c, swap, withdrawal
}

func TestAProofOfUseIsGradedAndRaisesTheWeight(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, desk, other := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		w.reputation.set(3, map[*writer]float64{a: 0.5, other: 0.5})
		chain, swap, withdrawal := w.exchangeOnChain(t, a)
		prove := func(tx exchangereview.Hash) (exchangereview.Review, error) {
			return w.ProveUse(a.signedIn(), exchangereview.Transaction{Slug: "kraken", ChainID: 10, Tx: tx})
		}
		refused(prove(swap))(t, fault.NotFound, "no review")
		w.publish(t, a, "kraken", 4)
		w.publish(t, other, "kraken", 4)
		without := w.rating(t, "kraken").Effective

		first := must(prove(withdrawal))(t)
		if p := first.Proof; p == nil || p.Kind != exchangereview.ProofWithdrawal || p.Factor < 0.599 || p.Factor > 0.6 || *p.Tx != withdrawal || first.Group != "proven" {
			t.Errorf("%+v", first)
		}
		withdrawn := w.rating(t, "kraken").Effective
		second := must(prove(swap))(t)
		if second.Proof.Kind != exchangereview.ProofSwap || second.Proof.Factor != 1 {
			t.Errorf("%+v", second.Proof)
		}
		if again := must(prove(withdrawal))(t); again.Proof.Kind != exchangereview.ProofSwap {
			t.Errorf("a lower proof replaced a better one: %+v", again.Proof)
		}
		if swapped := w.rating(t, "kraken").Effective; withdrawn <= without || swapped <= withdrawn {
			t.Errorf("worth %f without a proof, %f with a withdrawal, %f with a swap", without, withdrawn, swapped)
		}
		refused(w.ProveUse(other.signedIn(), exchangereview.Transaction{Slug: "kraken", ChainID: 10, Tx: swap}))(t, fault.Invalid, "does not show")

		// The exchange's own word is between the two.
		w.lists(t, "kraken", desk)
		must(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)))(t)
		prepared := must(w.PrepareAttestation(anybody, exchangereview.AttestationDraft{Slug: "kraken", Customer: other.wallet}))(t)
		prepared.Attestation.Signature = other.signDocument(t, prepared.TypedData)
		refused(w.AttestUse(anybody, prepared.Attestation))(t, fault.Forbidden, "not by")
		prepared.Attestation.Signature = desk.signDocument(t, prepared.TypedData)
		attested := must(w.AttestUse(anybody, prepared.Attestation))(t)
		if p := attested.Proof; p.Kind != exchangereview.ProofAttestation || p.Factor < 0.799 || *p.Wallet != desk.wallet || attested.Group != "proven" {
			t.Errorf("%+v", attested)
		}

		count := func(proof string) int {
			return len(must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Proof: proof}))(t).Reviews)
		}
		if count(exchangereview.ProofAny) != 2 || count(exchangereview.ProofSwap) != 1 || count(exchangereview.ProofAttestation) != 1 || count(exchangereview.ProofWithdrawal) != 0 || count(exchangereview.ProofNone) != 0 {
			t.Error("the filter by proof is wrong")
		}
		// An edit keeps the proof; so does the export.
		w.publish(t, a, "kraken", 5)
		if r := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t).Reviews[0]; r.Proof == nil || r.Group != "proven" || r.Version != 2 {
			t.Errorf("after an edit %+v", r)
		}
		w.rating(t, "kraken")
		made := must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
		stream := must(w.ExportEpoch(anybody, exchangereview.EpochQuery{Number: made.Number}))(t)
		var file bytes.Buffer
		if err := stream.Write(&file); err != nil {
			t.Fatal(err)
		}
		if report := must(export.Verify(t.Context(), &file))(t); !report.Valid || report.Reviews != 2 {
			t.Errorf("%+v", report)
		}

		// What the chain does not say any more is dropped, and silence is no answer.
		chain.down = true
		refused(w.RecheckProof(other.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: a.wallet}))(t, fault.Unavailable, "did not say")
		chain.down = false
		w.clock.Pass(time.Minute)
		if r := must(w.RecheckProof(other.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: a.wallet}))(t); r.Proof == nil || r.Proof.CheckedMS != w.clock.Now().UnixMilli() {
			t.Errorf("%+v", r.Proof)
		}
		delete(chain.all, swap)
		if r := must(w.RecheckProof(other.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: a.wallet}))(t); r.Proof != nil || r.Group != "unproven" {
			t.Errorf("%+v", r)
		}
		refused(w.RecheckProof(other.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: a.wallet}))(t, fault.NotFound, "nothing shows")
		if r := must(w.RecheckProof(a.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: other.wallet}))(t); r.Proof == nil {
			t.Error("a good attestation is dropped")
		}
		must(w.EndClaim(operator, exchangereview.ClaimEnd{Slug: "kraken", Reason: "The wallet was stolen."}))(t)
		if r := must(w.RecheckProof(a.signedIn(), exchangereview.ProofQuery{Slug: "kraken", Wallet: other.wallet}))(t); r.Proof != nil {
			t.Error("the word of an ended claim counts")
		}
		w.rating(t, "kraken")
	})
}

// The directory is filtered by what shows that somebody used an exchange; a review counts
// for that as long as it is shown.
func TestExchangesAreFoundByProofOfUse(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, desk, other := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		_, swap, withdrawal := w.exchangeOnChain(t, a)
		found := func(kind string, want ...string) {
			t.Helper()
			for _, size := range []int{1, 50} {
				got := w.list(t, exchangereview.ExchangesQuery{Proof: kind, Sort: exchangereview.ByName, Limit: size})
				if !slices.Equal(got, want) {
					t.Errorf("with %s, pages of %d: %v, want %v", kind, size, got, want)
				}
			}
			searched := w.list(t, exchangereview.ExchangesQuery{Proof: kind, Q: "krakn"})
			if is := slices.Contains(want, "kraken"); len(searched) > 1 || slices.Contains(searched, "kraken") != is {
				t.Errorf("with %s, searched: %v", kind, searched)
			}
		}
		w.publish(t, a, "kraken", 4)
		w.publish(t, other, "okx", 4)
		found(exchangereview.ProofAny)
		must(w.ProveUse(a.signedIn(), exchangereview.Transaction{Slug: "kraken", ChainID: 10, Tx: withdrawal}))(t)
		found(exchangereview.ProofWithdrawal, "kraken")
		found(exchangereview.ProofSwap)
		must(w.ProveUse(a.signedIn(), exchangereview.Transaction{Slug: "kraken", ChainID: 10, Tx: swap}))(t)
		found(exchangereview.ProofWithdrawal)
		found(exchangereview.ProofSwap, "kraken")

		must(w.ImportExchanges(operator, upload(`[{"id": "okx", "name": "OKX", "kind": "cex", "wallets": ["`+desk.wallet.String()+`"]}]`)))(t)
		must(w.ClaimProfile(anybody, w.signedClaim(t, desk, "okx", exchangereview.ClaimByAddress)))(t)
		prepared := must(w.PrepareAttestation(anybody, exchangereview.AttestationDraft{Slug: "okx", Customer: other.wallet}))(t)
		prepared.Attestation.Signature = desk.signDocument(t, prepared.TypedData)
		must(w.AttestUse(anybody, prepared.Attestation))(t)
		found(exchangereview.ProofAttestation, "okx")
		found(exchangereview.ProofAny, "kraken", "okx")
		next := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Proof: exchangereview.ProofAny, Limit: 1}))(t).Next
		refused(w.Exchanges(anybody, exchangereview.ExchangesQuery{Proof: exchangereview.ProofSwap, Limit: 1, Cursor: next}))(t, fault.Invalid, "cursor")
		refused(w.Exchanges(anybody, exchangereview.ExchangesQuery{Proof: exchangereview.ProofNone}))(t, fault.Invalid, "proof: is swap")

		w.clock.Pass(time.Minute)
		w.publish(t, a, "kraken", 5) // an edit keeps the proof
		found(exchangereview.ProofSwap, "kraken")
		moderator := as(identity.Moderator)
		decide := func(action string) {
			t.Helper()
			must(w.Moderate(moderator, exchangereview.Decision{Slug: "kraken", Wallet: a.wallet, Action: action, Reason: "A reason."}))(t)
		}
		decide(exchangereview.ActionHold) // still shown
		found(exchangereview.ProofSwap, "kraken")
		decide(exchangereview.ActionRemove)
		found(exchangereview.ProofSwap)
		decide(exchangereview.ActionRestore)
		found(exchangereview.ProofSwap, "kraken")
		w.rating(t, "kraken")
		if err := service.AsBefore(t.Context(), w.db); err != nil {
			t.Fatal(err)
		}
		must(service.Backfill(t.Context(), w.options))(t)
		found(exchangereview.ProofAny, "kraken", "okx")
		w.withdraw(t, a, "kraken")
		found(exchangereview.ProofAny, "okx")
		w.rating(t, "kraken")
	})
}

func TestTransactionsThatShowNothingAreRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		c, swap, withdrawal := w.exchangeOnChain(t, a)
		w.publish(t, a, "kraken", 4)
		prove := func(slug string, chainID uint64, tx exchangereview.Hash) (exchangereview.Review, error) {
			return w.ProveUse(a.signedIn(), exchangereview.Transaction{Slug: slug, ChainID: chainID, Tx: tx})
		}
		refused(w.ProveUse(anybody, exchangereview.Transaction{Slug: "kraken", ChainID: 10, Tx: swap}))(t, fault.Unauthenticated, "")
		refused(prove("kraken", 0, exchangereview.Hash{}))(t, fault.Invalid, "chain_id")
		refused(prove("kraken", 1, swap))(t, fault.Unsupported, "no node of that chain")
		refused(prove("kraken", 10, exchangereview.Hash{9}))(t, fault.NotFound, "no block with")
		w.publish(t, a, "okx", 4)
		refused(prove("okx", 10, swap))(t, fault.Invalid, "does not show")
		change := func(tx exchangereview.Hash, f func(*chain.Transaction)) {
			c.mu.Lock()
			defer c.mu.Unlock()
			is := c.all[tx]
			f(&is)
			c.all[tx] = is
		}
		change(withdrawal, func(t *chain.Transaction) { t.Head-- })
		refused(prove("kraken", 10, withdrawal))(t, fault.Conflict, "12 blocks have followed")
		change(withdrawal, func(t *chain.Transaction) { t.Head++; t.Pays = false })
		refused(prove("kraken", 10, withdrawal))(t, fault.Invalid, "does not show")
		// A token that logs a payment of the exchange, in a transaction of somebody else.
		change(withdrawal, func(x *chain.Transaction) {
			x.From = a.wallet
			topics := [][32]byte{exchangereview.TextHash("Transfer(address,address,uint256)"), {12: 1, 31: 8}, {}}
			copy(topics[2][12:], a.wallet[:])
			x.Events = []chain.Event{{Topics: topics, Data: append(make([]byte, 31), 1)}}
		})
		refused(prove("kraken", 10, withdrawal))(t, fault.Invalid, "does not show")
		change(swap, func(t *chain.Transaction) { t.Succeeded = false })
		refused(prove("kraken", 10, swap))(t, fault.Invalid, "failed")
		if r := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t).Reviews[0]; r.Proof != nil {
			t.Errorf("%+v", r.Proof)
		}
		w.options.Chains = nil
		w.restart(t)
		refused(prove("kraken", 10, swap))(t, fault.Unsupported, "no node of that chain")
	})
}

func TestStarsOfAnAspectFilter(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		w.publish(t, numbered(t, 1), "kraken", 4) // two stars for support
		count := func(dimension string, stars int) int {
			return len(must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Dimension: dimension, Stars: stars}))(t).Reviews)
		}
		if count("support", 2) != 1 || count("support", 4) != 0 || count("", 4) != 1 || count("overall", 2) != 0 {
			t.Error("the filter by an aspect is wrong")
		}
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Dimension: "text; DROP TABLE review", Stars: 1}))(t, fault.Invalid, "dimension")
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Proof: "x"}))(t, fault.Invalid, "proof")
	})
}
