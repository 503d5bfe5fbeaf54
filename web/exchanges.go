package web

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
)

const exchangesPerPage = 25

type exchangesData struct {
	Query   exchangereview.ExchangesQuery
	Page    exchangereview.ExchangePage
	Ranked  bool // the places 1, 2, 3 … can be told
	Chains  []string
	Missing *missing
	Wrong   string // what is wrong with the query
	turns
}

// Filtered tells whether less than everything is asked for.
func (d exchangesData) Filtered() bool { return d.Query.Kind+d.Query.Chain+d.Query.Q != "" }

func (w *Web) exchanges(rw http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	d := exchangesData{Query: exchangereview.ExchangesQuery{
		Kind: v.Get("kind"), Chain: v.Get("chain"), Q: strings.TrimSpace(v.Get("q")),
		Sort: v.Get("sort"), Cursor: v.Get("cursor"), Limit: exchangesPerPage,
	}}
	onlyResults := wantsFragment(r, "results")
	var err error
	together(func() {
		d.Page, err = w.o.Exchanges.Exchanges(ctx, d.Query)
	}, func() {
		if !onlyResults {
			d.Chains = w.chains(r, d.Query.Chain)
		}
	})
	if fault.Is(err, fault.Invalid) {
		d.Wrong = wrongField(err)
	} else {
		d.Missing = part(ctx, err, "Exchange reviews", "the exchanges")
	}
	d.Ranked = d.Query.Cursor == "" && d.Query.Q == "" && (d.Query.Sort == "" || d.Query.Sort == exchangereview.ByRating)
	d.turns = turnsOf(r, d.Page.Next)
	p := page{
		Title: "Exchanges", Nav: "exchanges", Data: d,
		Description: "Exchanges ranked by reviews that are signed by their writers' wallets and weighted by their reputation.",
	}
	if onlyResults {
		return w.fragment(rw, r, "exchanges", "results", p)
	}
	return w.show(rw, r, statusOf(err), "exchanges", p)
}

// chains lists the chains to choose from. Without an answer there is still the
// one that is chosen.
func (w *Web) chains(r *http.Request, chosen string) []string {
	var chains []string
	if chosen != "" {
		chains = append(chains, chosen)
	}
	// Its error is that of the list itself, which the page shows.
	all, _ := w.o.Exchanges.Exchanges(r.Context(), exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: 200})
	for _, e := range all.Exchanges {
		chains = append(chains, e.Chains...)
	}
	slices.Sort(chains)
	return slices.Compact(chains)
}

// statusOf is a page's status when its main part failed but the page is shown.
func statusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return fault.Status(fault.CodeOf(err))
}

// wrongField gives the sentence for people from an invalid fault.
func wrongField(err error) string {
	f := fault.From(err)
	if len(f.Fields) == 0 {
		return f.Message
	}
	texts := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		texts[i] = field.String()
	}
	return strings.Join(texts, "; ")
}

const reviewsPerPage = 20

type exchangeData struct {
	Exchange exchangereview.Exchange
	Aspects  []aspect
	Reviews  exchangereview.ReviewPage
	Missing  *missing // the reviews
	Form     *reviewForm
	turns
	// Structured is the rating for search engines (schema.org), nil without
	// reviews: they refuse an empty one.
	Structured map[string]any
}

func structured(e exchangereview.Exchange) map[string]any {
	if e.Rating.Reviews == 0 {
		return nil
	}
	return map[string]any{
		"@context": "https://schema.org", "@type": "Organization", "name": e.Name, "url": e.Website,
		"aggregateRating": map[string]any{
			"@type": "AggregateRating", "ratingValue": math.Round(e.Rating.Mean*100) / 100, "reviewCount": e.Rating.Reviews, "bestRating": 5, "worstRating": 1,
		},
	}
}

func (w *Web) exchange(rw http.ResponseWriter, r *http.Request) error {
	ctx, slug, who := r.Context(), chi.URLParam(r, "slug"), viewerOf(r)
	d := exchangeData{}
	cursor := r.URL.Query().Get("cursor")
	var exchangeErr, reviewsErr, formErr error
	together(func() {
		d.Exchange, exchangeErr = w.o.Exchanges.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug})
	}, func() {
		d.Reviews, reviewsErr = w.o.Exchanges.Reviews(ctx, exchangereview.ReviewsQuery{Slug: slug, Cursor: cursor, Limit: reviewsPerPage})
	}, func() {
		if who.SignedIn {
			d.Form, formErr = w.reviewForm(ctx, slug, who.Wallet)
		}
	})
	if exchangeErr != nil {
		return exchangeErr
	}
	if reviewsErr == nil {
		reviewsErr = formErr
	}
	d.Missing = part(ctx, reviewsErr, "Reviews", "what people wrote")
	d.Aspects, d.Structured = aspectsOf(d.Exchange.Rating.Aspects), structured(d.Exchange)
	d.turns = turnsOf(r, d.Reviews.Next)
	return w.show(rw, r, http.StatusOK, "exchange", page{
		Title: d.Exchange.Name, Nav: "exchanges", Data: d,
		Description: "Signed reviews of " + d.Exchange.Name + ", weighted by their writers' reputation.",
	})
}
