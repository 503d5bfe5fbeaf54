//go:build devchain

package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

// deploys puts a contract of the tests on the chain.
func (m *team) deploys(t *testing.T, name string, arguments ...any) (at wallet.Address, contract contracts.Contract) {
	t.Helper()
	text, err := os.ReadFile("../contracts/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	contract = must(contracts.Read(text))(t)
	code := must(contract.Deployment(arguments...))(t)
	nonce := must(m.Client().PendingNonceAt(t.Context(), m.wallet))(t)
	m.send(nil, code)
	m.Commit()
	return wallet.Address(crypto.CreateAddress(m.wallet, nonce)), contract
}

// gives sends tokens of the team.
func (m *team) gives(t *testing.T, token common.Address, to wallet.Address, amount uint64) {
	t.Helper()
	data := append([]byte{0xa9, 0x05, 0x9c, 0xbb}, common.LeftPadBytes(to[:], 32)...) // transfer(address,uint256)
	m.sends(airdrop.ContractCall{To: wallet.Address(token), Data: fmt.Sprintf("0x%x%064x", data, amount)})
}

// claims sends a claim as it was made, with its value, and reports whether the contract
// accepted it.
func (m *team) claims(t *testing.T, call airdrop.ClaimCall) bool {
	t.Helper()
	to := common.Address(call.To)
	tx, err := types.SignNewTx(m.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: must(m.Client().PendingNonceAt(t.Context(), m.wallet))(t), To: &to, Data: common.FromHex(call.Data), Value: call.Value.ToBig(),
		Gas: 1_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		t.Fatal(err)
	}
	m.Commit()
	return must(m.Client().TransactionReceipt(context.WithoutCancel(t.Context()), tx.Hash()))(t).Status == types.ReceiptStatusSuccessful
}

// Campaigns of Sablier's are followed in all their versions: whatever event they emit,
// whatever their views are called, and with the fee that they ask for.
func TestCampaignsOfSablierAreFollowed(t *testing.T) {
	m := newTeam(t, 18)
	chains := openChain(t, m)
	const fee = 1_000
	for way, want := range []struct {
		name string
		fee  uint64 // of a claim
	}{
		{name: "1.2 Instant"},
		{name: "1.2 with a stream"},
		{name: "1.3 with a fee in the coin", fee: fee},
		{name: "2 Instant", fee: fee + fee/50 + 1},
		{name: "2 LL, vested", fee: fee + fee/50 + 1},
		{name: "2 LL", fee: fee + fee/50 + 1},
		{name: "2 LT, vested", fee: fee + fee/50 + 1},
		{name: "2 LT", fee: fee + fee/50 + 1},
	} {
		t.Run(want.name, func(t *testing.T) {
			w := open(t, service.Options{DB: databasetest.SQLite(t, airdrop.Name), Chains: chains, Trees: filepath.Join(t.TempDir(), "trees")}, seamtest.InProcess)
			c := w.built(t, draft(merkle.OZIndexed), small(5))
			asked := big.NewInt(0)
			if want.fee > 0 {
				asked.SetUint64(fee)
			}
			end := big.NewInt(m.nowMS()/1000 + 1_000_000)
			at, _ := m.deploys(t, "PeerSablier", big.NewInt(int64(way)), m.token, [32]byte(*c.Root), end, big.NewInt(0), asked)
			follow := airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: at}
			d := must(w.FollowDistributor(operator, follow))(t)
			if d.Kind != airdrop.SablierKind || d.Token != wallet.Address(m.token) || d.EndMS != end.Int64()*1000 || d.Fee.Uint64() != want.fee || d.Promised != c.Total {
				t.Errorf("followed as %+v", d)
			}
			m.gives(t, m.token, at, c.Total.Uint64())
			stop := w.reading(t)
			w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
			stop()
			call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(2)}))(t)
			if call.Alone || call.Value.Uint64() != want.fee {
				t.Errorf("the call is %+v", call)
			}
			if !m.claims(t, call) {
				t.Fatal("the contract refuses the claim")
			}
			w.reading(t)
			d = w.becomes(t, c.ID, "claimed", func(d airdrop.Distributor) bool { return d.ClaimedRows == 1 })
			if d.Claimed.Uint64() != 101 {
				t.Errorf("claimed is %s", d.Claimed.Dec())
			}
			if call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(2)}))(t); call.State != airdrop.ClaimPending || call.Index != 1 {
				t.Errorf("after its claim: %+v", call)
			}
			if text := w.unclaimed(t, c.ID); strings.Contains(text, numbered(2).String()) || strings.Count(text, "\n") != 5 {
				t.Errorf("unclaimed are %s", text)
			}
		})
	}
}

