// Package web is the pages for people: a backend-for-frontend that asks the
// modules through their contracts and renders HTML on the server. There is no
// JavaScript build; htmx and a few small scripts add comfort, and everything
// that does not need a wallet works without them.
//
//	pages, err := web.New(web.Options{Pages: []web.Pages{web.Reputation(route), …}})
//	pages.Mount(server.Router())
//
// Any module may be down: a page then shows what it has and says which part is
// missing. Reading order: web.go, section.go (what a module has to say), then a
// file per page or group of pages; templates/ has a folder per module, and site/
// for the pages that all share. Package ui is what pages are made with, package
// rollout the page that moves modules.
package web

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/feature"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/upkeep"
	"banyan/platform/wallet"
	"banyan/web/card"
	rolloutpages "banyan/web/rollout"
	"banyan/web/ui"
)

// Sessions is what the pages need of identity.Sessions.
type Sessions interface {
	List(ctx context.Context, by identity.Caller, w wallet.Address) ([]signin.Session, error)
	End(ctx context.Context, by identity.Caller, id string) error
	CheckSetupCode(ctx context.Context, code string) error
	UseSetupCode(ctx context.Context, by identity.Caller, code string) error
	Roles(ctx context.Context) ([]signin.WalletRole, error)
	Grant(ctx context.Context, by identity.Caller, w wallet.Address, role identity.Role) error
	Users(ctx context.Context, by identity.Caller, q signin.UserQuery) ([]signin.User, string, error)

	SecondFactorOf(ctx context.Context, of signin.Session) (signin.SecondFactor, error)
	BeginSecondFactor(ctx context.Context, in signin.Session) error
	ConfirmSecondFactor(ctx context.Context, in signin.Session, code string) (recovery []string, err error)
	GiveSecondFactor(ctx context.Context, in signin.Session, code string) error
	NewRecoveryCodes(ctx context.Context, in signin.Session, code string) (recovery []string, err error)
	EndSecondFactor(ctx context.Context, in signin.Session, code string) error

	LinkedAccounts(ctx context.Context, by identity.Caller, w wallet.Address) ([]signin.LinkedAccount, error)
	UnlinkAccount(ctx context.Context, by identity.Caller, w wallet.Address, issuer, subject string) error
}

// Options are what the pages stand on. Demo, and all from Modules on, may be nil.
type Options struct {
	Pages    []Pages // of the modules, in main's order
	Sessions Sessions
	Tokens   Tokens
	// SecurityLog is the record of sign-ins, roles, tokens and operators' actions.
	SecurityLog SecurityLog
	Routes      func() []seam.Status // of the modules, for operators
	// PublicURL, Prefix, Taken and OperatorURL are those of ui.Options.
	PublicURL, Prefix, OperatorURL string
	Taken                          func(path string) bool

	Accounts Accounts // nil: staff sign in with their wallets alone
	Provider string   // what people read of where the accounts are

	Features *feature.Flags // as in ui.Options

	Demo *DemoWallet // nil: there is no demo wallet, and no trace of one

	Modules   rollout.Service                                 // of the routes; nil: the page for it says that there is none
	EventLag  func(context.Context) (map[string]int64, error) // events that wait, by module; nil: not shown
	Databases func() []database.Stats                         // of this process, for operators; nil: not shown

	// What follows is for operators; without it, the pages for it are not there.
	Site        Site                               // what the site is called, and how far its set-up is
	Upkeep      func(module string) upkeep.Service // events and jobs
	Settings    func() ([]config.Setting, error)   // in force
	About       func() host.About                  // the running program
	Backups     Backups
	TryDatabase func(ctx context.Context, at database.URL, password config.Secret) (database.Server, error)
}

// Web serves the pages.
type Web struct {
	o        Options
	ui       *ui.Site
	sections []Section // in main's order
	rollout  *rolloutpages.Pages
	cards    *card.Cards
}

// New reads the templates and the assets that are embedded. It fails only when
// one of them is broken, which the tests would have shown.
func New(o Options) (*Web, error) {
	site, err := ui.New(ui.Options{PublicURL: o.PublicURL, Prefix: o.Prefix, Taken: o.Taken, OperatorURL: o.OperatorURL, Demo: o.Demo != nil, Features: o.Features})
	if err != nil {
		return nil, err
	}
	cards, err := card.New()
	if err != nil {
		return nil, err
	}
	w := &Web{o: o, ui: site, cards: cards}
	if err := w.addTemplates("site", nil); err != nil {
		return nil, err
	}
	for _, pages := range o.Pages {
		s := pages(site)
		if err := w.addTemplates(s.Folder, s.Functions); err != nil {
			return nil, fmt.Errorf("the pages of %s: %w", s.Module, err)
		}
		w.sections = append(w.sections, s)
	}
	site.List(menuOf(inMenu(w.sections)))
	site.Suggest(w.suggest)
	site.ListOperators(w.deskPages(), w.alarms)
	if o.Site != nil {
		site.Called(func(ctx context.Context) ui.Name {
			p := o.Site.Profile(context.WithoutCancel(ctx)) // also when the page's time is over
			return ui.Name{Name: p.Name, Description: p.Description}
		})
	}
	w.rollout, err = rolloutpages.New(site, rolloutpages.Options{Modules: o.Modules, Routes: o.Routes, EventLag: o.EventLag, Title: w.title})
	return w, err
}

