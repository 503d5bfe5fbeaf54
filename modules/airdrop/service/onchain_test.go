//go:build devchain

package service_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

// team has the tokens, and sends what the module plans.
type team struct {
	*devchain.Chain
	t      *testing.T
	key    *ecdsa.PrivateKey
	wallet common.Address
	token  common.Address
}

func newTeam(t *testing.T, decimals uint8) *team {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	m := &team{t: t, key: key, wallet: crypto.PubkeyToAddress(key.PublicKey)}
	if m.Chain, err = devchain.Start(devchain.Options{Funded: []common.Address{m.wallet}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("../../../platform/chain/devchain/DemoToken.json")
	if err != nil {
		t.Fatal(err)
	}
	token, err := contracts.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	code, err := token.Deployment("Demo", "DEMO", decimals, new(big.Int).Lsh(big.NewInt(1), 200))
	if err != nil {
		t.Fatal(err)
	}
	m.token = crypto.CreateAddress(m.wallet, 0)
	m.send(nil, code)
	m.Commit()
	return m
}

func (m *team) send(to *common.Address, data []byte) {
	m.t.Helper()
	nonce, err := m.Client().PendingNonceAt(context.Background(), m.wallet)
	if err != nil {
		m.t.Fatal(err)
	}
	tx, err := types.SignNewTx(m.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: 5_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if err := errors.Join(m.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		m.t.Fatal(err)
	}
}

// sends sends calls, each in a block of its own.
func (m *team) sends(calls ...airdrop.ContractCall) {
	m.t.Helper()
	for _, call := range calls {
		to := common.Address(call.To)
		m.send(&to, common.FromHex(call.Data))
		m.Commit()
	}
}

func (m *team) plan(id string) airdrop.DistributorPlan {
	return airdrop.DistributorPlan{
		ID: id, Chain: devchain.ID, Token: wallet.Address(m.token), Owner: wallet.Address(m.wallet), EndMS: 4_000_000_000_000,
	}
}

// small is a list whose amounts a token can have.
func small(n int) string {
	var b strings.Builder
	b.WriteString("address,amount\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,%d\n", numbered(i+1), 100+i)
	}
	return b.String()
}

// becomes asks until the distributor is as it should be.
func (w *fixture) becomes(t *testing.T, id, what string, is func(airdrop.Distributor) bool) airdrop.Distributor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		d := must(w.Distributor(anybody, airdrop.CampaignQuery{ID: id}))(t)
		if is(d) {
			return d
		}
		if err := periodic.Sleep(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("the distributor does not become %s: %+v", what, d)
		}
	}
}