// What is wrong with a campaign of Sablier's is said before it is followed; one that has
// not begun waits, and goes on when it has.
func TestAWrongCampaignOfSablierIsNotFollowed(t *testing.T) {
	m := newTeam(t, 18)
	chains := openChain(t, m)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), small(5))
		deploy := func(way int64, root merkle.Hash, start int64) airdrop.DistributorToFollow {
			at, _ := m.deploys(t, "PeerSablier", big.NewInt(way), m.token, [32]byte(root), big.NewInt(0), big.NewInt(start), big.NewInt(0))
			return airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: at}
		}
		if f := refused(w.FollowDistributor(operator, deploy(3, merkle.Hash{1}, 0)))(t, fault.Conflict); !strings.Contains(f.Message, "root") {
			t.Errorf("another root: %v", f)
		}
		if f := refused(w.FollowDistributor(operator, deploy(9, *c.Root, 0)))(t, fault.Unsupported); !strings.Contains(f.Message, "VCA") {
			t.Errorf("a kind that is not read: %v", f)
		}
		other := deploy(3, *c.Root, 0)
		other.Token = numbered(7)
		if f := refused(w.FollowDistributor(operator, other))(t, fault.Conflict); !strings.Contains(f.Message, "token") {
			t.Errorf("another token: %v", f)
		}
		later := deploy(3, *c.Root, m.nowMS()/1000+10_000)
		must(w.FollowDistributor(operator, later))(t)
		stop := w.reading(t)
		w.becomes(t, c.ID, airdrop.Waiting, func(d airdrop.Distributor) bool { return d.State == airdrop.Waiting && d.EndMS == 0 })
		if call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}))(t); call.State != airdrop.ClaimWaiting {
			t.Errorf("before it begins: %+v", call)
		}
		stop()
		m.gives(t, m.token, later.Address, c.Total.Uint64())
		chaintest.Pass(t, m.Chain, 20_000*time.Second)
		w.reading(t)
		w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
	})
}

const merklLeaf = "leaf=address user,address token,uint256 amount; encoding=abi; hash=1; tree=promoted"

