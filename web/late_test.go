package web_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/web"
	"banyan/web/ui"
	"banyan/web/webtest"
)

// slowModule has a part on the home page and a page of its own, which answer when
// ready is set, and until then when the page's time is over.
func slowModule(ready *atomic.Bool) web.Pages {
	return func(site *ui.Site) web.Section {
		answers := func(r *http.Request) error {
			if ready.Load() {
				return nil
			}
			<-r.Context().Done()
			return r.Context().Err()
		}
		return web.Section{
			Module: "slow", Title: "Slow things", Menu: ui.Entry{Path: "/slow", Label: "Slow"}, Order: 9,
			Home: func(r *http.Request) web.HomePart {
				return web.HomePart{Missing: ui.Part(r.Context(), answers(r), "Slow things", "things that take their time"), Column: "<p>the slow things are here</p>"}
			},
			Mount: func(r chi.Router) {
				r.Get("/slow", site.Handle(func(rw http.ResponseWriter, r *http.Request) error {
					if err := answers(r); err != nil {
						return err
					}
					return site.Show(rw, r, http.StatusOK, "site/docs", ui.Page{Title: "The slow page"})
				}))
			},
		}
	}
}

// TestWhatIsNotThereInAPagesTimeIsLeftOut with a sentence, and asked for again by the
// page's script; a page that has nothing else says so itself.
func TestWhatIsNotThereInAPagesTimeIsLeftOut(t *testing.T) {
	var ready atomic.Bool
	s := webtest.Full(t, slowModule(&ready))
	v := newVisitor(t, s)
	hurried := []string{"Banyan-Wait", ""}
	page := v.get("/", http.StatusOK, hurried...)
	contains(t, page, `data-missing="Slow things" data-later`, "Still on its way: things that take their time", "Canopy season two", `hx-target="#main"`)
	page = v.get("/slow", http.StatusGatewayTimeout, hurried...)
	contains(t, page, "This takes longer than usual", "data-later", "as soon as it answers")
	ready.Store(true)
	page = v.get("/", http.StatusOK)
	contains(t, page, "the slow things are here")
	if strings.Contains(page, "data-later") {
		t.Error("the page asks again although nothing is missing")
	}
	contains(t, v.get("/slow", http.StatusOK), "The slow page")
}
