package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// proofName says what shows that a writer used an exchange.
func proofName(kind string) string {
	return map[string]string{
		exchangereview.ProofSwap: "Swapped here", exchangereview.ProofAttestation: "Customer, says the exchange", exchangereview.ProofWithdrawal: "Was paid by it",
	}[kind]
}

// Proofs are what a filter may ask for.
func (d exchangeData) Proofs() []choice {
	return append(kindsOfProof(), choice{exchangereview.ProofNone, "Without proof"})
}

func kindsOfProof() []choice {
	return []choice{
		{exchangereview.ProofAny, "Any proof"},
		{exchangereview.ProofSwap, "A swap"},
		{exchangereview.ProofAttestation, "The exchange’s word"},
		{exchangereview.ProofWithdrawal, "A withdrawal"},
	}
}

// askedProof returns the proof that an address asks for, "" for any and none: also where
// the filter is not shown, so that an address that somebody passed on is still a page.
func (p *exchangePages) askedProof(r *http.Request) string {
	if !p.site.Shows(r, feature.ProofFilter) {
		return ""
	}
	return r.URL.Query().Get("proof")
}

// Dimensions are what the stars of a filter may be of.
func (d exchangeData) Dimensions() []choice {
	list := make([]choice, len(aspectNames))
	for i, a := range aspectNames {
		list[i] = choice{a.Field, a.Name}
	}
	return list
}

// proveUse shows by a transaction that the viewer used an exchange.
func (p *exchangePages) proveUse(rw http.ResponseWriter, r *http.Request) error {
	q := exchangereview.Transaction{Slug: chi.URLParam(r, "slug")}
	var err error
	if q.ChainID, err = wallet.ParseChain(r.FormValue("chain")); err != nil {
		return err
	}
	if err := q.Tx.UnmarshalText([]byte(strings.TrimSpace(r.FormValue("tx")))); err != nil {
		return fault.New(fault.Invalid, "the hash of a transaction is 0x and 64 hex digits: copy it from your wallet or a block explorer")
	}
	proven, err := p.service.ProveUse(r.Context(), q)
	if err != nil {
		return err
	}
	p.site.Tell(rw, r, "Your review weighs more from now on: "+proofName(proven.Proof.Kind)+".")
	p.site.GoTo(rw, r, "/exchanges/", q.Slug)
	return nil
}

// recheckProof looks at the proof of a review again.
func (p *exchangePages) recheckProof(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	slug := chi.URLParam(r, "slug")
	found, err := p.service.RecheckProof(r.Context(), exchangereview.ProofQuery{Slug: slug, Wallet: writer})
	if err != nil {
		return err
	}
	said := "The proof holds: it was looked at again just now."
	if found.Proof == nil {
		said = "The proof shows nothing any more, so it is gone, and the review weighs less."
	}
	p.site.Tell(rw, r, said)
	p.site.GoTo(rw, r, "/exchanges/", slug)
	return nil
}

func (p *exchangePages) prepareAttestation(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	if _, err := signing(r); err != nil {
		return err
	}
	prepared, err := p.service.PrepareAttestation(r.Context(), exchangereview.AttestationDraft{Slug: chi.URLParam(r, "slug"), Customer: writer})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

func (p *exchangePages) attestUse(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	var signed exchangereview.PreparedAttestation
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed attestation arrived incomplete: load the page again and send it once more")
	}
	slug := chi.URLParam(r, "slug")
	signed.Attestation.Slug, signed.Attestation.Customer = slug, writer
	if _, err := p.service.AttestUse(r.Context(), signed.Attestation); err != nil {
		return err
	}
	p.site.Tell(rw, r, "The review says now that its writer is your customer, with your signature.")
	return ui.WriteJSON(rw, location{p.site.At("/exchanges/", slug) + "#review-" + writer.String()})
}
