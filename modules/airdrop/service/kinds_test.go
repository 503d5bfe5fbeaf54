//go:build devchain

package service_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/chain/devchain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/chaintest"
)

// published plans, sends and follows a distributor.
func (w *fixture) published(t *testing.T, m *team, plan airdrop.DistributorPlan) airdrop.PlannedDistributor {
	t.Helper()
	planned := must(w.PlanDistributor(operator, plan))(t)
	m.sends(planned.Calls...)
	must(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: plan.ID, Chain: devchain.ID, Address: planned.Address}))(t)
	return planned
}

func (w *fixture) unclaimed(t *testing.T, id string) string {
	t.Helper()
	var text bytes.Buffer
	if err := must(w.Unclaimed(operator, airdrop.CampaignQuery{ID: id}))(t).Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// A campaign that is paid little by little is planned, published and followed; what is
// due now is what the contract pays, and what is left is listed.
func TestACampaignIsPaidLittleByLittle(t *testing.T) {
	m := newTeam(t, 18)
	past := func() time.Time { return time.UnixMilli(1_000_000_000_000) } // the chain's clock is ahead of it
	eachWayWith(t, service.Options{Chains: openChain(t, m), Clock: past}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), fmt.Sprintf("address,amount\n%s,1000\n%s,500\n", numbered(1), numbered(2)))
		plan := m.plan(c.ID)
		start := m.nowMS() + 1000_000
		plan.EndMS = start + 10_000_000
		plan.Vesting = &airdrop.Vesting{StartMS: start, CliffMS: 100_000, DurationMS: 1000_000}
		wrong := plan
		wrong.EndMS = start + 1000_000
		refused(w.PlanDistributor(operator, wrong))(t, fault.Invalid)
		w.published(t, m, plan)
		stop := w.reading(t)
		d := w.becomes(t, c.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		if d.Kind != airdrop.VestingKind || d.Vesting == nil || *d.Vesting != *plan.Vesting {
			t.Errorf("followed as %+v %+v", d, d.Vesting)
		}
		ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}
		if call := must(w.ClaimCall(anybody, ask))(t); call.State != airdrop.ClaimWaiting || !call.Due.IsZero() {
			t.Errorf("before the start: %+v", call)
		}
		stop()
		chaintest.Pass(t, m.Chain, 1500*time.Second) // about half of it
		stop = w.reading(t)
		w.becomes(t, c.ID, "half vested", func(d airdrop.Distributor) bool { return d.ReadToMS == m.nowMS() })
		call := must(w.ClaimCall(anybody, ask))(t)
		if call.State != airdrop.ClaimOpen || call.Due.Uint64() < 400 || call.Due.Uint64() > 600 || call.Amount.Uint64() != 1000 {
			t.Errorf("in the middle: %+v", call)
		}
		stop()
		m.sends(airdrop.ContractCall{To: call.To, Data: call.Data})
		w.reading(t)
		d = w.becomes(t, c.ID, "claimed once", func(d airdrop.Distributor) bool { return d.ClaimedRows == 1 })
		if over := new(uint256.Int).Sub(&d.Claimed, &call.Due); over.Uint64() > 10 { // a block may be some seconds later
			t.Errorf("%s were due, and %s paid", call.Due.Dec(), d.Claimed.Dec())
		}
		again := must(w.ClaimCall(anybody, ask))(t)
		if again.Paid != d.Claimed || again.State == airdrop.ClaimDone || again.State == airdrop.ClaimPending {
			t.Errorf("after a part was claimed: %+v", again)
		}
		left := new(uint256.Int).Sub(uint256.NewInt(1000), &d.Claimed)
		if text := w.unclaimed(t, c.ID); !strings.Contains(text, fmt.Sprintf("0,%s,%s\n", numbered(1), left.Dec())) || !strings.Contains(text, numbered(2).String()+",500\n") {
			t.Errorf("unclaimed are %s", text)
		}
	})
}

// A second round is paid from the contract of the first: its root holds after the delay,
// it needs only what is new, and accounts get what they have not got before.
func TestRoundsAreFollowed(t *testing.T) {
	m := newTeam(t, 18)
	eachWayWith(t, service.Options{Chains: openChain(t, m)}, func(t *testing.T, w *fixture) {
		list := func(amounts ...int) string {
			text := "address,amount\n"
			for i, a := range amounts {
				text += fmt.Sprintf("%s,%d\n", numbered(i+1), a)
			}
			return text
		}
		first := w.built(t, draft(merkle.Cumulative), list(100, 200))
		plan := m.plan(first.ID)
		plan.DelayMS = 3600_000
		planned := w.published(t, m, plan)
		stop := w.reading(t)
		if d := w.becomes(t, first.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live }); d.Kind != airdrop.CumulativeKind {
			t.Errorf("followed as %+v", d)
		}
		claim := func(id string, n int) airdrop.ClaimCall {
			call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: id, Wallet: numbered(n)}))(t)
			m.sends(airdrop.ContractCall{To: call.To, Data: call.Data})
			return call
		}
		stop()
		claim(first.ID, 1)
		stop = w.reading(t)
		w.becomes(t, first.ID, "claimed once", func(d airdrop.Distributor) bool { return d.Claimed.Uint64() == 100 })
		if call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: first.ID, Wallet: numbered(1)}))(t); call.State != airdrop.ClaimPending {
			t.Errorf("after its claim: %+v", call)
		}
		if text := w.unclaimed(t, first.ID); strings.Contains(text, numbered(1).String()) || !strings.Contains(text, numbered(2).String()+",200\n") {
			t.Errorf("unclaimed are %s", text)
		}
		stop()

		second := w.built(t, draft(merkle.Cumulative), list(150, 250, 70))
		next := m.plan(second.ID)
		next.Contract = numbered(9)
		refused(w.PlanDistributor(operator, next))(t, fault.Conflict)
		next.Contract = planned.Address
		round := w.published(t, m, next)
		if round.Address != planned.Address || len(round.Calls) != 3 || !strings.HasSuffix(round.Calls[1].Data, fmt.Sprintf("%064x", 170)) {
			t.Errorf("the next round is %+v", round)
		}
		stop = w.reading(t)
		w.becomes(t, second.ID, airdrop.Waiting, func(d airdrop.Distributor) bool { return d.State == airdrop.Waiting })
		if call := must(w.ClaimCall(anybody, airdrop.ClaimQuery{ID: second.ID, Wallet: numbered(1)}))(t); call.State != airdrop.ClaimWaiting || call.Due.Uint64() != 50 {
			t.Errorf("before the root holds: %+v", call)
		}
		stop()
		chaintest.Pass(t, m.Chain, 2*time.Hour)
		stop = w.reading(t)
		w.becomes(t, second.ID, airdrop.Live, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
		w.becomes(t, first.ID, airdrop.Ended, func(d airdrop.Distributor) bool { return d.State == airdrop.Ended })
		stop()
		for n := 1; n <= 3; n++ {
			if call := claim(second.ID, n); call.Due.Uint64() != []uint64{50, 250, 70}[n-1] {
				t.Errorf("account %d is due %s", n, call.Due.Dec())
			}
		}
		w.reading(t)
		d := w.becomes(t, second.ID, "claimed by all", func(d airdrop.Distributor) bool { return d.ClaimedRows == 4 })
		if d.Claimed != second.Total || !d.Remaining.IsZero() || !d.Balance.IsZero() {
			t.Errorf("at the end: %+v", d)
		}
		if text := w.unclaimed(t, second.ID); strings.Count(text, "\n") != 1 {
			t.Errorf("unclaimed are %s", text)
		}
	})
}
