package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/wallet"
	"banyan/web/markdown"
	"banyan/web/ui"
)

type airdropPages struct {
	site    *ui.Site
	service airdrop.Service
}

// Airdrop makes the pages of the module airdrop.
func Airdrop(route *seam.Route) Pages { return AirdropOf(airdrop.NewClient(route)) }

// AirdropOf makes them over a service.
func AirdropOf(service airdrop.Service) Pages {
	return func(site *ui.Site) Section {
		p := &airdropPages{site, service}
		return Section{
			Module: airdrop.Name, Title: "Airdrops", Folder: "airdrops",
			Functions: template.FuncMap{
				"format":   formatName,
				"markdown": markdown.HTML,
				"span":     span,
				"solidity": func(f merkle.Format) string { return f.Spec().Leaf.Solidity() },
				"gini":     func(ppm int) string { return fmt.Sprintf("%d.%03d", ppm/1_000_000, ppm/1000%1000) },
			},
			Menu: ui.Entry{Path: "/airdrops", Label: "Airdrops"}, Order: 2,
			Intro: Intro{
				Text: "A list becomes a Merkle root that cannot change unnoticed. Check any wallet without connecting it, and take its proof with you.",
				Link: "Check a wallet", Button: "Check an airdrop",
			},
			Mount: p.mount, Operate: p.operate, Home: p.home, How: p.how, Card: p.card, Work: p.work, Steps: p.steps, Find: p.find,
		}
	}
}

func (p *airdropPages) mount(r chi.Router) {
	r.Get("/airdrops", p.site.Hot(p.airdrops))
	r.Get("/airdrops/check-proof", p.site.Handle(p.askProof))
	r.Post("/airdrops/check-proof", p.site.Handle(p.checkProof))
	r.Get("/airdrops/{id}", p.site.Hot(p.campaign))
	r.Get("/airdrops/{id}/rules", p.site.Handle(p.rules))
	r.Get("/airdrops/{id}/proofs/{wallet}.json", p.site.Handle(p.proof))
	p.mountSuspects(r)
	p.mountFeeds(r)
}

// home shows the campaigns against which wallets can be checked.
func (p *airdropPages) home(r *http.Request) HomePart {
	all, err := p.service.Campaigns(r.Context(), airdrop.CampaignsQuery{Limit: 200})
	part := HomePart{Missing: ui.Part(r.Context(), err, "Airdrops", "campaigns and claims")}
	claims := "–"
	if err == nil {
		var open []airdrop.Campaign
		provable := 0
		for _, c := range all.Campaigns {
			if c.State != airdrop.Built {
				continue
			}
			provable += c.Count
			if len(open) < homeRows {
				open = append(open, c)
			}
		}
		claims = ui.Number(provable)
		part.Empty = len(all.Campaigns) == 0
		part.Row, part.Err = p.site.HTML(r, "airdrops/home", open)
	}
	part.Figures = []Figure{{"Provable claims", claims}}
	return part
}

// find searches the names of campaigns.
func (p *airdropPages) find(r *http.Request, text string) ([]Found, error) {
	all, err := p.service.Campaigns(r.Context(), airdrop.CampaignsQuery{Limit: 200})
	var found []Found
	for _, c := range all.Campaigns {
		if strings.Contains(strings.ToLower(c.Name+" "+c.Symbol), strings.ToLower(text)) {
			found = append(found, Found{Kind: "Airdrop", Title: c.Name, Path: "/airdrops/" + c.ID})
		}
	}
	return found, err
}

// steps say whether there is a campaign.
func (p *airdropPages) steps(r *http.Request) []Step {
	s := Step{
		Order: stepCampaign, Title: "Prepare a first campaign", Path: "/operator#campaign", Label: "New campaign",
		Text: "Upload who gets what; the site makes the Merkle root and a proof for everybody on the list.",
	}
	all, err := p.service.Campaigns(r.Context(), airdrop.CampaignsQuery{Limit: 1})
	s.Fault = ui.Part(r.Context(), err, "Airdrops", "whether there is a campaign")
	if err == nil && len(all.Campaigns) > 0 {
		s.Done = all.Campaigns[0].Name
	}
	return []Step{s}
}

type airdropsData struct {
	Page    airdrop.CampaignPage
	Missing *ui.Missing
	Wrong   string
	ui.Pager
}

func (p *airdropPages) airdrops(rw http.ResponseWriter, r *http.Request) error {
	d := airdropsData{}
	cursor := r.URL.Query().Get("cursor")
	var err error
	d.Page, err = p.service.Campaigns(r.Context(), airdrop.CampaignsQuery{Cursor: cursor, Limit: 30})
	if fault.Is(err, fault.Invalid) {
		d.Wrong = ui.WrongField(err)
	} else {
		d.Missing = ui.Part(r.Context(), err, "Airdrops", "the campaigns")
	}
	d.Pager = ui.PagerOf(r, d.Page.Next)
	return p.site.Show(rw, r, ui.StatusOf(err), "airdrops/list", ui.Page{
		Title: "Airdrops", Nav: "/airdrops", Data: d,
		Description: "Airdrops whose lists are fixed by a Merkle root: check any wallet and take its proof.",
	})
}

// check is the answer to "is this wallet on the list?".
type check struct {
	Asked  string // as it was typed
	Wallet wallet.Address
	Claim  *airdrop.Claim     // nil: not on the list, or one of the next says why not
	JSON   string             // the claim, for copying
	Call   *airdrop.ClaimCall // nil: there is no contract to claim from
	// Relay is a claim that the wallet has signed, and that anybody can send: the address
	// of the page has the signature. RelayFault says why it cannot be used.
	Relay      *relay
	RelayFault string
	Rows       []claimRow // all claims of the wallet
	Amount     bool       // the leaves have an amount
	Wrong      string     // no address
	Early      bool       // the list is not final
	Fault      *ui.Missing
	Why        string // of a campaign with rules: why it gets what it gets; "" = not said
}

