package web

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/feature"
	"banyan/platform/wallet"
	"banyan/web/card"
	"banyan/web/ui"
)

// home shows the exchanges that are rated best, and what was written last.
func (p *exchangePages) home(r *http.Request) HomePart {
	var all exchangereview.ExchangePage
	var recent exchangereview.RecentReviews
	var err, recentErr error
	ui.Together(func() {
		all, err = p.service.Exchanges(r.Context(), exchangereview.ExchangesQuery{Sort: exchangereview.ByRating, Limit: 200})
	}, func() {
		recent, recentErr = p.service.RecentReviews(r.Context(), exchangereview.RecentQuery{Limit: homeRows})
	})
	if err == nil {
		err = recentErr
	}
	part := HomePart{Missing: ui.Part(r.Context(), err, "Exchange reviews", "exchanges and their reviews")}
	listed, written := "–", "–"
	if err == nil {
		more, reviews := "", 0
		if all.Next != "" {
			more = "+" // there are more exchanges than were counted
		}
		for _, e := range all.Exchanges {
			reviews += e.Rating.Reviews
		}
		listed, written = ui.Number(len(all.Exchanges))+more, ui.Number(reviews)+more
		part.Empty = len(all.Exchanges) == 0
		var rowErr error
		muted, _ := p.muted(r)
		recent.Reviews = slices.DeleteFunc(recent.Reviews, func(r exchangereview.RecentReview) bool { return muted.Has(r.Wallet) })
		part.Column, part.Err = p.site.HTML(r, "exchanges/home", all.Exchanges[:min(homeRows, len(all.Exchanges))])
		part.Row, rowErr = p.site.HTML(r, "exchanges/recent", recent.Reviews)
		part.Err = errors.Join(part.Err, rowErr)
	}
	part.Figures = []Figure{{"Exchanges listed", listed}, {"Signed reviews", written}}
	return part
}

// how explains ratings and weights.
func (p *exchangePages) how(r *http.Request) HowPart {
	method, err := p.service.Method(r.Context(), exchangereview.MethodQuery{})
	part := HowPart{Contents: []Figure{{"Rating", "rating"}, {"Weight", "weight"}, {"Signing a review", "signing"}}, Missing: ui.Part(r.Context(), err, "Exchange reviews", "what ratings are computed with")}
	d := struct{ Method *exchangereview.Method }{}
	if err == nil {
		d.Method = &method
	}
	part.HTML, part.Err = p.site.HTML(r, "exchanges/how", d)
	return part
}

// excerptLength is how much of a text the home page shows, in characters.
const excerptLength = 180

// excerpt is the begin of a text in one line, cut between words.
func excerpt(text string) string {
	words := strings.Fields(text)
	short, length := words[:0:0], 0
	for _, word := range words {
		if length += utf8.RuneCountInString(word) + 1; length > excerptLength {
			if len(short) == 0 { // one long word
				return string([]rune(word)[:excerptLength]) + "…"
			}
			return strings.Join(short, " ") + " …"
		}
		short = append(short, word)
	}
	return strings.Join(short, " ")
}

// find searches the directory.
func (p *exchangePages) find(r *http.Request, text string) ([]Found, error) {
	all, err := p.service.Exchanges(r.Context(), exchangereview.ExchangesQuery{Q: text, Sort: exchangereview.ByName, Limit: 200})
	var found []Found
	for _, e := range all.Exchanges {
		found = append(found, Found{Kind: "Exchange", Title: e.Name, Path: "/exchanges/" + e.Slug})
	}
	return found, err
}

// steps say whether there is anything to review.
func (p *exchangePages) steps(r *http.Request) []Step {
	s := Step{
		Order: stepDirectory, Title: "Fill the directory of exchanges", Path: "/operator#import", Label: "Import a directory",
		Text: "People review what is in the directory: a JSON file with an entry for each exchange.",
	}
	found, err := p.service.Exchanges(r.Context(), exchangereview.ExchangesQuery{Limit: 1})
	s.Fault = ui.Part(r.Context(), err, "Exchange reviews", "whether the directory is filled")
	if err == nil && len(found.Exchanges) > 0 {
		s.Done = "there are exchanges"
	}
	return []Step{s}
}

// IsMuted reports whether the viewer has muted the wallet.
func (d reviewsOfWallet) IsMuted() bool { return d.Muted.Has(d.Wallet) }