// A campaign is planned, published, followed and claimed from; a reorganisation takes
// claims back and brings others; what is left is listed.
func TestACampaignOnAChain(t *testing.T) {
	m := newTeam(t, 18)
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Gas: 10_000_000, Nodes: []chain.Node{{ChainID: devchain.ID, URL: m.URL()}}}, slog.New(slog.DiscardHandler))
	t.Cleanup(chains.Close)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		w.reading(t)
		c := w.built(t, draft(merkle.OZIndexed), small(20))
		refused(w.Distributor(anybody, airdrop.CampaignQuery{ID: c.ID}))(t, fault.NotFound)
		refused(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}))(t, fault.NotFound)
		planned := must(w.PlanDistributor(operator, m.plan(c.ID)))(t)
		follow := airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: planned.Address}
		refused(w.FollowDistributor(operator, follow))(t, fault.Invalid) // it is not there yet
		m.sends(planned.Calls[0])
		must(w.FollowDistributor(operator, follow))(t)
		w.becomes(t, c.ID, airdrop.Short, func(d airdrop.Distributor) bool { return d.State == airdrop.Short })
		m.sends(planned.Calls[1:]...)
		d := w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		if d.Balance != c.Total || d.Remaining != c.Total || d.Token != wallet.Address(m.token) || d.EndMS != 4_000_000_000_000 {
			t.Errorf("a funded distributor is %+v", d)
		}

		claim := func(n int) airdrop.ClaimCall {
			t.Helper()
			return must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(n)}))(t)
		}
		for n := 1; n <= 3; n++ {
			call := claim(n)
			if call.State != airdrop.ClaimOpen || call.Short || call.Amount.Uint64() != uint64(99+n) {
				t.Errorf("wallet %d may claim %+v", n, call)
			}
			m.sends(airdrop.ContractCall{To: call.To, Data: call.Data})
		}
		d = w.becomes(t, c.ID, "claimed by three", func(d airdrop.Distributor) bool { return d.ClaimedRows == 3 })
		if d.Claimed.Uint64() != 100+101+102 || len(d.Days) == 0 {
			t.Errorf("three have claimed %+v", d)
		}
		if call := claim(2); call.TX == "" || call.State == airdrop.ClaimOpen {
			t.Errorf("a claim that was made is %+v", call)
		}

		fourth := claim(4)
		sent := false
		chaintest.Reorganise(t, m.Chain, 2, func() { // takes back what wallets 2 and 3 have claimed
			if to := common.Address(fourth.To); !sent {
				m.send(&to, common.FromHex(fourth.Data))
				sent = true
			}
		})
		d = w.becomes(t, c.ID, "claimed by 1 and 4", func(d airdrop.Distributor) bool { return d.ClaimedRows == 2 && d.Claimed.Uint64() == 100+103 })
		if call := claim(2); call.State != airdrop.ClaimOpen || call.TX != "" {
			t.Errorf("a claim that was taken back is %+v", call)
		}
		days := uint64(0)
		for _, day := range d.Days {
			days += day.Amount.Uint64()
		}
		if days != 100+103 {
			t.Errorf("the days have %d", days)
		}

		stream := must(w.Unclaimed(operator, airdrop.CampaignQuery{ID: c.ID}))(t)
		var text bytes.Buffer
		if err := stream.Write(&text); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text.String(), "\n"); lines != 19 || strings.Contains(text.String(), numbered(4).String()) || !strings.Contains(text.String(), "1,"+numbered(2).String()+",101\n") {
			t.Errorf("unclaimed are %s", &text)
		}
		largest := must(w.LargestUnclaimed(operator, airdrop.CampaignQuery{ID: c.ID}))(t)
		if largest.Count != 18 || len(largest.Rows) != 18 || largest.Rows[0].Wallet != numbered(20) || largest.Rows[0].Amount.Uint64() != 119 || largest.Rows[17].Amount.Uint64() != 101 {
			t.Errorf("the largest unclaimed are %+v", largest)
		}
		for range 40 { // the chain's own rule makes every 32nd block final
			m.Commit()
		}
		w.becomes(t, c.ID, "final", func(d airdrop.Distributor) bool { return d.ConfirmedRows == 2 })
		if call := claim(4); call.State != airdrop.ClaimDone {
			t.Errorf("a final claim is %+v", call)
		}
	})
}

// What is wrong with a contract is said before the campaign is called live.
func TestAWrongDistributorIsNotFollowed(t *testing.T) {
	m := newTeam(t, 6)
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Gas: 10_000_000, Nodes: []chain.Node{{ChainID: devchain.ID, URL: m.URL()}}}, slog.New(slog.DiscardHandler))
	t.Cleanup(chains.Close)
	eachWayWith(t, service.Options{Chains: chains}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), small(5)) // 18 decimals
		unseen := m.plan(c.ID)
		unseen.Chain = 5 // which the settings do not name: nobody looks at the token
		planned := must(w.PlanDistributor(operator, unseen))(t)
		m.sends(planned.Calls[0])
		follow := airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: planned.Address}
		if f := refused(w.FollowDistributor(operator, follow))(t, fault.Conflict); !strings.Contains(f.Message, "decimals") {
			t.Errorf("other decimals: %v", f)
		}
		six := draft(merkle.OZIndexed)
		six.Decimals = 6
		other := w.built(t, six, small(6))
		follow.ID = other.ID
		if f := refused(w.FollowDistributor(operator, follow))(t, fault.Conflict); !strings.Contains(f.Message, "root") {
			t.Errorf("another root: %v", f)
		}
		follow.Address = wallet.Address(m.token)
		refused(w.FollowDistributor(operator, follow))(t, fault.Invalid)
		follow.Chain = 1
		refused(w.FollowDistributor(operator, follow))(t, fault.Unavailable)
		plain := w.built(t, draft(merkle.OZ), small(3))
		refused(w.PlanDistributor(operator, m.plan(plain.ID)))(t, fault.Unsupported)
		refused(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: plain.ID, Chain: devchain.ID, Address: planned.Address}))(t, fault.Unsupported)
		refused(w.Distributor(anybody, airdrop.CampaignQuery{ID: other.ID}))(t, fault.NotFound)
	})
}
