package web

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/web/ui"
)

const (
	reviewsPerPage = 20
	shownPlaces    = 30 // of the earlier rankings
)

type exchangeData struct {
	Exchange  exchangereview.Exchange
	Aspects   []aspect
	Breakdown []exchangereview.BreakdownLine
	Burst     *exchangereview.Burst // of the last seven days
	Query     exchangereview.ReviewsQuery
	From, To  string // days, as the form has them
	Reviews   exchangereview.ReviewPage
	Missing   *ui.Missing // the reviews
	Form      *reviewForm
	Claim     *exchangereview.Claim // the one that holds; nil: the profile is not claimed
	MaxReply  int
	Places    []exchangereview.Place // where it stood, the latest first
	Muted     mutedWallets           // of the viewer
	ui.Pager
	// Structured is the rating for search engines (schema.org), nil without
	// evidence: they refuse an empty one.
	Structured map[string]any
}

// choice is an option of a list.
type choice struct{ Value, Label string }

// Sorts are the orders of reviews.
func (d exchangeData) Sorts() []choice {
	return []choice{
		{exchangereview.ByNewest, "Newest"},
		{exchangereview.ByOldest, "Oldest"},
		{exchangereview.ByHelpful, "Most helpful"},
		{exchangereview.ByBest, "Most stars"},
		{exchangereview.ByWorst, "Fewest stars"},
	}
}

// AllStars are what a filter may ask for.
func (d exchangeData) AllStars() []int { return []int{5, 4, 3, 2, 1} }

// Filtered reports whether less than all reviews are asked for.
func (d exchangeData) Filtered() bool {
	return d.Query.Stars != 0 || d.Query.Proof != "" || d.Query.Language != "" || d.From+d.To != ""
}

// Languages are what a filter may ask for.
func (d exchangeData) Languages() []choice {
	codes := []string{"en", "ar", "de", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "uk", "vi", "zh"}
	if d.Query.Language != "" && !slices.Contains(codes, d.Query.Language) {
		codes = append(codes, d.Query.Language)
	}
	list := make([]choice, len(codes))
	for i, code := range codes {
		list[i] = choice{code, code}
		if tag, err := language.Parse(code); err == nil {
			list[i].Label = display.English.Languages().Name(tag)
		}
	}
	return list
}

// days reads the days of the form: both are included.
func (d *exchangeData) days() error {
	for _, day := range []struct {
		text  string
		after time.Duration
		into  *int64
	}{{d.From, 0, &d.Query.From}, {d.To, 24 * time.Hour, &d.Query.To}} {
		if day.text == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			return fault.Newf(fault.Invalid, "%q is not a day like 2026-01-31", day.text)
		}
		*day.into = at.Add(day.after).UnixMilli()
	}
	return nil
}

// bar is a line of the histogram, which leads to the reviews that it counts.
type bar struct {
	Stars, Reviews int
	Share          float64 // of the longest
}

// Bars are the histogram, most stars first.
func (d exchangeData) Bars() []bar {
	most, bars := 1, make([]bar, 0, 5)
	for _, n := range d.Exchange.Rating.Histogram {
		most = max(most, n)
	}
	for i := 4; i >= 0; i-- {
		n := d.Exchange.Rating.Histogram[i]
		bars = append(bars, bar{i + 1, n, float64(n) / float64(most)})
	}
	return bars
}

// recent returns the first burst if it was in the last seven days.
func recent(bursts []exchangereview.Burst, now time.Time) *exchangereview.Burst {
	if len(bursts) == 0 || now.Sub(time.UnixMilli(bursts[0].DayMS)) > 8*24*time.Hour {
		return nil
	}
	return &bursts[0]
}

// structuredReviews is how many reviews search engines are told of.
const structuredReviews = 5

func structured(e exchangereview.Exchange, reviews []exchangereview.Review) map[string]any {
	if !e.Rating.Enough {
		return nil
	}
	some := []map[string]any{}
	for _, r := range reviews[:min(len(reviews), structuredReviews)] {
		if r.State == exchangereview.Held {
			continue
		}
		some = append(some, map[string]any{
			"@type": "Review", "datePublished": rfc3339(r.CreatedMS), "reviewBody": r.Text,
			"author":       map[string]any{"@type": "Person", "name": r.Wallet.String()},
			"reviewRating": map[string]any{"@type": "Rating", "ratingValue": r.Overall, "bestRating": 5, "worstRating": 1},
		})
	}
	return map[string]any{
		"review":   some,
		"@context": "https://schema.org", "@type": "Organization", "name": e.Name, "url": e.Website,
		"aggregateRating": map[string]any{
			"@type": "AggregateRating", "ratingValue": math.Round(e.Rating.Mean*100) / 100, "reviewCount": e.Rating.Reviews, "bestRating": 5, "worstRating": 1,
		},
	}
}