// reviewsOfWallet is the data of the template exchanges/wallet.
type reviewsOfWallet struct {
	Wallet  wallet.Address
	Mine    bool
	MayMute bool
	Muted   mutedWallets // of the viewer
	Reviews exchangereview.ReviewPage
	Missing *ui.Missing
	ui.Pager
}

func (p *exchangePages) wallet(r *http.Request, of wallet.Address) WalletPart {
	who, cursor := ui.ViewerOf(r), r.URL.Query().Get("cursor")
	d := reviewsOfWallet{Wallet: of, Mine: who.SignedIn && who.Wallet == of}
	var err, mutedErr error
	ui.Together(func() {
		d.Reviews, err = p.service.ReviewsOf(r.Context(), exchangereview.ReviewsOfQuery{Wallet: of, Cursor: cursor, Limit: reviewsPerPage})
	}, func() {
		d.Muted, mutedErr = p.muted(r)
	})
	d.MayMute = who.SignedIn && !d.Mine && mutedErr == nil && p.site.Shows(r, feature.Mutes)
	d.Missing, d.Pager = ui.Part(r.Context(), err, "Exchange reviews", "what this wallet wrote"), ui.PagerOf(r, d.Reviews.Next)
	html, err := p.site.HTML(r, "exchanges/wallet", d)
	return WalletPart{HTML: html, Err: err} // the template says below its title what is missing
}

func (p *exchangePages) operate(r chi.Router, show ui.ShowOutcome) {
	r.Post("/operator/exchanges", p.site.Handle(p.importExchanges(show)))
}

func (p *exchangePages) work(r *http.Request) OperatorPart {
	cards, err := p.site.HTML(r, "exchanges/operator", nil)
	return OperatorPart{Cards: cards, Err: err}
}

// importExchanges shows what a list would change; with what that page names, it
// makes these changes.
func (p *exchangePages) importExchanges(show ui.ShowOutcome) ui.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		return p.site.Upload("/operator", func(r *http.Request, u ui.Uploaded) (string, error) {
			confirm := u.Fields["confirm"]
			made, err := p.service.ImportExchanges(r.Context(), exchangereview.ExchangeUpload{Body: u.File, Check: confirm == "", Confirm: confirm})
			if err != nil {
				return "", err
			}
			if confirm == "" {
				return "", p.site.Show(rw, r, http.StatusOK, "exchanges/import", ui.Page{
					Title: "What an import would change", Nav: "/operator", Data: made, Description: "What a list of exchanges would change in the directory.",
				})
			}
			return ui.Plural(made.Added, "exchange was", "exchanges were") + " added and " + ui.Number(made.Updated) + " updated.", nil
		}, show)(rw, r)
	}
}

// statusName is what is shown of an exchange that is not active.
func statusName(status string) string {
	return map[string]string{exchangereview.Halted: "Halted", exchangereview.Dead: "Closed", exchangereview.Incident: "Incident"}[status]
}

func kindName(kind string) string {
	if kind == exchangereview.Decentralised {
		return "Decentralised"
	}
	return "Centralised"
}

// fee writes a share of the trade: 0.001 as 0.1 %.
func fee(x *float64) string {
	return strconv.FormatFloat(math.Round(*x*1e6)/1e4, 'f', -1, 64) + " %"
}

// scale is one line of marks in the review form.
type scale struct {
	Field, Name, Hint string
	Mark              int // 0 = none chosen yet
	Marks             [5]int
}

func newScale(field, name, hint string, mark int) scale {
	return scale{field, name, hint, mark, [5]int{1, 2, 3, 4, 5}}
}

// card says of an exchange how it is rated.
func (p *exchangePages) card(r *http.Request, path string) (*card.Card, error) {
	slug, found := strings.CutPrefix(path, "/exchanges/")
	if !found || strings.Contains(slug, "/") {
		return nil, nil
	}
	e, err := p.service.Exchange(r.Context(), exchangereview.ExchangeQuery{Slug: slug})
	if err != nil {
		return nil, err
	}
	c := &card.Card{Title: e.Name, Value: ui.Plural(e.Rating.Reviews, "signed review", "signed reviews")}
	if e.Rating.Enough {
		c.Value = strconv.FormatFloat(e.Rating.Mean, 'f', 1, 64) + " of 5 · " + c.Value
	}
	return c, nil
}
