package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

type airdropsData struct {
	Page    airdrop.CampaignPage
	Missing *missing
	Wrong   string
	turns
}

func (w *Web) airdrops(rw http.ResponseWriter, r *http.Request) error {
	d := airdropsData{}
	cursor := r.URL.Query().Get("cursor")
	var err error
	d.Page, err = w.o.Airdrop.Campaigns(r.Context(), airdrop.CampaignsQuery{Cursor: cursor, Limit: 30})
	if fault.Is(err, fault.Invalid) {
		d.Wrong = wrongField(err)
	} else {
		d.Missing = part(r.Context(), err, "Airdrops", "the campaigns")
	}
	d.turns = turnsOf(r, d.Page.Next)
	return w.show(rw, r, statusOf(err), "airdrops", page{
		Title: "Airdrops", Nav: "airdrops", Data: d,
		Description: "Airdrops whose lists are fixed by a Merkle root: check any wallet and take its proof.",
	})
}

// check is the answer to "is this wallet on the list?".
type check struct {
	Asked  string // as it was typed
	Wallet wallet.Address
	Claim  *airdrop.Claim // nil: not on the list, or one of the next says why not
	JSON   string         // the claim, for copying
	Wrong  string         // no address
	Early  bool           // the list is not final
	Fault  *missing
}

// campaignData embeds the campaign's facts.
type campaignData struct {
	Campaign airdrop.Campaign
	Check    *check // nil: nobody asked
	Outcome  *outcome
}

func (w *Web) campaign(rw http.ResponseWriter, r *http.Request) error {
	return w.showCampaign(rw, r, chi.URLParam(r, "id"), http.StatusOK, nil)
}

// showCampaign is also the answer to an operator's upload, with its outcome.
func (w *Web) showCampaign(rw http.ResponseWriter, r *http.Request, id string, status int, done *outcome) error {
	c, err := w.o.Airdrop.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return err
	}
	d := campaignData{Campaign: c, Outcome: done}
	if asked := strings.TrimSpace(r.URL.Query().Get("wallet")); asked != "" {
		d.Check = w.checkWallet(r, c.ID, asked)
	}
	p := page{
		Title: c.Name, Nav: "airdrops", Data: d,
		Description: fmt.Sprintf("%s: check whether a wallet is on the list, and take its proof.", c.Name),
	}
	if wantsFragment(r, "check") {
		return w.fragment(rw, r, "campaign", "check", p)
	}
	return w.show(rw, r, status, "campaign", p)
}

func (w *Web) checkWallet(r *http.Request, id, asked string) *check {
	c := &check{Asked: asked}
	address, err := wallet.Parse(asked)
	if err != nil {
		c.Wrong = fault.From(err).Message
		return c
	}
	c.Wallet = address
	claim, err := w.o.Airdrop.Claim(r.Context(), airdrop.ClaimQuery{ID: id, Wallet: address})
	switch {
	case err == nil:
		c.Claim = &claim
		text, jsonErr := json.Marshal(claim)
		if jsonErr != nil {
			c.Fault = part(r.Context(), jsonErr, "Airdrops", "the proof as a file")
		}
		c.JSON = string(text)
	case fault.Is(err, fault.NotFound):
	case fault.Is(err, fault.Conflict):
		c.Early = true
	default:
		c.Fault = part(r.Context(), err, "Airdrops", "whether this wallet is on the list")
	}
	return c
}

// proof is a claim as a file to keep: one line, so that files of many wallets
// put together are what `banyan airdrop verify --proofs` reads.
func (w *Web) proof(rw http.ResponseWriter, r *http.Request) error {
	address, err := pathWallet(r)
	if err != nil {
		return err
	}
	claim, err := w.o.Airdrop.Claim(r.Context(), airdrop.ClaimQuery{ID: chi.URLParam(r, "id"), Wallet: address})
	if err != nil {
		return err
	}
	body, err := json.Marshal(claim)
	if err != nil {
		return err
	}
	h := rw.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="proof-%s.json"`, address))
	h.Set("Cache-Control", "no-cache")
	_, _ = rw.Write(append(body, '\n')) // the browser may be gone; there is nobody left to tell
	return nil
}
