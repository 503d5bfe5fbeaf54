package web

import (
	"net/http"
	"slices"

	"banyan/modules/exchangereview"
	"banyan/platform/feature"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// mutedWallets are those whose reviews a viewer does not want to see, the latest first.
type mutedWallets []exchangereview.Muted

// Has reports whether a wallet is one of them.
func (m mutedWallets) Has(w wallet.Address) bool {
	return slices.ContainsFunc(m, func(one exchangereview.Muted) bool { return one.Wallet == w })
}

// muted returns whom the viewer has muted. Without an answer all reviews are shown, as
// to those who are not shown the feature.
func (p *exchangePages) muted(r *http.Request) (mutedWallets, error) {
	if !ui.ViewerOf(r).SignedIn || !p.site.Shows(r, feature.Mutes) {
		return nil, nil
	}
	all, err := p.service.MutedWallets(r.Context(), exchangereview.MutedQuery{})
	return all.Wallets, err
}

// mute hides a wallet's reviews from the viewer, or shows them again, and goes back to
// the exchange whose page it was said on, or to the wallet's page or the viewer's.
func (p *exchangePages) mute(rw http.ResponseWriter, r *http.Request) error {
	var q exchangereview.Mute
	if err := q.Wallet.UnmarshalText([]byte(r.FormValue("wallet"))); err != nil {
		return err
	}
	q.Muted = r.FormValue("mute") == "yes"
	if _, err := p.service.MuteWallet(r.Context(), q); err != nil {
		return err
	}
	if q.Muted {
		p.site.Tell(rw, r, "Reviews of this wallet are folded for you from now on. Nobody else sees that; your own page lists whom you have muted.")
	} else {
		p.site.Tell(rw, r, "Reviews of this wallet are shown to you again.")
	}
	switch slug := r.FormValue("slug"); {
	case slug != "":
		p.site.GoTo(rw, r, "/exchanges/", slug)
	case r.FormValue("list") != "":
		p.site.GoTo(rw, r, walletPath+"/", ui.ViewerOf(r).Wallet)
	default:
		p.site.GoTo(rw, r, walletPath+"/", q.Wallet)
	}
	return nil
}