func (w *Web) addTemplates(folder string, functions map[string]any) error {
	if folder == "" {
		return nil
	}
	files, err := fs.Sub(embedded, "templates/"+folder)
	if err != nil {
		return err
	}
	return w.ui.Add(folder, files, functions)
}

// Run works beside the pages until the context ends: it samples the modules' routes
// for the last 24 hours that operators see.
func (w *Web) Run(ctx context.Context) error { return w.rollout.Run(ctx) }

// Page renders an error as a page, see ui.Site.Page.
func (w *Web) Page(rw http.ResponseWriter, r *http.Request, status int, err error) {
	w.ui.Page(rw, r, status, err)
}

// Mount adds the pages to the root router, behind the server's middleware and
// identity's Authenticate.
func (w *Web) Mount(r chi.Router) {
	w.mountModules(r)
	if w.o.Prefix == "" {
		w.mountOwn(r)
		return
	}
	r.Route(w.o.Prefix, func(below chi.Router) {
		w.mountModules(below)
		w.mountOwn(below)
	})
}

// mountModules adds what a legacy system may have, too.
func (w *Web) mountModules(r chi.Router) {
	r.Get("/", w.ui.Hot(w.home))
	r.Get(walletPath+"/{wallet}", w.ui.Handle(w.wallet))
	for _, s := range w.sections {
		if s.Mount != nil {
			s.Mount(r)
		}
	}
}

// mountOwn adds what nobody else may answer: sign-in, operators' pages and files.
func (w *Web) mountOwn(r chi.Router) {
	r.Get("/search", w.ui.Handle(w.search))
	r.Get(howPath, w.ui.Handle(w.how))
	r.Get(handbookPath, w.ui.Handle(w.handbook))
	r.Get(handbookPath+"/{page}", w.ui.Handle(w.handbook))
	r.Get(cardsPath+"/*", w.ui.Handle(w.card))
	r.Get("/apple-touch-icon.png", w.ui.Handle(w.touchIcon))
	r.Get("/manifest.webmanifest", w.ui.Handle(w.manifest))
	if w.o.Prefix == "" { // otherwise these are the legacy system's
		r.Get("/robots.txt", w.robots)
		r.Get("/sitemap.xml", w.ui.Handle(w.sitemap))
	}
	r.Get("/sign-in", w.ui.Handle(w.signIn))
	r.Post("/language", w.ui.Form(w.ui.ChooseLanguage))
	r.Post("/sign-out", w.ui.Form(w.signOut))
	r.Get("/sessions", w.ui.Handle(w.sessions))
	r.Post("/sessions/{id}/end", w.ui.Form(w.endSession))
	r.Post("/tokens/{id}/end", w.ui.Form(w.endToken))
	w.mountSecondFactor(r)
	w.mountAccounts(r)
	r.Post("/sign-out-everywhere", w.ui.Form(w.signOutEverywhere))
	r.Get("/docs", w.ui.Handle(w.docs))
	r.Group(w.mountOperators)
	r.Get(ui.AssetPrefix+"*", w.ui.Handle(w.ui.ServeAsset))
	r.Get("/favicon.ico", w.ui.ServeIcon)
	if w.o.Demo != nil {
		r.Post("/demo/sign", w.ui.Handle(forThisMachine(ui.OfSession(w.o.Demo.sign))))
	}
}

// mountOperators adds what operators work with, on the host where they do.
func (w *Web) mountOperators(r chi.Router) {
	r.Use(w.ui.OnOperatorHost)
	r.Get("/operator", w.forOperator(w.operator))
	r.Get("/setup/{code}", w.ui.Handle(w.setup))
	r.Post("/setup/{code}", w.ui.Form(w.useSetup))
	r.Get("/operator/security-log", w.forOperator(w.securityLog))
	r.Get("/operator/access", w.forOperator(w.access))
	r.Post("/operator/access/role", w.asOperator(w.ui.Operate("/operator/access", w.setRole, w.showAccess)))
	r.Post("/operator/access/sign-out", w.asOperator(w.ui.Operate("/operator/access", w.signOutWallet, w.showAccess)))
	r.Post("/operator/access/tokens/{id}/end", w.asOperator(w.ui.Operate("/operator/access", w.endAnyToken, w.showAccess)))
	for _, s := range w.sections {
		if s.Operate != nil {
			s.Operate(r, w.showOperator)
		}
	}
	w.mountDesk(r)
	w.rollout.Mount(r)
}
