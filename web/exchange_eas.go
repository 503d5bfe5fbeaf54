package web

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// prepareEAS returns the attestation of the viewer's review as the wallet signs it.
func (p *exchangePages) prepareEAS(rw http.ResponseWriter, r *http.Request) error {
	who, err := signing(r)
	if err != nil {
		return err
	}
	draft := exchangereview.EASDraft{Slug: chi.URLParam(r, "slug"), Wallet: who.Wallet}
	if text := r.FormValue("chain_id"); text != "" {
		if draft.ChainID, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fault.New(fault.Invalid, "the chain of the wallet is not a number: load the page again and send it once more")
		}
	}
	prepared, err := p.service.PrepareEAS(r.Context(), draft)
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// publishEAS keeps what prepareEAS answered, with the wallet's signature.
func (p *exchangePages) publishEAS(rw http.ResponseWriter, r *http.Request) error {
	who, err := signing(r)
	if err != nil {
		return err
	}
	var signed exchangereview.PreparedEAS
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed attestation arrived incomplete: load the page again and send it once more")
	}
	slug := chi.URLParam(r, "slug")
	if _, err := p.service.PublishEAS(r.Context(), exchangereview.EASUpload{Slug: slug, Wallet: who.Wallet, Attestation: signed.Attestation}); err != nil {
		return err
	}
	p.site.Tell(rw, r, "Your review is signed as an attestation of EAS; the file stands below its marks and signature.")
	return ui.WriteJSON(rw, location{p.site.At("/exchanges/", slug) + "#review-" + who.Wallet.String()})
}
