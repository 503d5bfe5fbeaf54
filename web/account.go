package web

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// Accounts is what the pages need of signin.Accounts.
type Accounts interface {
	At(r *http.Request) bool
	Lead(w http.ResponseWriter, r *http.Request, next string) error
	Return(w http.ResponseWriter, r *http.Request) (next string, linked bool, err error)
	Carried(r *http.Request) (oidc.Account, bool, error)
	Link(w http.ResponseWriter, r *http.Request) (oidc.Account, error)
}

// providerPath is where staff go to the provider; signin.CallbackPath is below it.
const providerPath = "/sign-in/provider"

func (w *Web) mountAccounts(r chi.Router) {
	if w.o.Accounts == nil {
		return
	}
	r.Get(providerPath, w.ui.Handle(w.toProvider))
	r.Get(signin.CallbackPath, w.ui.Handle(w.fromProvider))
	r.Get(providerPath+"/link", w.ui.Handle(w.linkAccount))
	r.Post(providerPath+"/link", w.ui.Form(w.confirmLink))
	r.Post(providerPath+"/unlink", w.ui.Form(w.unlinkAccount))
}

// provider names the provider for the host of a request, "" where there is none.
func (w *Web) provider(r *http.Request) string {
	if w.o.Accounts == nil || !w.o.Accounts.At(r) {
		return ""
	}
	return w.o.Provider
}

func (w *Web) toProvider(rw http.ResponseWriter, r *http.Request) error {
	return w.o.Accounts.Lead(rw, r, w.ui.OwnPath(r.URL.Query().Get("next")))
}

func (w *Web) fromProvider(rw http.ResponseWriter, r *http.Request) error {
	rw.Header().Set("Cache-Control", "no-store")
	next, linked, err := w.o.Accounts.Return(rw, r)
	if err != nil {
		return err
	}
	if !linked {
		w.ui.GoTo(rw, r, providerPath+"/link")
		return nil
	}
	w.ui.GoBack(rw, r, w.ui.OwnPath(next))
	return nil
}

type linkData struct {
	Account  oidc.Account
	Provider string
	Here     string
	ByWallet bool // who looks has signed in with the wallet
	Outcome  *ui.Outcome
}

func (w *Web) linkAccount(rw http.ResponseWriter, r *http.Request) error {
	return w.showLink(rw, r, http.StatusOK, nil)
}

func (w *Web) showLink(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	account, carried, err := w.o.Accounts.Carried(r)
	if err != nil {
		return err
	}
	if !carried {
		w.ui.GoTo(rw, r, "/sessions")
		return nil
	}
	session, inside := signin.SessionFrom(r.Context())
	d := linkData{Account: account, Provider: w.o.Provider, Here: w.ui.Below(providerPath + "/link"), ByWallet: inside && !session.ByProvider, Outcome: done}
	rw.Header().Set("Cache-Control", "no-store")
	return w.ui.Show(rw, r, status, "site/link-account", ui.Page{Title: "Link an account", Data: d})
}

func (w *Web) confirmLink(rw http.ResponseWriter, r *http.Request) error {
	account, err := w.o.Accounts.Link(rw, r)
	if f := fault.From(err); f != nil && (f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		return w.showLink(rw, r, ui.StatusOf(err), &ui.Outcome{Fault: f})
	}
	if err != nil {
		return err
	}
	w.ui.Tell(rw, r, account.Name+" signs this wallet in from now on.")
	w.ui.GoTo(rw, r, "/sessions")
	return nil
}

func (w *Web) unlinkAccount(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return fault.New(fault.Unauthenticated, "sign in to unlink an account")
	}
	err := w.o.Sessions.UnlinkAccount(r.Context(), identity.From(r.Context()), who.Wallet, r.PostFormValue("issuer"), r.PostFormValue("subject"))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	w.ui.GoTo(rw, r, "/sessions")
	return nil
}

// linkedAccounts are those of the person who looks.
func (w *Web) linkedAccounts(ctx context.Context, of wallet.Address) ([]signin.LinkedAccount, error) {
	if w.o.Accounts == nil {
		return nil, nil
	}
	return w.o.Sessions.LinkedAccounts(ctx, identity.From(ctx), of)
}
