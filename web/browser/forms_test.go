package browser

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/modules/airdrop"
	"banyan/platform/identity"
	"banyan/web/webtest"
)

// endSession ends the session of the tab behind its back.
func endSession(t *testing.T, ctx context.Context) {
	t.Helper()
	status := eval[int](t, ctx, `fetch(document.querySelector("form[action$='sign-out']").action, { method: "POST", redirect: "manual", body: new URLSearchParams({ csrf: document.querySelector("meta[name=csrf]").content }) }).then((r) => r.status)`)
	if status != 0 && status != http.StatusSeeOther { // 0: a redirect that is not followed
		t.Fatalf("the session was not ended: %d", status)
	}
}

// TestASessionThatEndedKeepsWhatWasTyped: an operator types, the session ends, the
// form is sent; after signing in again the same page has the text.
func TestASessionThatEndedKeepsWhatWasTyped(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	do(t, ctx, chromedp.Navigate(site.URL+"/operator"), chromedp.SendKeys(chromedp.CSS("#name"), "Typed with care"), chromedp.SendKeys(chromedp.CSS("#symbol"), "CARE"))
	endSession(t, ctx)
	do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)))
	wait(t, ctx, `document.querySelector("[data-session-ended] [data-kept]:not([hidden])") !== null`)
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-come-back]")), chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="test.wallet"]`)))
	wait(t, ctx, `location.pathname === "/operator" && document.querySelector("#name")?.value === "Typed with care" && document.querySelector("#symbol").value === "CARE"`)
	if said := text(t, ctx, `form[action$="/operator/campaigns"] [role=status]`); !strings.Contains(said, "is filled in") {
		t.Errorf("the form says %q", said)
	}
	// It is filled in once: a form that was taken leaves nothing.
	do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/operator/campaigns"] button`)))
	wait(t, ctx, `location.pathname.startsWith("/airdrops/")`)
	do(t, ctx, chromedp.Navigate(site.URL+"/operator"))
	if left := eval[string](t, ctx, `document.querySelector("#name").value + (sessionStorage.getItem("banyan.sent") ?? "")`); left != "" {
		t.Errorf("after it was sent, %q is left", left)
	}
}

// TestAReviewOutlivesItsSession: the text stays, and is there again after signing in.
func TestAReviewOutlivesItsSession(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, phone)
	signIn(t, ctx, site.URL, &extension{key: webtest.Key(t, "a patient writer")})
	do(t, ctx, chromedp.Navigate(site.URL+"/exchanges/meridian"))
	mark(t, ctx, "4", "3")
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#text"), "A long story"))
	endSession(t, ctx)
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-review] button[type=submit]")), chromedp.Click(chromedp.CSS("[data-sign-in-again]")),
		chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="test.wallet"]`)))
	wait(t, ctx, `location.pathname === "/exchanges/meridian" && document.querySelector("#text")?.value === "A long story" && document.querySelector("input[name=overall]:checked")?.value === "4"`)
}

// TestAnUploadShowsHowFarItIsAndCanBeCancelled while the server takes no more of it.
func TestAnUploadShowsHowFarItIsAndCanBeCancelled(t *testing.T) {
	site := webtest.Full(t)
	ctx := open(t, desk)
	signIn(t, ctx, site.URL, &extension{key: site.Operator})
	list := filepath.Join(t.TempDir(), "list.csv")
	write(t, list, strings.Repeat(webtest.SampleWallet(1).String()+",1500000\n", 280_000))
	site.Airdrop.Hold = make(chan struct{})
	do(t, ctx, chromedp.Navigate(site.URL+"/airdrops/c3"), chromedp.SetUploadFiles(chromedp.CSS("#list"), []string{list}), chromedp.Click(chromedp.CSS(`form[action$="/list"] button`)))
	wait(t, ctx, `/^[0-9.]+ of 14 MB sent$/.test(document.querySelector("[data-progress] .hint")?.innerText) && document.querySelector("form[action$='/list']").getAttribute("aria-busy") === "true"`)
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-cancel]")))
	wait(t, ctx, `document.querySelector("[data-refusal]")?.innerText === "Cancelled. Nothing was changed." && !document.querySelector("form[action$='/list'] button").disabled`)
	close(site.Airdrop.Hold)
	c, err := site.Airdrop.Campaign(identity.With(t.Context(), identity.Caller{Role: identity.Operator}), airdrop.CampaignQuery{ID: "c3"})
	if err != nil || c.Count != 61 {
		t.Errorf("the cancelled upload left %+v, %v", c, err)
	}
}
