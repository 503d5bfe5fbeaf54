//go:build devchain

package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

// has is what an account has of the team's token.
func (m *team) has(t *testing.T, account common.Address) *big.Int {
	t.Helper()
	chains := openChain(t, m)
	out, err := chains.Call(t.Context(), devchain.ID, wallet.Address(m.token), append(common.FromHex("0x70a08231000000000000000000000000"), account[:]...))
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(out)
}

func openChain(t *testing.T, m *team) *chain.Chains {
	t.Helper()
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Gas: 10_000_000, Nodes: []chain.Node{{ChainID: devchain.ID, URL: m.URL()}}}, slog.New(slog.DiscardHandler))
	t.Cleanup(chains.Close)
	return chains
}

// nowMS is the time of the newest block.
func (m *team) nowMS() int64 { return int64(m.Ethereum().BlockChain().CurrentBlock().Time) * 1000 }

// reading reads the claims until stop, which waits for its end, as a process does.
func (w *fixture) reading(t *testing.T) (stop func()) {
	t.Helper()
	reader := service.NewClaimReader(w.options)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- reader.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// comesTo waits until the chain has moved a campaign to a phase.
func (w *fixture) comesTo(t *testing.T, id, phase string) airdrop.Distributor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if c := must(w.Course(anybody, airdrop.CourseQuery{ID: id}))(t); c.Phase == phase {
			return must(w.Distributor(anybody, airdrop.CampaignQuery{ID: id}))(t)
		} else if err := periodic.Sleep(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("the campaign stays %s and does not become %s: %+v", c.Phase, phase, must(w.Distributor(anybody, airdrop.CampaignQuery{ID: id}))(t))
		}
	}
}

const flatRules = `
version: 1
decimals: 18
sources:
  members: {kind: list, values: {points: 0}}
eligible: members
allocation:
  - {name: points, to: members, budget: 1000.000000000000000007, times: [{value: members}]}
`

// frozenOn freezes a campaign of six wallets whose list a distributor can pay.
func (w *fixture) frozenOn(t *testing.T) airdrop.Campaign {
	t.Helper()
	c := w.drafted(t, draft(merkle.OZIndexed))
	must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: flatRules}))(t)
	must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(memberList(6))}))(t)
	must(w.Collect(operator, airdrop.CourseChange{ID: c.ID}))(t)
	number := w.reaches(t, c.ID, airdrop.Previewed).Preview
	must(w.Freeze(operator, airdrop.FreezeRequest{ID: c.ID, Preview: number}))(t)
	w.reaches(t, c.ID, airdrop.Frozen)
	return must(w.Campaign(anybody, airdrop.CampaignQuery{ID: c.ID}))(t)
}

