package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/web/ui"
)

type setupData struct {
	Code string
	Here string // the path of this page
}

// setup is the page of the link that makes the first operator.
func (w *Web) setup(rw http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	if err := w.o.Sessions.CheckSetupCode(r.Context(), code); err != nil {
		return err
	}
	rw.Header().Set("Cache-Control", "no-store")
	return w.ui.Show(rw, r, http.StatusOK, "site/setup", ui.Page{Title: "Set up this site", Data: setupData{code, w.ui.Below("/setup/" + code)}})
}

// useSetup makes the wallet that is signed in the first operator.
func (w *Web) useSetup(rw http.ResponseWriter, r *http.Request) error {
	if err := w.o.Sessions.UseSetupCode(r.Context(), identity.From(r.Context()), chi.URLParam(r, "code")); err != nil {
		return err
	}
	w.ui.Tell(rw, r, "This wallet is an operator now. The steps below set the site up; take them in any order.")
	w.ui.GoTo(rw, r, "/operator/setup")
	return nil
}