// Merkl's contract pays several tokens from one tree, whose root holds when nobody has
// disputed it: the claims of one token are followed, round by round.
func TestRoundsOfMerklAreFollowed(t *testing.T) {
	m := newTeam(t, 18)
	chains := openChain(t, m)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		me, second := wallet.Address(m.wallet), wallet.Address(m.otherToken(t))
		round := func(mine, theirs, other int) airdrop.Campaign {
			return w.built(t, draft(merkle.Format(must(merkle.ParseFormat(merklLeaf))(t))), fmt.Sprintf("user,token,amount\n%s,%s,%d\n%s,%s,%d\n%s,%s,%d\n",
				me, m.token, mine, numbered(1), m.token, theirs, me, second, other))
		}
		at, contract := m.deploys(t, "PeerMerkl")
		does := func(method string, arguments ...any) {
			t.Helper()
			m.sends(airdrop.ContractCall{To: at, Data: "0x" + common.Bytes2Hex(must(contract.ABI.Pack(method, arguments...))(t))})
		}
		first := round(100, 30, 7)
		follow := airdrop.DistributorToFollow{ID: first.ID, Chain: devchain.ID, Address: at}
		if f := refused(w.FollowDistributor(operator, follow))(t, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Name != "token" {
			t.Errorf("two tokens, and none is named: %v", f)
		}
		follow.Token = numbered(9)
		if f := refused(w.FollowDistributor(operator, follow))(t, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Name != "token" {
			t.Errorf("a token that is not on the list: %v", f)
		}
		follow.Token = wallet.Address(m.token)
		if f := refused(w.FollowDistributor(operator, follow))(t, fault.Conflict); !strings.Contains(f.Message, "root") {
			t.Errorf("no root is set: %v", f)
		}
		does("update", [32]byte(*first.Root), big.NewInt(1000))
		m.gives(t, m.token, at, 130)
		d := must(w.FollowDistributor(operator, follow))(t)
		if d.Kind != airdrop.MerklKind || d.Promised.Uint64() != 130 || d.Remaining.Uint64() != 130 || d.Token != wallet.Address(m.token) {
			t.Errorf("followed as %+v", d)
		}
		ask := airdrop.ClaimQuery{ID: first.ID, Wallet: me}
		stop := w.reading(t)
		w.becomes(t, first.ID, airdrop.Waiting, func(d airdrop.Distributor) bool { return d.State == airdrop.Waiting })
		stop()
		does("dispute", "a test")
		chaintest.Pass(t, m.Chain, 2000*time.Second) // longer than the dispute could be made
		stop = w.reading(t)
		w.becomes(t, first.ID, "disputed", func(d airdrop.Distributor) bool { return d.State == airdrop.Waiting && d.ReadToMS == m.nowMS() })
		stop()
		does("revoke")
		stop = w.reading(t)
		w.becomes(t, first.ID, "revoked", func(d airdrop.Distributor) bool { return d.State == airdrop.Ended })
		stop()
		does("update", [32]byte(*first.Root), big.NewInt(0))
		stop = w.reading(t)
		w.becomes(t, first.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		stop()
		call := must(w.ClaimCall(anybody, ask))(t)
		if !call.Alone || call.Due.Uint64() != 100 || call.State != airdrop.ClaimOpen {
			t.Errorf("the call is %+v", call)
		}
		if !m.claims(t, call) {
			t.Fatal("the contract refuses the claim")
		}
		stop = w.reading(t)
		d = w.becomes(t, first.ID, "claimed", func(d airdrop.Distributor) bool { return d.ClaimedRows == 1 })
		if d.Claimed.Uint64() != 100 || d.Remaining.Uint64() != 30 {
			t.Errorf("after a claim: %+v", d)
		}
		if text := w.unclaimed(t, first.ID); !strings.Contains(text, numbered(1).String()+",30\n") || strings.Count(text, "\n") != 2 {
			t.Errorf("unclaimed of the token are %s", text)
		}
		refused(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: first.ID, Wallet: numbered(3)}))(t, fault.NotFound)
		stop()

		next := round(150, 30, 9)
		does("update", [32]byte(*next.Root), big.NewInt(0))
		m.gives(t, m.token, at, 50)
		follow.ID = next.ID
		must(w.FollowDistributor(operator, follow))(t)
		stop = w.reading(t)
		w.becomes(t, next.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		w.becomes(t, first.ID, airdrop.Ended, func(d airdrop.Distributor) bool { return d.State == airdrop.Ended })
		stop()
		ask.ID = next.ID
		if call = must(w.ClaimCall(anybody, ask))(t); call.Due.Uint64() != 50 || call.Paid.Uint64() != 100 {
			t.Errorf("in the second round: %+v", call)
		}
		if !m.claims(t, call) {
			t.Fatal("the contract refuses the claim of the second round")
		}
		w.reading(t)
		w.becomes(t, next.ID, "claimed", func(d airdrop.Distributor) bool { return d.Claimed.Uint64() == 150 && d.Remaining.Uint64() == 30 })
	})
}

// otherToken deploys one more token, of which nobody has anything but the team.
func (m *team) otherToken(t *testing.T) common.Address {
	t.Helper()
	text, err := os.ReadFile("../../../platform/chain/devchain/DemoToken.json")
	if err != nil {
		t.Fatal(err)
	}
	token := must(contracts.Read(text))(t)
	code := must(token.Deployment("Other", "OTHER", uint8(18), big.NewInt(1_000_000)))(t)
	nonce := must(m.Client().PendingNonceAt(t.Context(), m.wallet))(t)
	m.send(nil, code)
	m.Commit()
	return crypto.CreateAddress(m.wallet, nonce)
}
