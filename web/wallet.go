package web

import (
	"net/http"

	"banyan/platform/wallet"
	"banyan/web/ui"
)

// walletPath is what the pages of wallets stand below; a link to one is made by
// the template wallet-link.
const walletPath = "/wallets"

type walletData struct {
	Wallet wallet.Address
	Mine   bool
	From   *ui.Entry // the menu's entry that the page belongs to; nil = none
	Parts  []WalletPart
}

// wallet shows what the modules know of a wallet, in main's order.
func (w *Web) wallet(rw http.ResponseWriter, r *http.Request) error {
	address, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	who := ui.ViewerOf(r)
	d := walletData{Wallet: address, Mine: who.SignedIn && who.Wallet == address}
	var of []Section
	for _, s := range w.sections {
		if s.Wallet != nil {
			of = append(of, s)
		}
	}
	d.Parts = make([]WalletPart, len(of))
	questions := make([]func(), len(of))
	for i, s := range of {
		questions[i] = func() { d.Parts[i] = s.Wallet(r, address) }
	}
	ui.Together(questions...)
	nav := ""
	for i, part := range d.Parts {
		if part.Err != nil {
			return part.Err
		}
		if entry := of[i].Menu; d.From == nil && entry.Path != "" {
			d.From, nav = &entry, entry.Path
		}
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/wallet", ui.Page{
		Title: "Wallet " + address.Short(), Nav: nav, Data: d,
		Description: "Score, rank, reasons and signed reviews of the wallet " + address.String() + ".",
	})
}