func (p *exchangePages) exchange(rw http.ResponseWriter, r *http.Request) error {
	ctx, slug, who := r.Context(), chi.URLParam(r, "slug"), ui.ViewerOf(r)
	v := r.URL.Query()
	d := exchangeData{Query: exchangereview.ReviewsQuery{Slug: slug, Sort: v.Get("sort"), Cursor: v.Get("cursor"), Limit: reviewsPerPage}}
	d.Query.Language, d.Query.Dimension, d.Query.Proof = v.Get("language"), v.Get("dimension"), p.askedProof(r)
	if d.From, d.To = v.Get("from"), v.Get("to"); d.From+d.To != "" {
		if err := d.days(); err != nil {
			return err
		}
	}
	if text := v.Get("stars"); text != "" {
		stars, err := strconv.Atoi(text)
		if err != nil {
			return fault.New(fault.Invalid, "the stars to show are 1 to 5")
		}
		d.Query.Stars = stars
	}
	var exchangeErr, reviewsErr, formErr error
	ui.Together(func() {
		d.Exchange, exchangeErr = p.service.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug})
	}, func() {
		d.Reviews, reviewsErr = p.service.Reviews(ctx, d.Query)
	}, func() {
		// Without it the page has the score alone.
		b, _ := p.service.Breakdown(ctx, exchangereview.BreakdownQuery{Slug: slug})
		d.Breakdown = b.Lines
	}, func() {
		// Without it the page has no banner.
		if b, err := p.service.Bursts(ctx, exchangereview.BurstsQuery{Slug: slug, Limit: 1}); err == nil {
			d.Burst = recent(b.Bursts, time.Now())
		}
	}, func() {
		// Without it the page has no history of the rank.
		places, _ := p.service.Places(ctx, exchangereview.PlacesQuery{Slug: slug})
		d.Places = places.Places[:min(len(places.Places), shownPlaces)]
	}, func() {
		// Without it nobody can answer for the exchange here.
		claims, _ := p.service.Claims(ctx, exchangereview.ClaimsQuery{Slug: slug})
		d.Claim, d.MaxReply = holding(claims.Claims), exchangereview.MaxReply
	}, func() {
		d.Muted, _ = p.muted(r)
	}, func() {
		if who.SignedIn {
			d.Form, formErr = p.reviewForm(ctx, slug, who.Wallet)
		}
	})
	if exchangeErr != nil {
		return exchangeErr
	}
	if fault.Is(reviewsErr, fault.Invalid) {
		return reviewsErr
	}
	if reviewsErr == nil {
		reviewsErr = formErr
	}
	d.Missing = ui.Part(ctx, reviewsErr, "Reviews", "what people wrote")
	d.Aspects, d.Structured = aspectsOf(d.Exchange.Rating.Aspects), structured(d.Exchange, d.Reviews.Reviews)
	d.Pager = ui.PagerOf(r, d.Reviews.Next)
	return p.site.Show(rw, r, http.StatusOK, "exchanges/exchange", ui.Page{
		Title: d.Exchange.Name, Nav: "/exchanges", Data: d,
		Description: "Signed reviews of " + d.Exchange.Name + ", weighted by their writers' reputation.",
	})
}

// millionths writes a number of millionths with two decimals.
func millionths(n int64) string { return strconv.FormatFloat(float64(n)/1e6, 'f', 2, 64) }

// percent writes a share in millionths.
func percent(n int64) string { return strconv.FormatFloat(float64(n)/1e4, 'f', 1, 64) + " %" }

type rankingsData struct {
	Page    exchangereview.EpochPage
	Missing *ui.Missing
	ui.Pager
}

// rankings lists the rankings that can be verified.
func (p *exchangePages) rankings(rw http.ResponseWriter, r *http.Request) error {
	var d rankingsData
	var err error
	d.Page, err = p.service.RankingEpochs(r.Context(), exchangereview.EpochsQuery{Cursor: r.URL.Query().Get("cursor"), Limit: exchangesPerPage})
	if fault.Is(err, fault.Invalid) {
		return err
	}
	d.Missing, d.Pager = ui.Part(r.Context(), err, "Exchange reviews", "the rankings"), ui.PagerOf(r, d.Page.Next)
	return p.site.Show(rw, r, ui.StatusOf(err), "exchanges/rankings", ui.Page{
		Title: "Rankings that anybody can verify", Nav: "/exchanges", Data: d,
		Description: "Rankings of exchanges with everything that they follow from.",
	})
}

// prepareWithdrawal returns the document with which the wallet takes its review
// back.
func (p *exchangePages) prepareWithdrawal(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return fault.New(fault.Unauthenticated, "sign in with the wallet that wrote the review, then send it again")
	}
	if !ui.WantsJSON(r) {
		return fault.New(fault.Invalid, "a withdrawal is signed in your wallet, which needs JavaScript: turn it on for this site and send it again")
	}
	prepared, err := p.service.PrepareWithdrawal(r.Context(), exchangereview.WithdrawalDraft{Slug: chi.URLParam(r, "slug"), Wallet: who.Wallet})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// withdrawReview takes the review back with what prepareWithdrawal answered and
// the wallet's signature.
func (p *exchangePages) withdrawReview(rw http.ResponseWriter, r *http.Request) error {
	var signed exchangereview.PreparedWithdrawal
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed withdrawal arrived incomplete: load the page again and send it once more")
	}
	signed.Withdrawal.Slug = chi.URLParam(r, "slug")
	withdrawn, err := p.service.WithdrawReview(r.Context(), signed.Withdrawal)
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, struct {
		Location string `json:"location"`
	}{p.site.At("/exchanges/", withdrawn.Exchange)})
}
