package web

import (
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/seam"
	"banyan/platform/wallet"
	"banyan/web/markdown"
	"banyan/web/ui"
)

type exchangePages struct {
	site    *ui.Site
	service exchangereview.Service
}

// ExchangeReview makes the pages of the module exchange-review.
func ExchangeReview(route *seam.Route) Pages {
	return ExchangeReviewOf(exchangereview.NewClient(route))
}

// ExchangeReviewOf makes them over a service.
func ExchangeReviewOf(service exchangereview.Service) Pages {
	return func(site *ui.Site) Section {
		p := &exchangePages{site, service}
		return Section{
			Module: exchangereview.Name, Title: "Exchange reviews", Folder: "exchanges",
			Functions: template.FuncMap{
				"hex":      func(s exchangereview.Signature) string { return "0x" + hex.EncodeToString([]byte(s)) },
				"weight":   func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) },
				"markdown": markdown.HTML, "millionths": millionths, "percent": percent,
				"excerpt": excerpt,
				"sum":     func(a, b float64) float64 { return a + b },
				"method":  methodName, "proofName": proofName, "chainName": wallet.ChainName, "rankChart": rankChart, "move": move,
				"kind": kindName, "status": statusName, "fee": fee, "marks": marksOf, "scale": newScale,
			},
			Menu: ui.Entry{Path: "/exchanges", Label: "Exchanges"}, Order: 1,
			Intro: Intro{
				Text: "A review is signed by its writer’s wallet and weighs as much as that wallet’s reputation. A thousand fresh wallets weigh almost nothing.",
				Link: "Compare exchanges", Button: "Find an exchange",
			},
			Mount: p.mount, Operate: p.operate, Home: p.home, How: p.how, Card: p.card, Work: p.work, Wallet: p.wallet, Steps: p.steps, Find: p.find,
		}
	}
}

func (p *exchangePages) mount(r chi.Router) {
	r.Get("/exchanges", p.site.Hot(p.exchanges))
	r.Get("/exchanges/-/rankings", p.site.Hot(p.rankings))
	r.Get("/exchanges/-/compare", p.site.Handle(p.compare))
	p.mountModeration(r)
	p.mountFeeds(r)
	p.mountProfiles(r)
	r.Get("/exchanges/{slug}", p.site.Hot(p.exchange))
	r.Get("/exchanges/{slug}/reviews/{wallet}", p.site.Handle(p.reviewHistory))
	r.Post("/exchanges/{slug}/review", p.site.Form(p.prepareReview))
	r.Post("/exchanges/{slug}/review/publish", p.site.Form(p.publishReview))
	r.Post("/exchanges/{slug}/appeal", p.site.Form(p.prepareAppeal))
	r.Post("/exchanges/{slug}/appeal/publish", p.site.Form(p.publishAppeal))
	r.Post("/exchanges/{slug}/eas", p.site.Form(p.site.Behind(feature.EASReviews, p.prepareEAS)))
	r.Post("/exchanges/{slug}/eas/publish", p.site.Form(p.site.Behind(feature.EASReviews, p.publishEAS)))
	r.Post("/exchanges/{slug}/withdrawal", p.site.Form(p.prepareWithdrawal))
	r.Post("/exchanges/{slug}/withdrawal/publish", p.site.Form(p.withdrawReview))
}

const exchangesPerPage = 25

type exchangesData struct {
	Query   exchangereview.ExchangesQuery
	Page    exchangereview.ExchangePage
	Ranked  bool // the places 1, 2, 3 … are known
	Facets  exchangereview.Facets
	MaxFee  string // percent
	Missing *ui.Missing
	Wrong   string // what is wrong with the query
	ui.Pager
}

// Fees are the highest fees to choose from, in percent.
func (d exchangesData) Fees() []string { return []string{"0.05", "0.1", "0.2", "0.5"} }

// Statuses are the states to choose from.
func (d exchangesData) Statuses() []choice {
	return []choice{{exchangereview.Active, "Active"}, {exchangereview.Incident, "Incident"}, {exchangereview.Halted, "Halted"}, {exchangereview.Dead, "Closed"}}
}

// Proofs are what a review of the exchange may show.
func (d exchangesData) Proofs() []choice { return kindsOfProof() }

// Sorts are the orders.
func (d exchangesData) Sorts() []choice {
	return []choice{
		{exchangereview.ByRating, "Rating"},
		{exchangereview.ByStars, "Stars"},
		{exchangereview.ByReviews, "Most reviewed"},
		{exchangereview.ByChange, "Most places won"},
		{exchangereview.ByFee, "Lowest fee"},
		{exchangereview.ByName, "Name"},
	}
}

// Filtered reports whether less than everything is asked for.
func (d exchangesData) Filtered() bool {
	return d.Query.Kind+d.Query.Chain+d.Query.Country+d.Query.Status+d.Query.Proof+d.Query.Q+d.MaxFee != ""
}

func (p *exchangePages) exchanges(rw http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	d := exchangesData{Query: exchangereview.ExchangesQuery{
		Kind: v.Get("kind"), Chain: v.Get("chain"), Q: strings.TrimSpace(v.Get("q")),
		Country: v.Get("country"), Status: v.Get("status"), Proof: p.askedProof(r), Sort: v.Get("sort"), Cursor: v.Get("cursor"), Limit: exchangesPerPage,
	}, MaxFee: v.Get("fee")}
	if percent, err := strconv.ParseFloat(d.MaxFee, 64); err == nil {
		d.Query.MaxFee = percent / 100
	} else {
		d.MaxFee = ""
	}
	onlyResults := ui.WantsFragment(r, "results")
	var err error
	ui.Together(func() {
		d.Page, err = p.service.Exchanges(ctx, d.Query)
	}, func() {
		if !onlyResults {
			d.Facets = p.facets(r, &d.Query)
		}
	})
	if fault.Is(err, fault.Invalid) {
		d.Wrong = ui.WrongField(err)
	} else {
		d.Missing = ui.Part(ctx, err, "Exchange reviews", "the exchanges")
	}
	d.Ranked = d.Query.Cursor == "" && d.Query.Q == "" && (d.Query.Sort == "" || d.Query.Sort == exchangereview.ByRating)
	d.Pager = ui.PagerOf(r, d.Page.Next)
	page := ui.Page{
		Title: "Exchanges", Nav: "/exchanges", Data: d,
		Description: "Exchanges ranked by reviews that are signed by their writers' wallets and weighted by their reputation.",
	}
	if onlyResults {
		return p.site.Fragment(rw, r, "exchanges/list", "results", page)
	}
	return p.site.Show(rw, r, ui.StatusOf(err), "exchanges/list", page)
}

// facets lists what to choose from. Without an answer there is still what is chosen.
func (p *exchangePages) facets(r *http.Request, q *exchangereview.ExchangesQuery) exchangereview.Facets {
	all, _ := p.service.Facets(r.Context(), exchangereview.FacetsQuery{}) // its error is that of the list, which the page shows
	all.Chains, all.Countries = with(all.Chains, q.Chain), with(all.Countries, q.Country)
	return all
}

func with(facets []exchangereview.Facet, chosen string) []exchangereview.Facet {
	if chosen == "" || slices.ContainsFunc(facets, func(f exchangereview.Facet) bool { return f.Value == chosen }) {
		return facets
	}
	return append(facets, exchangereview.Facet{Value: chosen})
}
