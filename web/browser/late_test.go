package browser

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"banyan/web"
	"banyan/web/ui"
	"banyan/web/webtest"
)

// TestALatePartComesByItself, while the rest of the page can be read, and the page's
// forms work afterwards.
func TestALatePartComesByItself(t *testing.T) {
	var ready atomic.Bool
	open9 := func(*ui.Site) web.Section {
		return web.Section{
			Module: "slow", Title: "Slow things", Menu: ui.Entry{Path: "/slow", Label: "Slow"}, Order: 9,
			Home: func(r *http.Request) web.HomePart {
				if r.Header.Get("Banyan-Wait") == "" && !ready.Load() {
					<-r.Context().Done()
					return web.HomePart{Missing: ui.Part(r.Context(), r.Context().Err(), "Slow things", "things")}
				}
				return web.HomePart{Column: `<p id="slow-things">the slow things are here</p>`}
			},
		}
	}
	site := webtest.Full(t, open9)
	ctx := open(t, desk)
	do(t, ctx, chromedp.Navigate(site.URL+"/"))
	wait(t, ctx, `document.querySelector("#slow-things") !== null && document.querySelector("[data-later]") === null && document.querySelector("h1") !== null`)
	if n := eval[int](t, ctx, `document.querySelectorAll("main").length`); n != 1 {
		t.Errorf("the page has %d contents", n)
	}
}
