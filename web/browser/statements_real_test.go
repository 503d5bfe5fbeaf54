package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/platform/testenv/testneeds"
	"banyan/web/webtest"
)

// state signs a statement of the form with a level and a context.
func state(t *testing.T, ctx context.Context, page, level, about string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(page))
	eval[bool](t, ctx, `document.querySelector("#level").value = "`+level+`", document.querySelector("#context").value = "`+about+`", true`)
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-statement] button[type=submit]")))
	wait(t, ctx, `document.querySelector("form[data-take-back]") !== null`)
}

// computed presses the operator's button and waits for what came of it.
func computed(t *testing.T, ctx context.Context, site string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(site+"/operator"), chromedp.Click(chromedp.CSS(`form[action$="/operator/epochs"] button`)))
	wait(t, ctx, `document.querySelector("[data-outcome]") !== null`)
	if outcome := text(t, ctx, "[data-outcome]"); !strings.Contains(outcome, "is computed") {
		t.Fatalf("the epoch: %s", outcome)
	}
}

// TestTrustIsGivenExplainedAndTakenBack is the way of a statement through the real
// program: it is signed in a wallet, explains a score, is taken back, and stays
// readable.
func TestTrustIsGivenExplainedAndTakenBack(t *testing.T) {
	start(t) // skip before building
	binary := built(t)
	x := &extension{key: webtest.Key(t, "operator")}
	me, listen := webtest.AddressOf(x.key), testneeds.Address(t)
	friend, other := webtest.AddressOf(webtest.Key(t, "a friend")), webtest.AddressOf(webtest.Key(t, "another"))
	site := "http://" + listen
	serve(t, binary, []string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + site, "BANYAN_IDENTITY_OPERATORS=" + me.String(),
	}, "--listen", listen)
	ctx := open(t, desk)
	signIn(t, ctx, site, x)

	// the seeds, on the operator's page
	do(t, ctx, chromedp.Navigate(site+"/operator/seeds"))
	if advice := text(t, ctx, "[data-no-seeds]"); !strings.Contains(advice, "no scores") {
		t.Errorf("without seeds the page says %q", advice)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#name"), "founders"), chromedp.SendKeys(chromedp.CSS("#reason"), "they began it"),
		chromedp.SendKeys(chromedp.CSS("#seeds"), me.String()+",1,founder"), chromedp.Click(chromedp.CSS("#edit button[type=submit]")))
	wait(t, ctx, `document.querySelector("[data-set=founders]") !== null`)

	// trust, given on the pages of two wallets
	page := site + "/wallets/" + friend.String()
	state(t, ctx, site+"/wallets/"+other.String(), "3", "")
	state(t, ctx, page, "8", "code")
	if said := text(t, ctx, "form[data-take-back]"); !strings.Contains(said, "trusts it (+8) with code") {
		t.Errorf("the page says %q", said)
	}
	computed(t, ctx, site)
	do(t, ctx, chromedp.Navigate(page))
	if why := text(t, ctx, "main"); !strings.Contains(why, "Where the score comes from") || !strings.Contains(text(t, ctx, "table.reasons"), me.Short()) {
		t.Errorf("the score is not explained: %s", why)
	}
	picture(t, ctx, "real-trust-given")

	// a person who declines keeps everything as it is
	x.declines.Store(true)
	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-take-back] button")))
	wait(t, ctx, `document.querySelector("form[data-take-back] [data-status].bad") !== null`)
	x.declines.Store(false)

	do(t, ctx, chromedp.Click(chromedp.CSS("form[data-take-back] button")))
	wait(t, ctx, `document.querySelector("form[data-take-back]") === null && document.querySelector("[data-state=revoked]") !== null`)
	computed(t, ctx, site)
	do(t, ctx, chromedp.Navigate(page))
	if history := text(t, ctx, "[data-state=revoked]"); !strings.Contains(history, "trusts it (+8) with code") || !strings.Contains(history, "taken back") {
		t.Errorf("the history says %q", history)
	}
	if reasons := text(t, ctx, "table.reasons"); strings.Contains(reasons, me.Short()) {
		t.Errorf("what was taken back still explains a score: %s", reasons)
	}
	if page := text(t, ctx, "main"); strings.Contains(page, "No trusted wallet has vouched for it") {
		t.Errorf("the page says that nobody had trusted it: %s", page)
	}
	picture(t, ctx, "real-trust-taken-back")
}