// A campaign goes from a draft to the sweep as its chain shows it, through
// reorganisations, with a new process in each step and a wrong clock: what went into the
// contract is what was claimed and what was swept, to the unit.
func TestAChainMovesACampaignToTheSweep(t *testing.T) {
	m := newTeam(t, 18)
	slow := func() time.Time { return time.Now().Add(-30 * 24 * time.Hour) }
	eachWayWith(t, service.Options{Chains: openChain(t, m), Clock: slow}, func(t *testing.T, w *fixture) {
		stopWork := w.work(t)
		c := w.frozenOn(t)
		stopWork()
		stop := func() {}
		meanwhile := func(does func()) { // the process ends, and another goes on
			stop()
			does()
			stop = w.reading(t)
		}
		plan := m.plan(c.ID)
		plan.EndMS = m.nowMS() + time.Hour.Milliseconds()
		planned := must(w.PlanDistributor(operator, plan))(t)
		m.sends(planned.Calls[0])
		must(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: c.ID, Chain: devchain.ID, Address: planned.Address}))(t)
		meanwhile(func() {})
		d := w.becomes(t, c.ID, airdrop.Short, func(d airdrop.Distributor) bool { return d.State == airdrop.Short })
		if len(d.Reached) != 0 {
			t.Errorf("without tokens it has reached %+v", d.Reached)
		}
		before := m.has(t, m.wallet)
		meanwhile(func() { m.sends(planned.Calls[1:]...) })
		d = w.comesTo(t, c.ID, airdrop.Opened)
		if len(d.Reached) != 2 || d.Reached[0].Phase != airdrop.Funded || d.Reached[0].Balance != c.Total || d.Reached[1].Block != d.ReadTo || d.Reached[0].TimeMS != m.nowMS() || len(d.Reached[0].Hash) != 66 {
			t.Errorf("funded and open: %+v", d.Reached)
		}
		if course := must(w.Course(anybody, airdrop.CourseQuery{ID: c.ID}))(t); !strings.Contains(course.Reason, fmt.Sprintf("in block %d", d.ReadTo)) {
			t.Errorf("the reason is %q", course.Reason)
		}

		meanwhile(func() { chaintest.Reorganise(t, m.Chain, 2, func() {}) }) // takes the funding back
		d = w.comesTo(t, c.ID, airdrop.Frozen)
		if d.State != airdrop.Short || len(d.Reached) != 0 {
			t.Errorf("after the funding was taken back: %s, %+v", d.State, d.Reached)
		}
		meanwhile(func() { m.sends(planned.Calls[1:]...) })
		w.comesTo(t, c.ID, airdrop.Opened)

		claim := func(n int) {
			call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(n)}))(t)
			if call.State != airdrop.ClaimOpen {
				t.Fatalf("wallet %d cannot claim: %+v", n, call)
			}
			m.sends(airdrop.ContractCall{To: call.To, Data: call.Data})
		}
		meanwhile(func() { claim(0); claim(1) })
		w.becomes(t, c.ID, "claimed twice", func(d airdrop.Distributor) bool { return d.ClaimedRows == 2 })
		meanwhile(func() { chaintest.Reorganise(t, m.Chain, 1, func() {}) }) // takes the second back
		w.becomes(t, c.ID, "claimed once", func(d airdrop.Distributor) bool { return d.ClaimedRows == 1 })
		meanwhile(func() { claim(2) })
		d = w.becomes(t, c.ID, "claimed twice", func(d airdrop.Distributor) bool { return d.ClaimedRows == 2 })
		claimed := d.Claimed
		meanwhile(func() { chaintest.Pass(t, m.Chain, 2*time.Hour) })
		d = w.comesTo(t, c.ID, airdrop.Finished)
		if d.State != airdrop.Ended || len(d.Reached) != 3 || d.Reached[2].TimeMS < plan.EndMS || d.Reached[2].Claimed != claimed {
			t.Errorf("ended: %+v", d)
		}
		if call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}))(t); call.State != airdrop.ClaimClosed {
			t.Errorf("after the end a claim is %+v", call)
		}
		meanwhile(func() { m.sends(airdrop.ContractCall{To: planned.Address, Data: "0x3ccfd60b"}) }) // withdraw()
		d = w.comesTo(t, c.ID, airdrop.Swept)
		swept := new(uint256.Int).Sub(&d.Reached[2].Balance, &d.Reached[3].Balance)
		if in := new(uint256.Int).Add(&claimed, swept); *in != c.Total {
			t.Errorf("%s were claimed and %s swept of %s", claimed.Dec(), swept.Dec(), c.Total.Dec())
		}
		if lost := new(big.Int).Sub(before, m.has(t, m.wallet)); lost.Cmp(claimed.ToBig()) != 0 || m.has(t, common.Address(planned.Address)).Sign() != 0 {
			t.Errorf("the team has paid %s, and the page says %s", lost, claimed.Dec())
		}
		meanwhile(func() {
			for range 40 { // the chain's own rule makes every 32nd block final
				m.Commit()
			}
		})
		w.becomes(t, c.ID, "final", func(d airdrop.Distributor) bool { return len(d.Reached) == 4 && d.Reached[3].Final })
		refused(w.Cancel(operator, airdrop.PhaseChange{ID: c.ID, Reason: "too late"}))(t, fault.Conflict)
	})
}

// What a plan would do wrong is said before anything is sent.
func TestAPlanLooksAtTheToken(t *testing.T) {
	m := newTeam(t, 6)
	eachWayWith(t, service.Options{Chains: openChain(t, m)}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), small(5)) // 18 decimals
		plan := m.plan(c.ID)
		if f := refused(w.PlanDistributor(operator, plan))(t, fault.Conflict); !strings.Contains(f.Message, "6 decimals, and the campaign 18") {
			t.Errorf("other decimals: %v", f)
		}
		plan.Token = numbered(1)
		if f := refused(w.PlanDistributor(operator, plan))(t, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Name != "token" {
			t.Errorf("no token: %+v", f)
		}
		six := draft(merkle.OZIndexed)
		six.Decimals = 6
		plan = m.plan(w.built(t, six, small(6)).ID)
		if p := must(w.PlanDistributor(operator, plan))(t); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], `"DEMO"`) {
			t.Errorf("another symbol: %q", p.Notes)
		}
		six.Symbol = "demo"
		plan.ID = w.built(t, six, small(7)).ID
		if p := must(w.PlanDistributor(operator, plan))(t); len(p.Notes) != 0 {
			t.Errorf("the right token: %q", p.Notes)
		}
		plan.Chain = 5
		if p := must(w.PlanDistributor(operator, plan))(t); len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "was not looked at") {
			t.Errorf("an unknown chain: %q", p.Notes)
		}
	})
}
