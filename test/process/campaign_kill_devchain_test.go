//go:build devchain

package process_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// treasury is a chain with a token, and the account that has it.
type treasury struct {
	*devchain.Chain
	t     *testing.T
	key   *ecdsa.PrivateKey
	owner common.Address
	token common.Address
}

func newTreasury(t *testing.T) *treasury {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	m := &treasury{t: t, key: key, owner: crypto.PubkeyToAddress(key.PublicKey)}
	if m.Chain, err = devchain.Start(devchain.Options{Funded: []common.Address{m.owner}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	code, err := devchain.TokenDeployment("Token", "TKN", 18)
	if err != nil {
		t.Fatal(err)
	}
	m.token = crypto.CreateAddress(m.owner, 0)
	m.send(nil, code)
	m.Commit()
	return m
}

func (m *treasury) send(to *common.Address, data []byte) {
	m.t.Helper()
	nonce, err := m.Client().PendingNonceAt(context.Background(), m.owner)
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
func (m *treasury) sends(calls ...airdrop.ContractCall) {
	m.t.Helper()
	for _, c := range calls {
		to := common.Address(c.To)
		m.send(&to, common.FromHex(c.Data))
		m.Commit()
	}
}

// pays is a transfer of whole tokens.
func (m *treasury) pays(to wallet.Address, tokens int64) airdrop.ContractCall {
	amount := new(big.Int).Mul(big.NewInt(tokens), big.NewInt(1e18))
	return airdrop.ContractCall{To: wallet.Address(m.token), Data: fmt.Sprintf("0xa9059cbb%064x%064x", to[:], amount)}
}

func (m *treasury) has(account common.Address) *big.Int {
	m.t.Helper()
	out, err := m.Client().CallContract(context.Background(), ethereum.CallMsg{To: &m.token, Data: append([]byte{0x70, 0xa0, 0x82, 0x31}, common.LeftPadBytes(account[:], 32)...)}, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return new(big.Int).SetBytes(out)
}

const holderCount = 9

// holderOf is the wallet that the treasury has sent n tokens.
func holderOf(n int) wallet.Address { return wallet.MustParse(fmt.Sprintf("0x%040x", 7_000_000_000+n)) }

// campaignOfChain begins a campaign of members of a list, holders of the token, and who
// called it.
func (p *process) campaignOfChain(token string, m *treasury, members []byte) (at string) {
	p.t.Helper()
	first := m.Ethereum().BlockChain().CurrentBlock().Number.Uint64()
	for n := 1; n <= holderCount; n++ {
		m.sends(m.pays(holderOf(n), int64(n)))
	}
	for m.Ethereum().BlockChain().CurrentBlock().Number.Uint64() < 330 {
		m.Commit()
	}
	draft := draftOf("killed in each step")
	draft.Format = merkle.OZIndexed
	body, err := json.Marshal(draft)
	if err != nil {
		p.t.Fatal(err)
	}
	var c airdrop.Campaign
	p.must("POST", "/api/v1/airdrop/campaigns", token, bytes.NewReader(body), &c)
	at = "/api/v1/airdrop/campaigns/" + c.ID
	body, err = json.Marshal(airdrop.RulesDraft{Rules: fmt.Sprintf(`
version: 1
decimals: 18
sources:
  members: {kind: list, values: {points: 0}}
  holders: {kind: holders, chain: %[1]d, token: %[2]s, block: 250}
  called: {kind: callers, chain: %[1]d, to: %[2]s, from: %[4]d, block: 250}
deny: [{wallet: %[3]s, reason: the treasury}]
allocation:
  - {name: points, to: members, each: 1, times: [{value: members}]}
  - {name: holders, to: holders, each: 1, times: [{value: holders}]}
  - {name: calls, to: called, each: 1, times: [{value: called}]}
`, devchain.ID, m.token.Hex(), m.owner.Hex(), first)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.must("PUT", at+"/rules", token, bytes.NewReader(body), nil)
	p.must("PUT", at+"/inputs/members", token, bytes.NewReader(members), nil)
	p.must("POST", at+"/collect", token, nil, nil)
	return at
}

// rootOfCampaign is the root that the campaign must have, without the program.
func rootOfCampaign(t *testing.T) (root merkle.Hash, total uint256.Int) {
	t.Helper()
	type row struct {
		wallet wallet.Address
		tokens uint64
	}
	var rows []row
	for i := range 30_000 { // as manyMembers has them
		rows = append(rows, row{wallet.MustParse(fmt.Sprintf("0x%040x", 1_000_003*(i+1))), uint64(i%977 + 1)})
	}
	for n := 1; n <= holderCount; n++ {
		rows = append(rows, row{holderOf(n), uint64(n)})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(string(a.wallet[:]), string(b.wallet[:])) })
	list := merkle.NewList()
	for _, r := range rows {
		amount := new(uint256.Int).Mul(uint256.NewInt(r.tokens), uint256.NewInt(1e18))
		total.Add(&total, amount)
		if err := list.Append(r.wallet, *amount); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := merkle.Build(t.Context(), merkle.OZIndexed, list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree.Root(), total
}

// A campaign on a chain whose program is killed in each of its steps: while the chain is
// read, with the preview, while the tree is built, and as it is funded, claimed from, ended
// and swept. It has the root that it would have had, and what went in is what was claimed
// and what was swept, to the unit.
func TestACampaignOnAChainSurvivesKillInEachStep(t *testing.T) {
	members := manyMembers()
	root, total := rootOfCampaign(t)
	eachPlace(t, func(t *testing.T, p place) {
		m := newTreasury(t)
		env := []string{fmt.Sprintf("BANYAN_CHAIN_NODES=%d %s", devchain.ID, m.URL()), "BANYAN_CHAIN_PRIVATE=true"}
		token := p.token(t)
		start := func() *process { return p.start(t, env, "--listen", "127.0.0.1:0") }
		server := start()
		at := server.campaignOfChain(token, m, members)
		killed := make(map[string]bool) // in which steps
		kill := func(step string) {
			killed[step] = true
			server.kill()
			server = start()
		}
		// works kills the program in stages of its work, until the campaign is in a phase.
		works := func(step, phase string) {
			seen := make(map[string]bool)
			for deadline := time.Now().Add(time.Minute); ; {
				var c airdrop.Course
				server.must("GET", at+"/course", token, nil, &c)
				stage, _, _ := strings.Cut(c.Stage, ",")
				switch {
				case c.Phase == phase && !c.Working:
					return
				case time.Now().After(deadline), c.Phase == airdrop.Draft && !c.Working:
					for line := range strings.Lines(server.logged()) {
						if strings.Contains(line, "ERROR") || strings.Contains(line, "WARN") {
							t.Log(line)
						}
					}
					t.Fatalf("the campaign stays %+v", c)
				case c.Working && !seen[stage] && len(seen) < 4: // a job is begun five times at most
					seen[stage] = true
					kill(step)
				}
			}
		}
		works("collecting", airdrop.Previewed)
		kill("preview")
		var shown airdrop.CoursePreview
		server.must("GET", at+"/preview", token, nil, &shown)
		if shown.Preview.Total != total {
			t.Errorf("the preview has %s, want %s", shown.Preview.Total.Dec(), total.Dec())
		}
		freeze := make(chan struct{})
		go func(url string) { // its answer may be lost with the program
			defer close(freeze)
			_, _, _ = callOnce(t.Context(), "POST", url+at+"/freeze", token, "", strings.NewReader(fmt.Sprintf(`{"preview":%d}`, shown.Number)), nil)
		}(server.url)
		works("freezing", airdrop.Frozen)
		<-freeze
		var c airdrop.Campaign
		server.must("GET", at, "", nil, &c)
		if c.Root == nil || *c.Root != root || c.Total != total {
			t.Fatalf("the campaign is %+v, want the root %s", c, root)
		}

		plan, err := json.Marshal(airdrop.DistributorPlan{Chain: devchain.ID, Token: wallet.Address(m.token), Owner: wallet.Address(m.owner), EndMS: int64(m.Ethereum().BlockChain().CurrentBlock().Time)*1000 + time.Hour.Milliseconds()})
		if err != nil {
			t.Fatal(err)
		}
		var planned airdrop.PlannedDistributor
		server.must("POST", at+"/distributor/plan", token, bytes.NewReader(plan), &planned)
		m.sends(planned.Calls[0])
		follow, err := json.Marshal(airdrop.DistributorToFollow{Chain: devchain.ID, Address: planned.Address, FirstBlock: m.Ethereum().BlockChain().CurrentBlock().Number.Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		server.must("PUT", at+"/distributor", token, bytes.NewReader(follow), nil)
		comes := func(what string, is func(airdrop.Distributor, airdrop.Course) bool) (d airdrop.Distributor) {
			t.Helper()
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				var c airdrop.Course
				server.must("GET", at+"/course", token, nil, &c)
				d = airdrop.Distributor{}
				server.must("GET", at+"/distributor", "", nil, &d) // after the phase that it explains
				if is(d, c) {
					return d
				}
				if time.Now().After(deadline) {
					t.Fatalf("the campaign does not become %s: %+v, %+v", what, c, d)
				}
			}
		}
		before := m.has(m.owner)
		m.sends(planned.Calls[1:]...)
		kill("funding")
		comes("live", func(_ airdrop.Distributor, c airdrop.Course) bool { return c.Phase == airdrop.Opened })

		for n := 1; n <= holderCount; n++ {
			var claim airdrop.ClaimCall
			server.must("GET", at+"/claims/"+holderOf(n).String()+"/call", "", nil, &claim)
			m.sends(airdrop.ContractCall{To: claim.To, Data: claim.Data})
			if n == holderCount/2 {
				kill("live")
			}
		}
		d := comes("claimed", func(d airdrop.Distributor, _ airdrop.Course) bool { return d.ClaimedRows == holderCount })
		claimed := d.Claimed
		if err := m.Beacon().AdjustTime(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
		kill("ending")
		comes("ended", func(_ airdrop.Distributor, c airdrop.Course) bool { return c.Phase == airdrop.Finished })
		m.sends(airdrop.ContractCall{To: planned.Address, Data: "0x3ccfd60b"}) // withdraw()
		kill("sweeping")
		d = comes("swept", func(_ airdrop.Distributor, c airdrop.Course) bool { return c.Phase == airdrop.Swept })

		for _, step := range []string{"collecting", "preview", "freezing", "funding", "live", "ending", "sweeping"} {
			if !killed[step] {
				t.Errorf("the program was not killed in the step %s", step)
			}
		}
		if want := uint256.NewInt(holderCount * (holderCount + 1) / 2); !claimed.Eq(want.Mul(want, uint256.NewInt(1e18))) || d.Claimed != claimed || len(d.Reached) != 4 {
			t.Fatalf("%s were claimed, want %s; reached %+v", claimed.Dec(), want.Dec(), d.Reached)
		}
		swept := new(uint256.Int).Sub(&d.Reached[2].Balance, &d.Reached[3].Balance)
		if in := new(uint256.Int).Add(&claimed, swept); *in != total {
			t.Errorf("%s were claimed and %s swept of %s", claimed.Dec(), swept.Dec(), total.Dec())
		}
		if lost := new(big.Int).Sub(before, m.has(m.owner)); lost.Cmp(claimed.ToBig()) != 0 || m.has(common.Address(planned.Address)).Sign() != 0 {
			t.Errorf("the treasury has paid %s, and the page says %s", lost, claimed.Dec())
		}
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
}
