package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/web/webtest"
)

// TestStaffLinkAnAccountAndSignInWithIt goes the way of an operator to the provider and
// back, and looks at each page on it.
func TestStaffLinkAnAccountAndSignInWithIt(t *testing.T) {
	for _, l := range []look{desk, phone, phoneGerman} {
		t.Run(l.String(), func(t *testing.T) {
			site := webtest.WithProvider(t)
			site.Provider.Person(map[string]any{"sub": "1", "email": "alice@example.org", "email_verified": true})
			ctx, x := open(t, l), &extension{key: site.Operator}
			x.install(t, ctx)
			look := func(name string) {
				t.Helper()
				inspect(t, ctx, stop{Name: name})
				picture(t, ctx, name+"-"+l.String())
			}
			const link = `location.pathname === "/sign-in/provider/link"`
			do(t, ctx, chromedp.Navigate(site.URL+"/sign-in/provider"))
			wait(t, ctx, link)
			look("account-first")
			do(t, ctx, chromedp.Click(chromedp.CSS(`main a[href*="sign-in?next"]`)), chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="test.wallet"]`)))
			wait(t, ctx, link+` && !!document.querySelector('form[action$="provider/link"]')`)
			look("account-confirm")
			do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="provider/link"] button`)))
			wait(t, ctx, `location.pathname === "/sessions"`)
			look("account-linked")
			do(t, ctx, chromedp.Click(chromedp.CSS(`details.who summary`)), chromedp.Click(chromedp.CSS(`details.who form[action$="sign-out"] button`)))
			wait(t, ctx, `location.pathname === "/"`)
			do(t, ctx, chromedp.Navigate(site.URL+"/sign-in?next=/operator/access"))
			wait(t, ctx, `document.querySelectorAll("[data-wallets] button").length > 0`)
			look("account-sign-in")
			do(t, ctx, chromedp.Click(chromedp.CSS(`main a[href*="sign-in/provider"]`)))
			wait(t, ctx, `location.pathname === "/operator/access"`)
		})
	}
}
