package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"banyan/web/webtest"
)

// TestTheBrowserInsideAWalletsAppSignsIn: it has window.ethereum, and announces
// nothing (EIP-6963).
func TestTheBrowserInsideAWalletsAppSignsIn(t *testing.T) {
	site := webtest.Empty(t)
	x := &extension{key: webtest.Key(t, "on a phone")}
	ctx := open(t, phone)
	do(t, ctx, chromedp.ExposeFunc("testWallet", func(_ context.Context, q request) (any, error) { return x.answer(q) }))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.ethereum = { request: (q) => window.testWallet(q), on() {}, removeListener() {} }`,
	})
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(site.URL+"/sign-in?next=/sessions"))
	wait(t, ctx, `document.querySelector('[data-wallets] button[data-rdns="injected"]') !== null`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`[data-wallets] button[data-rdns="injected"]`)))
	wait(t, ctx, `location.pathname === "/sessions"`)
}
