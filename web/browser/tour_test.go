package browser

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/web/webtest"
)

// stop is a page in a state worth looking at.
type stop = webtest.Stop

// visit goes to a stop of the tour and waits until it is drawn.
func visit(t *testing.T, ctx context.Context, site string, s stop) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(site+s.Path))
	switch s.Name {
	case "docs-open":
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock").length > 5`)
		eval[bool](t, ctx, `[...document.querySelectorAll("#swagger-ui .opblock-summary-control")].slice(0, 3).forEach((b) => b.click()), true`)
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock-body .responses-inner").length === 3`)
	case "docs":
		wait(t, ctx, `document.querySelectorAll("#swagger-ui .opblock").length > 5`)
	case "sign-in":
		wait(t, ctx, `document.querySelectorAll("[data-wallets] button").length > 0`)
	case "sign-in-none":
		wait(t, ctx, `!document.querySelector("[data-no-wallet]").hidden`)
	}
	if s.Open {
		eval[bool](t, ctx, `document.querySelectorAll("main details").forEach((d, i) => { if (i < 3) d.open = true }), true`)
	}
}

// walk takes the whole tour in one look, once for each kind of visitor. Each site has a
// tab of its own: they are one host to a browser, and a site ends the session of another.
func walk(t *testing.T, l look, at func(t *testing.T, ctx context.Context, s stop)) {
	all := webtest.Sites(t)
	tabs := map[string]context.Context{}
	for _, as := range []string{"", "member", "operator"} {
		for _, s := range webtest.Tour() {
			if s.As != as || !strings.HasPrefix(s.Name, *only) {
				continue
			}
			who := as + " " + s.Site
			if tabs[who] == nil {
				tabs[who] = open(t, l)
				switch as {
				case "member":
					signIn(t, tabs[who], all[s.Site].URL, &extension{key: webtest.Key(t, "member")})
				case "operator":
					signIn(t, tabs[who], all[s.Site].URL, &extension{key: all[s.Site].Operator})
				}
			}
			visit(t, tabs[who], all[s.Site].URL, s)
			at(t, tabs[who], s)
		}
	}
}

var only = flag.String("only", "", "take only stops of the tour whose name begins like this")

var screenshots = flag.String("screenshots", "", "folder for a picture of every page in every look")

// TestScreenshots makes the pictures for people to look at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("skipped: no folder for pictures was named with -screenshots")
	}
	for _, l := range []look{desk, phone, deskDark, phoneDark, deskGerman, phoneGerman} {
		t.Run(l.String(), func(t *testing.T) {
			walk(t, l, func(t *testing.T, ctx context.Context, s stop) { picture(t, ctx, s.Name+"-"+l.String()) })
		})
	}
}

// picture writes a picture of the page when a folder was named.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), shot(t, ctx), 0o600); err != nil {
		t.Fatal(err)
	}
}
