//go:build devchain

package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestAVisitorClaims claims on a phone, in the demo with its chain, as a visitor does:
// without signing in, with the demo wallet, which first changes its chain.
func TestAVisitorClaims(t *testing.T) {
	p := demo(t)
	ctx := open(t, phone)
	page := "/airdrops/" + p.Campaign + "?wallet=" + p.Wallet
	do(t, ctx, chromedp.Navigate(p.URL+page))
	wait(t, ctx, `document.querySelector("[data-claim]")?.dataset.state === "open" && !document.querySelector("[data-claim-button]").hidden`)
	s := stop{Name: "claim", Path: page}
	inspect(t, ctx, s)
	picture(t, ctx, "claim-open-"+phone.String())
	do(t, ctx, chromedp.Click(chromedp.CSS("[data-claim-button]")))
	wait(t, ctx, `["pending", "claimed"].includes(document.querySelector("[data-claim]").dataset.state)`)
	picture(t, ctx, "claim-done-"+phone.String())
	for _, l := range []look{desk, deskDark, phoneDark} {
		again := open(t, l)
		do(t, again, chromedp.Navigate(p.URL+page))
		wait(t, again, `["pending", "claimed"].includes(document.querySelector("[data-claim]").dataset.state)`)
		if row := text(t, again, "#claims-title"); row != "Claims" {
			t.Errorf("the page does not show the claims: %q", row)
		}
		inspect(t, again, s)
		picture(t, again, "claimed-"+l.String())
	}
	signInWith(t, ctx, p.URL, "demo.banyan")
	do(t, ctx, chromedp.Navigate(p.URL+"/airdrops/"+p.Campaign))
	wait(t, ctx, `document.querySelector("#publish") !== null`)
	inspect(t, ctx, s)
	picture(t, ctx, "publish-"+phone.String())
}
