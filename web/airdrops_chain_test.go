package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/web/webtest"
)

// An operator plans the transactions, names the contract, and then everybody sees the
// claims and may claim for a wallet.
func TestACampaignIsPaidOnAChain(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	v.form("/operator/campaigns", url.Values{"name": {"On a chain"}, "symbol": {"BNY"}, "decimals": {"18"}, "format": {"oz-indexed"}})
	who := "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	v.upload("/operator/campaigns/c5/list", v.csrf(), who+",2500000000000000000\n")
	v.form("/operator/campaigns/c5/build", url.Values{"sure": {askedToBuild(t, v, "2.5 BNY")}})
	page := v.get("/airdrops/c5?wallet="+who, 200)
	contains(t, page, "Pay it on a chain", `data-verdict="eligible"`)
	if strings.Contains(page, "data-claim-button") {
		t.Error("there is a button to claim before there is a contract")
	}

	status, page := v.form("/operator/campaigns/c5/plan", url.Values{"chain": {"x"}, "token": {who}, "owner": {"nobody"}, "end": {"2099-01-31"}})
	if status != http.StatusBadRequest {
		t.Errorf("a wrong plan: %d", status)
	}
	contains(t, page, "is the number of a chain", `value="`+who+`"`, `value="2099-01-31"`)
	plan := url.Values{"chain": {"10"}, "token": {who}, "owner": {who}, "end": {"2099-01-31"}}
	if status, page = v.form("/operator/campaigns/c5/plan", plan); status != 200 {
		t.Errorf("a plan: %d", status)
	}
	contains(t, page, "Transactions for chain 10", "Deploy the distributor", `value="`+webtest.Distributed.String()+`"`)
	plan.Set("as", "safe")
	if status, page = v.form("/operator/campaigns/c5/plan", plan); status != 200 || page != `{"version":"1.0"}` {
		t.Errorf("the batch for Safe: %d %s", status, page)
	}

	v.form("/operator/campaigns/c5/distributor", url.Values{"chain": {"10"}, "address": {webtest.Distributed.String()}})
	contains(t, v.get("/airdrops/c5", 200), "Download who has not claimed")
	contains(t, v.get("/airdrops/c5", 200), "The largest of 3 unclaimed", webtest.SampleWallet(4).Short())
	member := newVisitor(t, s)
	// The end is in about twelve days: one reminder is due, of what is left, and one of a
	// wallet that has not claimed.
	contains(t, member.get("/airdrops/c5/reminders.atom", 200), "<title>On a chain: claims end in 30 days</title>", "2.5 BNY of 2.5 are unclaimed", `<link rel="self"`, "On a chain: Claims are open")
	contains(t, member.get("/airdrops/c5/reminders.json?wallet="+who, 200), who+" has 2.5 BNY to claim", `reminders.json?wallet=`+who)
	if feed := member.get("/airdrops/c5/reminders.json?wallet="+webtest.Distributed.String(), 200); strings.Contains(feed, "claims end") {
		t.Errorf("who has nothing to claim is reminded: %s", feed)
	}
	member.get("/airdrops/c1/reminders.atom", http.StatusNotFound)
	page = member.get("/airdrops/c5?wallet="+who, 200)
	if strings.Contains(page, "The largest of") {
		t.Error("a member sees the largest unclaimed")
	}
	contains(t, page, `<h2 id="claims-title">Claims</h2>`, "0 BNY", `data-claim-button`, `data-chain="10"`, `data-to="`+webtest.Distributed.String()+`"`)
	if strings.Contains(page, "Pay it on a chain") || strings.Contains(page, "Download who has not claimed") {
		t.Error("a member sees the operator's forms")
	}
	for _, path := range []string{"plan", "distributor"} {
		member.signIn(webtest.Key(t, "a member"))
		if status, _ := member.form("/operator/campaigns/c5/"+path, plan); status != http.StatusForbidden {
			t.Errorf("a member may %s: %d", path, status)
		}
	}
}
