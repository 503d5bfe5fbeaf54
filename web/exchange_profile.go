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

func (p *exchangePages) mountProfiles(r chi.Router) {
	r.Get("/exchanges/{slug}/profile", p.site.Handle(p.profile))
	r.Post("/exchanges/{slug}/claim", p.site.Form(p.prepareClaim))
	r.Post("/exchanges/{slug}/claim/publish", p.site.Form(p.claimProfile))
	r.Post("/exchanges/{slug}/claim/end", p.site.Form(p.endClaim))
	r.Post("/exchanges/{slug}/reviews/{wallet}/reply", p.site.Form(p.prepareReply))
	r.Post("/exchanges/{slug}/reviews/{wallet}/reply/publish", p.site.Form(p.publishReply))
	r.Post("/exchanges/{slug}/reviews/{wallet}/attestation", p.site.Form(p.prepareAttestation))
	r.Post("/exchanges/{slug}/reviews/{wallet}/attestation/publish", p.site.Form(p.attestUse))
	r.Post("/exchanges/{slug}/reviews/{wallet}/recheck", p.site.Form(p.recheckProof))
	r.Post("/exchanges/{slug}/proof", p.site.Form(p.proveUse))
}

type profileData struct {
	Exchange exchangereview.Exchange
	Claims   []exchangereview.Claim
	How      *exchangereview.PreparedClaim // what the viewer's wallet would sign
	Mine     bool                          // the viewer's wallet has the claim that holds
}

// Holds is the claim that holds, if there is one.
func (d profileData) Holds() *exchangereview.Claim { return holding(d.Claims) }

func holding(claims []exchangereview.Claim) *exchangereview.Claim {
	if len(claims) > 0 && claims[0].Holds {
		return &claims[0]
	}
	return nil
}

// methodName says how a claim was shown.
func methodName(method string) string {
	return map[string]string{
		exchangereview.ClaimByAddress: "the directory lists its wallet", exchangereview.ClaimByDNS: "a DNS record of its domain names its wallet",
		exchangereview.ClaimByFile: "a file of its website names its wallet",
	}[method]
}

// profile shows who may answer for an exchange, and how to claim that.
func (p *exchangePages) profile(rw http.ResponseWriter, r *http.Request) error {
	ctx, slug, who := r.Context(), chi.URLParam(r, "slug"), ui.ViewerOf(r)
	var d profileData
	var exchangeErr, claimsErr, howErr error
	ui.Together(func() {
		d.Exchange, exchangeErr = p.service.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug})
	}, func() {
		var all exchangereview.Claims
		all, claimsErr = p.service.Claims(ctx, exchangereview.ClaimsQuery{Slug: slug})
		d.Claims = all.Claims
	}, func() {
		if who.SignedIn {
			var how exchangereview.PreparedClaim
			how, howErr = p.service.PrepareClaim(ctx, exchangereview.ClaimDraft{Slug: slug, Wallet: who.Wallet, Method: exchangereview.ClaimByAddress})
			d.How = &how
		}
	})
	for _, err := range []error{exchangeErr, claimsErr, howErr} {
		if err != nil {
			return err
		}
	}
	d.Mine = who.SignedIn && d.Holds() != nil && d.Holds().Wallet == who.Wallet
	return p.site.Show(rw, r, http.StatusOK, "exchanges/profile", ui.Page{
		Title: "Who answers for " + d.Exchange.Name, Nav: "/exchanges", Data: d,
		Description: "How " + d.Exchange.Name + " shows who it is, and answers reviews.",
	})
}

// signing fails for those who cannot sign in a wallet what the page would prepare.
func signing(r *http.Request) (ui.Viewer, error) {
	who := ui.ViewerOf(r)
	switch {
	case !who.SignedIn:
		return who, fault.New(fault.Unauthenticated, "sign in with the wallet that signs, then send it again")
	case !ui.WantsJSON(r):
		return who, fault.New(fault.Invalid, "this is signed in your wallet, which needs JavaScript: turn it on for this site and send it again")
	}
	return who, r.ParseForm()
}

func (p *exchangePages) prepareClaim(rw http.ResponseWriter, r *http.Request) error {
	who, err := signing(r)
	if err != nil {
		return err
	}
	prepared, err := p.service.PrepareClaim(r.Context(), exchangereview.ClaimDraft{Slug: chi.URLParam(r, "slug"), Wallet: who.Wallet, Method: r.PostForm.Get("method")})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// location says where to see what was published.
type location struct {
	Location string `json:"location"`
}

func (p *exchangePages) claimProfile(rw http.ResponseWriter, r *http.Request) error {
	var signed exchangereview.PreparedClaim
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed claim arrived incomplete: load the page again and send it once more")
	}
	signed.Claim.Slug = chi.URLParam(r, "slug")
	claim, err := p.service.ClaimProfile(r.Context(), signed.Claim)
	if err != nil {
		return err
	}
	done := "The profile is yours: you can answer reviews now."
	if !claim.Holds {
		done = "The profile is given back. What you answered stays, with its signatures."
	}
	p.site.Tell(rw, r, done)
	return ui.WriteJSON(rw, location{p.site.At("/exchanges/", signed.Claim.Slug, "/profile")})
}

// endClaim is for operators; the service refuses others.
func (p *exchangePages) endClaim(rw http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "slug")
	days := 0
	if text := r.FormValue("days"); text != "" {
		var err error
		if days, err = strconv.Atoi(text); err != nil {
			return fault.New(fault.Invalid, "the days are 0 to 3650, or empty")
		}
	}
	if _, err := p.service.EndClaim(r.Context(), exchangereview.ClaimEnd{Slug: slug, Reason: r.FormValue("reason"), BarDays: days}); err != nil {
		return err
	}
	p.site.Tell(rw, r, "The claim is ended, and what was answered in its name is hidden.")
	p.site.GoTo(rw, r, "/exchanges/", slug, "/profile")
	return nil
}

func (p *exchangePages) prepareReply(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	if _, err := signing(r); err != nil {
		return err
	}
	prepared, err := p.service.PrepareReply(r.Context(), exchangereview.ReplyDraft{Slug: chi.URLParam(r, "slug"), Reviewer: writer, Text: written(r.PostForm.Get("text"))})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

func (p *exchangePages) publishReply(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	var signed exchangereview.PreparedReply
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed answer arrived incomplete: load the page again and send it once more")
	}
	slug := chi.URLParam(r, "slug")
	signed.Reply.Slug, signed.Reply.Reviewer = slug, writer
	if _, err := p.service.PublishReply(r.Context(), signed.Reply); err != nil {
		return err
	}
	p.site.Tell(rw, r, "Your answer stands below the review, with its signature.")
	return ui.WriteJSON(rw, location{p.site.At("/exchanges/", slug) + "#review-" + writer.String()})
}
