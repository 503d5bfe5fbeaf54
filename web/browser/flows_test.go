package browser

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/web/webtest"
)

// signIn signs in with the wallet, as a person does.
func signIn(t *testing.T, ctx context.Context, site *webtest.Site, x *extension) {
	t.Helper()
	x.install(t, ctx)
	do(t, ctx,
		chromedp.Navigate(site.URL+"/sign-in?next=/sessions"),
		chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="test.wallet"]`)),
		chromedp.WaitVisible(chromedp.CSS(`.who summary`)),
	)
	wait(t, ctx, `location.pathname === "/sessions"`)
}
