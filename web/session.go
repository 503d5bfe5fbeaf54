package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/web/ui"
)

type signInData struct {
	Next     string // where to go afterwards; always a path within this site
	Provider string // where staff sign in with an account; "" = nowhere
}

func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) error {
	next := w.ui.OwnPath(r.URL.Query().Get("next"))
	if ui.ViewerOf(r).SignedIn {
		w.ui.GoBack(rw, r, next)
		return nil
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/sign-in", ui.Page{
		Title: "Sign in", Data: signInData{Next: next, Provider: w.provider(r)},
		Description: "Sign in with your wallet: no password, no e-mail, no transaction.",
	})
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) error {
	if who := ui.ViewerOf(r); who.SignedIn {
		// A session that is gone already is as signed out as can be.
		err := w.o.Sessions.End(r.Context(), identity.From(r.Context()), who.Session)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	w.ui.GoTo(rw, r, "/")
	return nil
}

type sessionsData struct {
	Sessions []signin.Session
	Tokens   []tokenLine
	Provider string // as in signInData
	Accounts []signin.LinkedAccount
	Link     bool // an account can be linked in this session
}

func (w *Web) sessions(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		w.ui.GoTo(rw, r, "/sign-in?next=", w.ui.Below("/sessions"))
		return nil
	}
	list, err := w.o.Sessions.List(r.Context(), identity.From(r.Context()), who.Wallet)
	if err != nil {
		return err
	}
	// A wallet has at most fifty tokens, which fit on this page.
	tokens, _, err := w.o.Tokens.List(r.Context(), signin.TokenQuery{Wallet: who.Wallet})
	if err != nil {
		return err
	}
	d := sessionsData{Sessions: list, Tokens: tokenLines(tokens), Provider: w.provider(r)}
	if d.Accounts, err = w.linkedAccounts(r.Context(), who.Wallet); err != nil {
		return err
	}
	session, _ := signin.SessionFrom(r.Context())
	d.Link = d.Provider != "" && !session.ByProvider && session.Full > identity.Member
	return w.ui.Show(rw, r, http.StatusOK, "site/sessions", ui.Page{Title: "My sessions", Data: d})
}

func (w *Web) endSession(rw http.ResponseWriter, r *http.Request) error {
	err := w.o.Sessions.End(r.Context(), identity.From(r.Context()), chi.URLParam(r, "id"))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	w.ui.GoTo(rw, r, "/sessions")
	return nil
}
