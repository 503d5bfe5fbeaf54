package web_test

import (
	"html/template"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
	"banyan/web"
	"banyan/web/ui"
	"banyan/web/webtest"
)

// provenance are the pages of a module that nothing else names.
func provenance(site *ui.Site) web.Section {
	return web.Section{
		Module: "provenance", Title: "Provenance of things", Menu: ui.Entry{Path: "/things", Label: "Things"}, Order: 4,
		Intro: web.Intro{Text: "Where a thing comes from.", Link: "See the things", Button: "Find a thing"},
		Mount: func(r chi.Router) {
			r.Get("/things", site.Handle(func(http.ResponseWriter, *http.Request) error {
				return fault.New(fault.Unavailable, "the things are not there")
			}))
		},
		Operate: func(r chi.Router, show ui.ShowOutcome) {
			r.Post("/operator/things", site.Form(site.Operate("/operator", func(http.ResponseWriter, *http.Request) (string, error) {
				return "A thing was made.", nil
			}, show)))
		},
		Home: func(*http.Request) web.HomePart {
			return web.HomePart{Figures: []web.Figure{{Label: "Things known", Value: "7"}}, Column: "<p>newest things</p>"}
		},
		Work: func(*http.Request) web.OperatorPart { return web.OperatorPart{Cards: "<p>make a thing</p>"} },
		Wallet: func(_ *http.Request, of wallet.Address) web.WalletPart {
			return web.WalletPart{HTML: template.HTML("<p>things of " + of.String() + "</p>")}
		},
	}
}

// TestAModuleMoreHasItsPartsOnEveryPage: a module's pages follow from the list
// alone. The site names it in the menu, on the home page, for operators, on the
// pages of wallets and of modules.
func TestAModuleMoreHasItsPartsOnEveryPage(t *testing.T) {
	s := webtest.Full(t, provenance)
	v := newVisitor(t, s)
	home := v.get("/", http.StatusOK)
	contains(t, home, `<a href="./things">Things</a>`, "Exchanges · Airdrops · Reputation · Things", "<dt>Things known</dt><dd>7</dd>", "newest things",
		"<h3>Provenance of things</h3>", "Where a thing comes from.", "See the things", "Find a thing")
	if menu := strings.Index(home, `<a href="./things">`); menu < strings.Index(home, `<a href="./reputation">`) || menu > strings.Index(home, `<a href="./docs">`) {
		t.Error("the entry of the menu is not at its place")
	}
	contains(t, v.get("/wallets/"+nobody, http.StatusOK), "things of "+nobody)
	contains(t, v.get("/things", http.StatusServiceUnavailable), "The things are not there")
	v.signIn(s.Operator)
	contains(t, v.get("/operator", http.StatusOK), "make a thing")
	status, page := v.form("/operator/things", map[string][]string{})
	if status != http.StatusOK {
		t.Fatalf("its form for operators: %d", status)
	}
	contains(t, page, `data-outcome="done"`, "A thing was made.", "make a thing")
	s.Modules.Add("provenance", seam.ModeLocal)
	contains(t, v.get(modulesPage, http.StatusOK), "Provenance of things")
}
