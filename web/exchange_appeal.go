package web

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// prepareAppeal returns the document with which the wallet appeals.
func (p *exchangePages) prepareAppeal(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return fault.New(fault.Unauthenticated, "sign in with the wallet that wrote the review, then send the appeal again")
	}
	if !ui.WantsJSON(r) {
		return fault.New(fault.Invalid, "an appeal is signed in your wallet, which needs JavaScript: turn it on for this site and send it again")
	}
	prepared, err := p.service.PrepareAppeal(r.Context(), exchangereview.AppealDraft{
		Slug: chi.URLParam(r, "slug"), Wallet: who.Wallet, Text: written(r.PostFormValue("text")),
	})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// publishAppeal sends what prepareAppeal answered with the wallet's signature.
func (p *exchangePages) publishAppeal(rw http.ResponseWriter, r *http.Request) error {
	var signed exchangereview.PreparedAppeal
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed appeal arrived incomplete: load the page again and send it once more")
	}
	signed.Appeal.Slug = chi.URLParam(r, "slug")
	if _, err := p.service.PublishAppeal(r.Context(), signed.Appeal); err != nil {
		return err
	}
	p.site.Tell(rw, r, "Your appeal is in the queue. A moderator decides again, with a reason that everybody can read.")
	return ui.WriteJSON(rw, struct {
		Location string `json:"location"`
	}{p.site.At("/exchanges/", signed.Appeal.Slug)})
}
