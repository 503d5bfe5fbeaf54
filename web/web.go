// Package web is the pages for people: a backend-for-frontend that asks the
// modules through their contracts and renders HTML on the server. There is no
// JavaScript build; htmx and a few small scripts add comfort, and everything
// that does not need a wallet works without them.
//
//	pages, err := web.New(web.Options{Reputation: …, Exchanges: …, Airdrop: …})
//	pages.Mount(server.Router())
//
// Any module may be down: a page then shows what it has and says which part is
// missing. Reading order: web.go, render.go, then a file per page or group of
// pages; templates/ has a template per page.
package web

import (
	"context"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Sessions is what the pages need of identity.Sessions.
type Sessions interface {
	List(ctx context.Context, by identity.Caller, w wallet.Address) ([]signin.Session, error)
	End(ctx context.Context, by identity.Caller, id string) error
}

// Options are what the pages stand on. Demo, Modules, EventLag and Databases may
// be nil.
type Options struct {
	Reputation reputation.Service
	Exchanges  exchangereview.Service
	Airdrop    airdrop.Service
	Sessions   Sessions
	Routes     func() []seam.Status // of the modules, for operators
	PublicURL  string               // where people reach this server; links for other sites begin with it
	// Prefix is what our pages and files stand below in front of a legacy system,
	// like /banyan; "" = they have the whole site.
	Prefix string
	// Taken reports whether all clients are led to us for a path outside of
	// Prefix; nil = none is.
	Taken func(path string) bool
	// OperatorURL is scheme://host[:port] of the operators' pages where these have
	// a host of their own; "" = they have none.
	OperatorURL string

	Demo *DemoWallet // nil: there is no demo wallet, and no trace of one

	Modules  rollout.Service                                 // of the routes; nil: the page for it says that there is none
	EventLag func(context.Context) (map[string]int64, error) // events that wait, by module; nil: not shown

	Databases func() []database.Stats // of this process, for operators; nil: not shown
}

// Web serves the pages.
type Web struct {
	o         Options
	assets    assets
	templates map[string]*template.Template
	strangler strangler
}

// New reads the templates and the assets that are embedded. It fails only when
// one of them is broken, which the tests would have shown.
func New(o Options) (*Web, error) {
	o.PublicURL, o.OperatorURL = strings.TrimRight(o.PublicURL, "/"), strings.TrimRight(o.OperatorURL, "/")
	w := &Web{o: o, strangler: strangler{modules: o.Modules, eventLag: o.EventLag}}
	var err error
	if w.assets, err = loadAssets(o.Prefix); err != nil {
		return nil, err
	}
	if o.Demo == nil {
		w.assets.leaveOut(demoScript)
	}
	if w.templates, err = w.loadTemplates(); err != nil {
		return nil, err
	}
	return w, nil
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
	get := func(path string, h handler) { r.Get(path, w.handle(h)) }
	post := func(path string, h handler) { r.Post(path, w.handle(w.fromHere(h))) }

	get("/", w.home)
	get("/exchanges", w.exchanges)
	get("/exchanges/{slug}", w.exchange)
	get("/exchanges/{slug}/reviews/{wallet}", w.reviewHistory)
	post("/exchanges/{slug}/review", w.prepareReview)
	post("/exchanges/{slug}/review/publish", w.publishReview)
	get("/airdrops", w.airdrops)
	get("/airdrops/{id}", w.campaign)
	get("/airdrops/{id}/proofs/{wallet}.json", w.proof)
	get("/reputation", w.leaderboard)
	get("/wallets/{wallet}", w.wallet)
}

// mountOwn adds what nobody else may answer: sign-in, operators' pages and files.
func (w *Web) mountOwn(r chi.Router) {
	get := func(path string, h handler) { r.Get(path, w.handle(h)) }
	post := func(path string, h handler) { r.Post(path, w.handle(w.fromHere(h))) }

	get("/sign-in", w.signIn)
	post("/sign-out", w.signOut)
	get("/sessions", w.sessions)
	post("/sessions/{id}/end", w.endSession)
	get("/docs", w.docs)
	r.Group(w.mountOperators)

	get(assetPrefix+"*", w.serveAsset)
	r.Get("/favicon.ico", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.assets.url("favicon.svg"), http.StatusFound)
	})
	if w.o.Demo != nil {
		r.Post("/demo/sign", w.handle(forThisMachine(w.fromHere(w.o.Demo.sign))))
	}
}

// mountOperators adds what operators work with, on the host where they do.
func (w *Web) mountOperators(r chi.Router) {
	r.Use(w.onOperatorHost)
	get := func(path string, h handler) { r.Get(path, w.handle(h)) }
	post := func(path string, h handler) { r.Post(path, w.handle(w.fromHere(h))) }

	get("/operator", w.operator)
	post("/operator/epochs", w.operate(w.computeEpoch))
	r.Post("/operator/trust", w.handle(w.upload(w.importTrust)))
	r.Post("/operator/exchanges", w.handle(w.upload(w.importExchanges)))
	post("/operator/campaigns", w.operate(w.createCampaign))
	r.Post("/operator/campaigns/{id}/list", w.handle(w.upload(w.uploadList)))
	post("/operator/campaigns/{id}/build", w.operate(w.buildTree))
	w.strangler.mount(w, get, post)
}

// handler is a page: it answers, or gives an error to be shown in its place.
type handler func(http.ResponseWriter, *http.Request) error

func (w *Web) handle(h handler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if err := h(rw, r); err != nil {
			w.fail(rw, r, err)
		}
	}
}

// maxForm bounds an ordinary form: a review of 5,000 characters, escaped.
const maxForm = 128 << 10

// fromHere refuses forms that were not made for this session.
func (w *Web) fromHere(h handler) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
		if err := signin.CheckCSRF(r); err != nil {
			return err
		}
		return h(rw, r)
	}
}

// pathWallet reads the wallet of the path.
func pathWallet(r *http.Request) (wallet.Address, error) {
	a, err := wallet.Parse(chi.URLParam(r, "wallet"))
	if err != nil {
		return a, fault.Wrap(err, fault.NotFound, "this is no wallet address: it is 0x and 40 hex digits; check that it was copied whole")
	}
	return a, nil
}
