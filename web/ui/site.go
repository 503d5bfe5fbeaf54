// Package ui is what every page of Banyan is made with: the layout, the files
// that browsers load, templates and their functions, links, forms, pages of a
// list, and error pages. It imports no module and no page.
//
//	site, err := ui.New(ui.Options{PublicURL: "https://example.org"})
//	err = site.Add("rollout", templates, nil)
//	site.List([]ui.Entry{{Path: "/exchanges", Label: "Exchanges"}}, nil)
//	router.Get("/exchanges", site.Handle(func(rw http.ResponseWriter, r *http.Request) error {
//		return site.Show(rw, r, http.StatusOK, "rollout/modules", ui.Page{Title: "Modules"})
//	}))
//
// Reading order: site.go, render.go, errorpage.go, then a file per subject.
package ui

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/browserwallet"
	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
	"banyan/web/language"
)

// Options are what a site stands on. All may be zero.
type Options struct {
	PublicURL string // where people reach this server; links for other sites begin with it
	// Prefix is what our pages and files stand below in front of a legacy system,
	// like /banyan; "" = they have the whole site.
	Prefix string
	// Taken reports whether all clients are led to us for a path outside of
	// Prefix; nil = none is.
	Taken func(path string) bool
	// OperatorURL is scheme://host[:port] of the operators' pages where these have
	// a host of their own; "" = they have none.
	OperatorURL string
	Demo        bool // there is a demo wallet; without it no trace of one is served
	// Features decides who is shown which feature; nil = all are shown to everybody.
	Features *feature.Flags
}

// Entry is a page in the menu.
type Entry struct {
	Path  string // "/exchanges"
	Label string
}

// Site renders pages. Add, AddFiles and List are called before it serves.
type Site struct {
	o      Options
	base   string // path of PublicURL
	mark   string // see link
	assets assets
	shared map[language.Language]*template.Template            // layout and parts, for every page
	pages  map[language.Language]map[string]*template.Template // by name, see Add
	hot    hotPages
	menu   []Entry
	moved  []string // paths of pages that a legacy system may have, too; see List

	suggest   func(*http.Request) []Entry // nil = nothing does
	named     func(context.Context) Name  // nil = it has its usual name
	operators []Entry                     // see ListOperators
	alarms    func(*http.Request) []Alarm // likewise
}

// Suggest sets what finds the pages that an address which leads nowhere may have
// meant.
func (s *Site) Suggest(find func(*http.Request) []Entry) { s.suggest = find }

// Name is what people read of the site.
type Name struct {
	Name        string
	Description string // one sentence; "" = the usual
}

// Called has pages say what a site is called at the time.
func (s *Site) Called(name func(context.Context) Name) { s.named = name }

// NameOf returns what the site is called at the time.
func (s *Site) NameOf(r *http.Request) Name {
	if s.named == nil {
		return Name{Name: "Banyan"}
	}
	return s.named(r.Context())
}

// operatorPath is the first page of operators; a page that belongs to it (Page.Nav)
// lists the others, and what needs an operator.
const operatorPath = "/operator"

// ListOperators sets the pages of operators, and what finds out what needs them; nil
// = nothing does.
func (s *Site) ListOperators(pages []Entry, alarms func(*http.Request) []Alarm) {
	s.operators, s.alarms = pages, alarms
}

// New reads the embedded templates and files. Fails only when one of them is
// broken, which the tests would have shown.
func New(o Options) (*Site, error) {
	o.PublicURL, o.OperatorURL = strings.TrimRight(o.PublicURL, "/"), strings.TrimRight(o.OperatorURL, "/")
	s := &Site{o: o, base: config.BasePath(o.PublicURL), mark: newMark(), assets: newAssets()}
	s.shared, s.pages = map[language.Language]*template.Template{}, map[language.Language]map[string]*template.Template{}
	for _, folder := range []string{"static", "thirdparty"} {
		if err := s.addFolder(embedded, folder); err != nil {
			return nil, err
		}
	}
	if err := s.AddFiles(browserwallet.Files()); err != nil {
		return nil, err
	}
	if !o.Demo {
		s.assets.remove(demoScript)
	}
	if err := s.readShared(); err != nil {
		return nil, err
	}
	return s, nil
}

// demoScript is the file that announces the demo wallet to pages.
const demoScript = "demo-wallet.js"

// List sets the entries of the menu, and the paths of pages that a legacy system
// may have, too: those pages are mounted with and without Options.Prefix, and
// each path stands for what is below it as well.
func (s *Site) List(menu []Entry, moved []string) { s.menu, s.moved = menu, moved }

// Menu returns the entries of the menu.
func (s *Site) Menu() []Entry { return s.menu }

// Handler is a page: it answers, or returns an error to be shown in its place.
type Handler func(http.ResponseWriter, *http.Request) error

// Handle serves a page.
func (s *Site) Handle(h Handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		r, end := s.budgeted(r)
		defer end()
		if err := h(rw, r); err != nil {
			s.fail(rw, r, err)
		}
	}
}

// Shows reports whether the viewer is shown a feature. A token makes nobody a viewer:
// what its request gets may be kept for all who are not signed in, see Hot.
func (s *Site) Shows(r *http.Request, name feature.Name) bool {
	if s.o.Features == nil {
		return true
	}
	session, _ := signin.SessionFrom(r.Context())
	return s.o.Features.Shows(r.Context(), name, feature.Visitor{Wallet: session.Wallet, Role: session.Role})
}

// Behind has the handler answer those alone who are shown a feature.
func (s *Site) Behind(name feature.Name, h Handler) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if !s.Shows(r, name) {
			return fault.New(fault.NotFound, "this part of the site is shown to some wallets first, and not to yours yet: the pages work without it")
		}
		return h(rw, r)
	}
}

// maxForm bounds an ordinary form: a review of 5,000 characters, escaped.
const maxForm = 128 << 10

// Form serves a form of ours.
func (s *Site) Form(h Handler) http.HandlerFunc { return s.Handle(OfSession(h)) }

// OfSession bounds what is sent to 128 KiB, and refuses what was not made for the
// caller's session.
func OfSession(h Handler) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
		if err := signin.CheckCSRF(r); err != nil {
			return err
		}
		return h(rw, r)
	}
}

// WriteJSON answers a page's script.
func WriteJSON(rw http.ResponseWriter, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	_, _ = rw.Write(body) // the browser may be gone; nobody is left to report it to
	return nil
}

// PathWallet reads the wallet of the path, from the route's {wallet}. Fails with
// fault.NotFound.
func PathWallet(r *http.Request) (wallet.Address, error) {
	w, err := wallet.Read(chi.URLParam(r, "wallet"), 0)
	if err != nil {
		return w.Address, fault.Wrap(err, fault.NotFound, "this is not a wallet address: an address is 0x and 40 hex digits; check that it was copied whole")
	}
	return w.Address, nil
}
