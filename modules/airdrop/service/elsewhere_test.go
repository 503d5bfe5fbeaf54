//go:build devchain

package service_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/modules/airdrop/service"
	"banyan/modules/exchangereview"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// signed signs the document of an answer as a wallet does.
func signed(t *testing.T, key *ecdsa.PrivateKey, of airdrop.ClaimElsewhere) exchangereview.Signature {
	t.Helper()
	text, err := json.Marshal(of.TypedData)
	if err != nil {
		t.Fatal(err)
	}
	var document apitypes.TypedData
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	hash, _, err := apitypes.TypedDataAndHash(document)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := crypto.Sign(hash, key)
	if err != nil {
		t.Fatal(err)
	}
	signature[64] += 27
	return exchangereview.Signature(signature)
}

// ownedWallet deploys a smart wallet of a key.
func (m *team) ownedWallet(key *ecdsa.PrivateKey) wallet.Address {
	m.t.Helper()
	text, err := os.ReadFile("../contracts/testdata/OwnedWallet.json")
	if err != nil {
		m.t.Fatal(err)
	}
	owned, err := contracts.Read(text)
	if err != nil {
		m.t.Fatal(err)
	}
	code, err := owned.Deployment(crypto.PubkeyToAddress(key.PublicKey))
	if err != nil {
		m.t.Fatal(err)
	}
	nonce, err := m.Client().PendingNonceAt(m.t.Context(), m.wallet)
	if err != nil {
		m.t.Fatal(err)
	}
	m.send(nil, code)
	m.Commit()
	return wallet.Address(crypto.CreateAddress(m.wallet, nonce))
}

// A wallet has its tokens sent elsewhere: by its key's signature, by that of a smart
// wallet's owner, in lists that are paid once and in rounds. What the contract would
// refuse is refused before anybody pays gas.
func TestClaimsAreSentElsewhere(t *testing.T) {
	m := newTeam(t, 18)
	chains := openChain(t, m)
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	own, smart := wallet.Address(crypto.PubkeyToAddress(key.PublicKey)), m.ownedWallet(key)
	list := "address,amount\n" + own.String() + ",700\n" + smart.String() + ",80\n"
	next := uint64(0) // receivers are new ones
	for _, format := range []merkle.Format{merkle.OZIndexed, merkle.Cumulative} {
		t.Run(string(format), func(t *testing.T) {
			eachWayWith(t, service.Options{Chains: chains, Contracts: chains}, func(t *testing.T, w *fixture) {
				w.reading(t)
				c := w.built(t, draft(format), list)
				planned := must(w.PlanDistributor(operator, m.plan(c.ID)))(t)
				m.sends(planned.Calls...)
				d := must(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: planned.Address}))(t)
				if !d.Redirects {
					t.Fatalf("our contract is not known: %+v", d)
				}
				for account, amount := range map[wallet.Address]uint64{own: 700, smart: 80} {
					next++
					to := wallet.Address{0xe1, 18: byte(next >> 8), 19: byte(next)}
					ask := airdrop.ClaimElsewhereQuery{ID: c.ID, Wallet: account, To: to}
					prepared := must(w.ClaimElsewhere(anybody, ask))(t)
					if prepared.Signed || prepared.TypedData == nil || prepared.Amount.Uint64() != amount {
						t.Errorf("prepared is %+v", prepared)
					}
					ask.Deadline, ask.Signature = prepared.Deadline, signed(t, key, prepared)
					m.refusesElsewhere(t, w, ask)
					call := must(w.ClaimElsewhere(anybody, ask))(t)
					if !call.Signed || call.TypedData != nil {
						t.Errorf("a signed claim is %+v", call)
					}
					m.sends(airdrop.ContractCall{To: call.To, Data: call.Data})
					if got := m.has(t, common.Address(to)).Uint64(); got != amount {
						t.Errorf("%s was to send %d elsewhere, and %d came", account, amount, got)
					}
				}
			})
		})
	}
}

func (m *team) refusesElsewhere(t *testing.T, w *fixture, good airdrop.ClaimElsewhereQuery) {
	t.Helper()
	for name, change := range map[string]func(*airdrop.ClaimElsewhereQuery){
		"another receiver": func(q *airdrop.ClaimElsewhereQuery) { q.To[0]++ },
		"a later deadline": func(q *airdrop.ClaimElsewhereQuery) { q.Deadline++ },
		"a past deadline":  func(q *airdrop.ClaimElsewhereQuery) { q.Deadline = 1_000 },
		"no deadline":      func(q *airdrop.ClaimElsewhereQuery) { q.Deadline = 0 },
		"nobody":           func(q *airdrop.ClaimElsewhereQuery) { q.To = wallet.Address{} },
		"a wallet not deployed": func(q *airdrop.ClaimElsewhereQuery) {
			q.Signature += exchangereview.Signature(strings.Repeat("\x64\x92", 16))
		},
		"after many years": func(q *airdrop.ClaimElsewhereQuery) { q.Deadline *= 2 },
	} {
		q := good
		change(&q)
		if _, err := w.ClaimElsewhere(anybody, q); fault.CodeOf(err) != fault.Invalid && fault.CodeOf(err) != fault.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	q := good
	q.Wallet = numbered(1)
	refused(w.ClaimElsewhere(anybody, q))(t, fault.NotFound)
}