// claimRow is one of a wallet's claims.
type claimRow struct {
	airdrop.RowClaim
	Values []claimValue // of leaves that are not wallet, amount and index
}

type claimValue struct{ Name, Text string }

// claimRows returns all claims of a wallet, and whether they have amounts.
func claimRows(c airdrop.Claim, format merkle.Format) (rows []claimRow, amounts bool) {
	all := c.Claims
	if len(all) == 0 {
		all = []airdrop.RowClaim{{Wallet: c.Wallet, Index: c.Index, Amount: c.Amount, Leaf: c.Leaf, Proof: c.Proof, Root: c.Root, Values: c.Values, Sides: c.Sides}}
	}
	leaf := format.Spec().Leaf
	who, amount := leaf.Roles()
	for _, claim := range all {
		row := claimRow{RowClaim: claim}
		for i, text := range claim.Values {
			if i == who || i >= len(leaf.Fields) {
				continue
			}
			f := leaf.Fields[i]
			name := f.Name
			if name == "" {
				name = f.Type.String()
			}
			row.Values = append(row.Values, claimValue{name, text})
		}
		rows = append(rows, row)
	}
	return rows, amount >= 0
}

// campaignData embeds the campaign's facts.
type campaignData struct {
	Campaign airdrop.Campaign
	Check    *check // nil: nobody asked
	Outcome  *ui.Outcome
	Upload   uploadForm
	Payment  *payment // nil: no contract pays it
	Unpaid   *ui.Missing
	Plan     *airdrop.PlannedDistributor // nil: nobody asked
	Form     url.Values                  // as it was typed
	Question *buildQuestion              // asked before the tree is built; nil: nothing is
}

// Typed is what was typed into a field of a form that is shown again.
func (d campaignData) Typed(name string) string { return d.Form.Get(name) }

func (p *airdropPages) campaign(rw http.ResponseWriter, r *http.Request) error {
	return p.showCampaign(rw, r, chi.URLParam(r, "id"), http.StatusOK, nil)
}

// showCampaign is also the answer to an operator's upload, with its outcome.
func (p *airdropPages) showCampaign(rw http.ResponseWriter, r *http.Request, id string, status int, done *ui.Outcome) error {
	d := campaignData{Outcome: done}
	if done != nil && done.Fault != nil {
		d.Form = r.PostForm
	}
	return p.showCampaignWith(rw, r, id, status, d)
}

// showCampaignWith shows a campaign's page with what an operator has asked for.
func (p *airdropPages) showCampaignWith(rw http.ResponseWriter, r *http.Request, id string, status int, d campaignData) error {
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return err
	}
	d.Campaign, d.Upload = c, uploadOf(r)
	if asked := strings.TrimSpace(r.URL.Query().Get("wallet")); asked != "" {
		d.Check = p.checkWallet(r, c, asked)
	}
	d.Payment, d.Unpaid = p.payment(r, c)
	if d.Payment != nil && d.Check != nil && d.Check.Claim != nil {
		d.Check.Call, d.Check.Fault = p.call(r, c.ID, d.Check.Wallet)
		p.addRelay(r, c.ID, d.Check)
	}
	page := ui.Page{
		Title: c.Name, Nav: "/airdrops", Data: d,
		Description: fmt.Sprintf("%s: check whether a wallet is on the list, and take its proof.", c.Name),
	}
	if ui.WantsFragment(r, "check") {
		return p.site.Fragment(rw, r, "airdrops/campaign", "check", page)
	}
	return p.site.Show(rw, r, status, "airdrops/campaign", page)
}

func (p *airdropPages) checkWallet(r *http.Request, campaign airdrop.Campaign, asked string) *check {
	c := &check{Asked: asked}
	written, err := wallet.Read(asked, 0)
	if err != nil {
		c.Wrong = fault.From(err).Message
		return c
	}
	address := written.Address
	c.Wallet = address
	if campaign.Phase != "" {
		if why, err := p.service.Why(r.Context(), airdrop.WhyQuery{ID: campaign.ID, Wallet: address}); err == nil {
			c.Why = why.Reason
		} else if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
			c.Fault = ui.Part(r.Context(), err, "Airdrops", "why this wallet gets what it gets")
			return c
		}
	}
	claim, err := p.service.Claim(r.Context(), airdrop.ClaimQuery{ID: campaign.ID, Wallet: address})
	switch {
	case err == nil:
		c.Claim = &claim
		c.Rows, c.Amount = claimRows(claim, campaign.Format)
		text, jsonErr := json.Marshal(claim)
		if jsonErr != nil {
			c.Fault = ui.Part(r.Context(), jsonErr, "Airdrops", "the proof as a file")
		}
		c.JSON = string(text)
	case fault.Is(err, fault.NotFound):
	case fault.Is(err, fault.Conflict):
		c.Early = true
	default:
		c.Fault = ui.Part(r.Context(), err, "Airdrops", "whether this wallet is on the list")
	}
	return c
}

// proof is a claim as a file to keep: one line, so that files of many wallets
// put together are what `banyan airdrop verify --proofs` reads.
func (p *airdropPages) proof(rw http.ResponseWriter, r *http.Request) error {
	address, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	claim, err := p.service.Claim(r.Context(), airdrop.ClaimQuery{ID: chi.URLParam(r, "id"), Wallet: address})
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
	_, _ = rw.Write(append(body, '\n')) // the browser may be gone; nobody is left to report it to
	return nil
}
