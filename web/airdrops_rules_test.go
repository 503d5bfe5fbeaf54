package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/web/webtest"
)

// An operator writes rules with the form, makes a preview, freezes it and ends it.
func TestOperatorsTakeACampaignThroughItsPhases(t *testing.T) {
	s := webtest.Full(t)
	lorenz := make([]int, 101)
	for i := range lorenz {
		lorenz[i] = i * i * 100
	}
	s.Airdrop.Previewed = airdrop.Preview{
		Wallets: 10, Count: 6, Total: *uint256.NewInt(3316), GiniPPM: 412_345, LorenzPPM: lorenz,
		Histogram: []airdrop.Bin{{From: *uint256.NewInt(100), To: *uint256.NewInt(200), Count: 4}, {From: *uint256.NewInt(200), To: *uint256.NewInt(500), Count: 2}},
		LeftOut:   []airdrop.LeftOut{{Reason: "one of <many> wallets", Count: 4}},
	}
	c, err := s.Airdrop.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "By rules", Format: merkle.OZ, Symbol: "BAN", Decimals: 2})
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, s)
	v.get("/airdrops/"+c.ID+"/rules", http.StatusNotFound) // a draft, for a visitor
	v.signIn(s.Operator)
	form := url.Values{"compose": {"yes"}, "members": {"yes"}, "score": {"500"}, "together": {"any"}, "share": {"budget"}, "amount": {"1000"}, "by": {"flat"}, "cap": {"50"}, "clusters": {"yes"}}
	_, page := v.form("/operator/campaigns/"+c.ID+"/rules/compose", form)
	contains(t, page, "trusted.score &gt;= 500", "budget: 1000", "cap: 50", "kind: sybils")
	form = url.Values{"rules": {"version: 1\n"}}
	page = v.done("/operator/campaigns/"+c.ID+"/rules", form)
	contains(t, page, "The rules are kept", "members", "missing", "is collected")
	page = v.done("/operator/campaigns/"+c.ID+"/collect", url.Values{})
	contains(t, page, "Preview 1", "33.16 BAN", "0.412", `aria-label="Lorenz curve: the poorest 50 % get 25.0 %; the poorest 90 % get 81.0 %."`, "1 to 2", "one of &lt;many&gt; wallets", "Freeze preview 1")
	page = v.done("/operator/campaigns/"+c.ID+"/freeze", url.Values{"preview": {"1"}})
	contains(t, page, "frozen", "It is funded")
	page = v.done("/operator/campaigns/"+c.ID+"/advance", url.Values{"phase": {"funded"}, "reason": {"the distributor has 33.16 BAN"}})
	contains(t, page, "It is live", "The distributor has 33.16 BAN")
	page = v.done("/operator/campaigns/"+c.ID+"/cancel", url.Values{"reason": {"the token is not launched"}})
	contains(t, page, "cancelled", "The token is not launched")
	if strings.Contains(page, "Cancel the campaign") {
		t.Error("a cancelled campaign can be cancelled again")
	}
}

// Whatever is typed into the form is one value.
func TestTheFormWritesRules(t *testing.T) {
	s := webtest.Full(t)
	c, err := s.Airdrop.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "By rules", Format: merkle.OZ, Symbol: "BAN", Decimals: 2})
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	composed := func(form url.Values) string {
		form.Set("compose", "yes")
		_, page := v.form("/operator/campaigns/"+c.ID+"/rules/compose", form)
		_, text, _ := strings.Cut(page, `aria-describedby="rules-hint">`)
		text, _, _ = strings.Cut(text, "</textarea>")
		return strings.NewReplacer("&gt;", ">", "&lt;", "<", "&#39;", "'", "&#34;", `"`, "&amp;", "&", "&#43;", "+").Replace(text)
	}
	whole := composed(url.Values{"balance": {"10"}, "score": {"500"}, "reviews": {"1"}, "vouches": {"2"}, "together": {"all"}, "clusters": {"yes"}, "share": {"budget"}, "amount": {"1000"}, "by": {"sqrt"}, "floor": {"1"}, "cap": {"50"}})
	want := `version: 1
decimals: 2
sources:
  holders: {kind: holders, file: balances.csv}
  trusted: {kind: reputation}
  reviewers: {kind: reviews}
  vouched: {kind: attestations, of: vouch}
  clusters: {kind: sybils, file: clusters.csv}
eligible:
  all: [holders >= 10, trusted.score >= 500, reviewers >= 1, vouched >= 2]
deny:
  - {source: clusters, reason: probably one of many wallets of one person}
allocation:
  - name: everybody
    budget: 1000
    times: [{sqrt: holders}]
    floor: 1
    cap: 50
`
	if whole != want {
		t.Errorf("the form writes\n%s\nwant\n%s", whole, want)
	}
	const contract = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
	onChain := composed(url.Values{"balance": {"1"}, "average": {"2"}, "calls": {"3"}, "chain": {"1"}, "token": {contract}, "contract": {contract}, "from": {"17000000"}, "block": {"17000100"}, "amount": {"1"}, "by": {"flat"}})
	for _, source := range []string{
		"holders: {kind: holders, chain: 1, token: '" + contract + "', block: 17000100}\n",
		"held: {kind: averages, chain: 1, token: '" + contract + "', from: 17000000, block: 17000100}\n",
		"called: {kind: callers, chain: 1, to: '" + contract + "', from: 17000000, block: 17000100}\n",
	} {
		if !strings.Contains(onChain, source) {
			t.Errorf("the form writes\n%s\nwithout %s", onChain, source)
		}
	}
	if files := composed(url.Values{"average": {"2"}, "calls": {"3"}, "amount": {"1"}, "by": {"flat"}}); !strings.Contains(files, "held: {kind: averages, file: averages.csv}") || !strings.Contains(files, "any: [held >= 2, called >= 3]") {
		t.Errorf("without a chain the form writes\n%s", files)
	}
	text := composed(url.Values{"members": {"yes"}, "amount": {"1'\nlimit: 5 # {"}, "by": {"flat"}})
	if !strings.Contains(text, "each: '1'' limit: 5 # {'\n") {
		t.Errorf("what is typed is not one value:\n%s", text)
	}
}
