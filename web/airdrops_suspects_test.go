package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/web/webtest"
)

// Operators see who waits, with the evidence, and decide; a wallet that is left out sees
// why, and when it is signed in it may appeal.
func TestSuspectsAreShownAndDecided(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	v.form("/operator/campaigns", url.Values{"name": {"By rules"}, "symbol": {"BNY"}, "decimals": {"18"}, "format": {"oz"}})
	v.form("/operator/campaigns/c5/rules", url.Values{"rules": {"version: 1"}})
	page := v.get("/airdrops/c5/suspects", 200)
	contains(t, page, "Transfers tie 12 candidates together", "The transfers were ", "Nobody else moves at these minutes", "1 flagged, 1 appeal", "All of cluster 7")
	if strings.Contains(page, "one funder paid all 31") {
		t.Error("who is decided about still waits")
	}
	contains(t, v.get("/airdrops/c5/suspects?state=left_out", 200), "One funder paid all 31")
	who := webtest.SampleWallet(2)
	status, page := v.form("/operator/campaigns/c5/suspects", url.Values{"wallet": {who.String()}, "as": {"paid"}, "reason": {" "}})
	if status != http.StatusBadRequest {
		t.Errorf("without a reason: %d", status)
	}
	contains(t, page, "has 1 to 500 characters")
	if status, _ := v.form("/operator/campaigns/c5/suspects", url.Values{"wallet": {who.String()}, "as": {"paid"}, "reason": {"a family"}}); status != http.StatusOK {
		t.Errorf("decided: %d", status)
	}
	if d := s.Airdrop.Decided[who]; d.As != airdrop.Paid || d.Reason != "a family" {
		t.Errorf("it was decided %+v", d)
	}

	member := newVisitor(t, s)
	page = member.get("/airdrops/c5/appeal?wallet="+webtest.SampleWallet(3).String(), 200)
	contains(t, page, "An airdrop in preparation", `data-state="left_out"`, "One funder paid all 31", "To appeal, sign in with this wallet")
	contains(t, member.get("/airdrops/c5/appeal?wallet="+webtest.SampleWallet(9).String(), 200), "Nothing is held against this wallet")
	contains(t, member.get("/airdrops/c5/appeal?wallet=0x12", 200), "This is not a wallet address")
	if status, _ := member.form("/airdrops/c5/appeal", url.Values{"kind": {"appeal"}, "text": {"I am one person and nobody else."}}); status != http.StatusUnauthorized {
		t.Errorf("nobody may appeal: %d", status)
	}
	member.signIn(webtest.Key(t, "member"))
	contains(t, member.get("/airdrops/c5/appeal", 200), "Report yourself", `data-review`, `/c5/appeal/publish"`)
	for _, path := range []string{"/airdrops/c5/suspects"} {
		member.get(path, http.StatusForbidden)
	}
	if status, _ := member.form("/operator/campaigns/c5/suspects", url.Values{"wallet": {who.String()}, "as": {"paid"}, "reason": {"me"}}); status != http.StatusForbidden {
		t.Errorf("a member decides: %d", status)
	}
}
