package web_test

import (
	"net/http"
	"strings"
	"testing"

	"banyan/web/webtest"
)

func TestWhatIsSaidOfAWalletIsListed(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	about := webtest.SampleWallet(3).String()
	contains(t, visitor.get("/wallets/"+about, 200), "trusts it (&#43;8) with code", "Asked me for my seed phrase.", "taken back", "Sign in to say whether you trust it")
	contains(t, visitor.get("/wallets/"+about+"/statements", 200), "distrusts it (−5)", `data-state="revoked"`, "attestations/export?subject="+about)
	contains(t, visitor.get("/wallets/"+about+"/statements?direction=out", 200), "vouches for it", "attestations/export?attester="+about)
	evidence := visitor.get("/wallets/"+about+"/evidence", 200)
	contains(t, evidence, "signed trust", "0x0100000000000000000000000000000000000000000000000000000000000000")
	if strings.Contains(evidence, "0x0300000000") {
		t.Error("what was taken back is shown as what counts")
	}
	contains(t, visitor.get("/wallets/"+about+"/activity", 200), "4 points", "at most 3 of a day count", "0190c0de-0000-7000-8000-000000000001")
	for _, page := range []string{"statements", "evidence", "activity"} {
		contains(t, visitor.get("/wallets/0x12/"+page, http.StatusNotFound), "not a wallet address")
	}
}

func TestAWalletsPageTellsWhatChangedItsScoreAndWhatWould(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	page := visitor.get("/wallets/"+webtest.SampleWallet(3).String(), http.StatusOK)
	contains(t, page, `aria-label="Score `, "The score went from 0 to 560 in 5 changes", `data-change="12"`, "</a> expired</li>", "</a> was taken back</li>",
		"is another part of the whole, because others say more or less", "about &#43;8.2</b>: a vouch by", "about −11.8</b>: that the statement expires of",
		"All changes as a table", "provisional</span> Statements since this epoch make it about <b>910</b>", "it trusts", "the lists have all of it in words", `<rect class="fill-bark" x=`)
	contains(t, page, "What it is trusted with", `?context=code">code</a>`, "distrusted</td>")
	board := visitor.get("/reputation?context=code", http.StatusOK)
	contains(t, board, "Trusted with code", `aria-current="page">code`, "700</td>")
	contains(t, visitor.get("/reputation", http.StatusOK), `aria-current="page">All trust`, `?context=trading`)
	if strings.Contains(page, "NaN") {
		t.Error("a chart has a number that is none")
	}
}

func TestSeedsAndListsAreForOperators(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	visitor.get("/operator/imports/otc/2", http.StatusUnauthorized)
	for _, path := range []string{"/operator/seeds", "/operator/imports", "/operator/schedule"} {
		contains(t, visitor.get(path, http.StatusOK), "Sign in") // followed the redirect
	}
}
