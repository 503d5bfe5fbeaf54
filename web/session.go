package web

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
)

type signInData struct {
	Next string // where to go afterwards; always a page of this site
}

func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) error {
	next := w.ownPath(r.URL.Query().Get("next"))
	if viewerOf(r).SignedIn {
		http.Redirect(rw, r, next, http.StatusSeeOther) //nolint:gosec // ownPath admits pages of this site only
		return nil
	}
	return w.show(rw, r, http.StatusOK, "sign-in", page{
		Title: "Sign in", Data: signInData{Next: next},
		Description: "Sign in with your wallet: no password, no e-mail, no transaction.",
	})
}

// ownPath admits only pages of this site as the place to go after signing in;
// browsers read //host and /\host as another site.
func (w *Web) ownPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return w.at("/")
	}
	return next
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) error {
	if who := viewerOf(r); who.SignedIn {
		// A session that is gone already is as signed out as can be.
		err := w.o.Sessions.End(r.Context(), identity.From(r.Context()), who.Session)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	w.goTo(rw, r, "/")
	return nil
}

type sessionsData struct {
	Sessions []signin.Session
}

func (w *Web) sessions(rw http.ResponseWriter, r *http.Request) error {
	who := viewerOf(r)
	if !who.SignedIn {
		w.goTo(rw, r, "/sign-in?next=", w.below("/sessions"))
		return nil
	}
	list, err := w.o.Sessions.List(r.Context(), identity.From(r.Context()), who.Wallet)
	if err != nil {
		return err
	}
	return w.show(rw, r, http.StatusOK, "sessions", page{Title: "My sessions", Data: sessionsData{list}})
}

func (w *Web) endSession(rw http.ResponseWriter, r *http.Request) error {
	err := w.o.Sessions.End(r.Context(), identity.From(r.Context()), chi.URLParam(r, "id"))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	w.goTo(rw, r, "/sessions")
	return nil
}
