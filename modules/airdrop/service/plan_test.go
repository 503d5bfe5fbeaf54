package service_test

import (
	"encoding/json"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

func TestAPlanIsWhatASafeReads(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), three())
		plan := airdrop.DistributorPlan{ID: c.ID, Chain: 10, Token: numbered(50), Owner: numbered(51), EndMS: 4_000_000_000_000}
		p := must(w.PlanDistributor(operator, plan))(t)
		var safe struct {
			Version, ChainID string
			Transactions     []struct {
				To, Value, Data string
			}
		}
		if err := json.Unmarshal([]byte(p.Safe), &safe); err != nil {
			t.Fatal(err)
		}
		if safe.Version != "1.0" || safe.ChainID != "10" || len(safe.Transactions) != 3 {
			t.Fatalf("the batch is %s", p.Safe)
		}
		for i, tx := range safe.Transactions {
			if tx.To != p.Calls[i].To.String() || tx.Value != "0" || tx.Data != p.Calls[i].Data || !strings.HasPrefix(tx.Data, "0x") {
				t.Errorf("transaction %d is %+v", i, tx)
			}
		}
		again := must(w.PlanDistributor(operator, plan))(t)
		plan.Owner = numbered(52)
		other := must(w.PlanDistributor(operator, plan))(t)
		if again.Address != p.Address || other.Address == p.Address {
			t.Errorf("the address %s must follow from what is deployed, and %s", p.Address, other.Address)
		}
	})
}

func TestPlansOutOfRangeAreRefused(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZIndexed), three())
		for name, change := range map[string]func(*airdrop.DistributorPlan){
			"chain":  func(p *airdrop.DistributorPlan) { p.Chain = 0 },
			"token":  func(p *airdrop.DistributorPlan) { p.Token = [20]byte{18: 0x10, 19: 0x10} }, // Polygon's own currency
			"owner":  func(p *airdrop.DistributorPlan) { p.Owner = [20]byte{} },
			"end_ms": func(p *airdrop.DistributorPlan) { p.EndMS = 1_000_000 },
		} {
			p := airdrop.DistributorPlan{ID: c.ID, Chain: 1, Token: numbered(50), Owner: numbered(51), EndMS: 4_000_000_000_000}
			change(&p)
			if f := refused(w.PlanDistributor(operator, p))(t, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Name != name {
				t.Errorf("a bad %s: %v", name, f.Fields)
			}
		}
		listed := w.drafted(t, draft(merkle.OZIndexed))
		refused(w.PlanDistributor(operator, airdrop.DistributorPlan{ID: listed.ID, Chain: 1, Token: numbered(50), Owner: numbered(51), EndMS: 4_000_000_000_000}))(t, fault.Conflict)
		refused(w.FollowDistributor(operator, airdrop.DistributorToFollow{ID: c.ID, Chain: 1, Address: numbered(3)}))(t, fault.Unavailable)
	})
}
