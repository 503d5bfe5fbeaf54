package web

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
)

// feedLength is how many reviews a feed has.
const feedLength = 50

func (p *exchangePages) mountFeeds(r chi.Router) {
	r.Get("/exchanges/-/feed.atom", p.site.Handle(p.atom))
	r.Get("/exchanges/-/feed.json", p.site.Handle(p.jsonFeed))
	r.Get("/exchanges/{slug}/feed.atom", p.site.Handle(p.atom))
	r.Get("/exchanges/{slug}/feed.json", p.site.Handle(p.jsonFeed))
	r.Get("/exchanges/{slug}/badge.svg", p.site.Handle(p.badge))
	r.Get("/exchanges/{slug}/widget", p.site.Handle(p.widget))
	r.Get("/exchanges/{slug}/embed", p.site.Handle(p.embed))
}

// feed is the newest reviews of an exchange, or of all.
type feed struct {
	title   string
	home    string // path of the page
	all     bool
	reviews []exchangereview.Review
}

func (p *exchangePages) feed(r *http.Request) (f feed, err error) {
	slug := chi.URLParam(r, "slug")
	if slug == "" {
		page, err := p.service.AllReviews(r.Context(), exchangereview.AllReviewsQuery{Limit: feedLength})
		return feed{title: "Reviews of all exchanges", home: "/exchanges", all: true, reviews: page.Reviews}, err
	}
	e, err := p.service.Exchange(r.Context(), exchangereview.ExchangeQuery{Slug: slug})
	if err != nil {
		return f, err
	}
	page, err := p.service.Reviews(r.Context(), exchangereview.ReviewsQuery{Slug: slug, Limit: feedLength})
	return feed{title: "Reviews of " + e.Name, home: "/exchanges/" + e.Slug, reviews: page.Reviews}, err
}

// self is the address of the feed.
func (p *exchangePages) self(f feed, file string) string {
	if f.all {
		return p.site.Absolute("/exchanges/-/", file)
	}
	return p.site.Absolute(f.home, "/", file)
}

// place is the address of a review for other programs.
func (p *exchangePages) place(v *exchangereview.Review) string {
	return p.site.Absolute("/exchanges/", v.Exchange, "/reviews/", v.Wallet)
}

func (f *feed) headline(v *exchangereview.Review) string {
	of := ""
	if f.all {
		of = " for " + v.Exchange
	}
	return fmt.Sprintf("%d of 5%s by %s", v.Overall, of, v.Wallet.Short())
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Link    atomLink `xml:"link"`
	Content string   `xml:"content"`
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

func rfc3339(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// atom is the newest reviews for feed readers (RFC 4287). Texts are plain: what
// people write is shown as HTML on our own pages alone.
func (p *exchangePages) atom(rw http.ResponseWriter, r *http.Request) error {
	of, err := p.feed(r)
	if err != nil {
		return err
	}
	self := p.self(of, "feed.atom")
	f := atomFeed{
		ID: self, Title: of.title, Updated: rfc3339(0),
		Links: []atomLink{{"self", self}, {"alternate", p.site.Absolute(of.home)}},
	}
	for i := range of.reviews {
		v := &of.reviews[i]
		if i == 0 {
			f.Updated = rfc3339(v.CreatedMS)
		}
		f.Entries = append(f.Entries, atomEntry{
			ID: "urn:banyan:review:" + v.Hash.String(), Title: of.headline(v), Updated: rfc3339(v.CreatedMS), Author: v.Wallet.String(),
			Link: atomLink{Href: p.place(v)}, Content: v.Text,
		})
	}
	text, err := xml.Marshal(f)
	if err != nil {
		return err
	}
	return elsewhere(rw, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), text...))
}

type jsonItem struct {
	ID        string `json:"id"`
	URL       string `json:"url"`
	Title     string `json:"title"`
	Text      string `json:"content_text"`
	Published string `json:"date_published"`
}

// jsonFeedOf is a JSON Feed 1.1.
type jsonFeedOf struct {
	Version string     `json:"version"`
	Title   string     `json:"title"`
	Home    string     `json:"home_page_url"`
	Feed    string     `json:"feed_url"`
	Items   []jsonItem `json:"items"`
}

// jsonFeed is the newest reviews as JSON Feed 1.1 (jsonfeed.org).
func (p *exchangePages) jsonFeed(rw http.ResponseWriter, r *http.Request) error {
	of, err := p.feed(r)
	if err != nil {
		return err
	}
	items := make([]jsonItem, len(of.reviews))
	for i := range of.reviews {
		v := &of.reviews[i]
		items[i] = jsonItem{"urn:banyan:review:" + v.Hash.String(), p.place(v), of.headline(v), v.Text, rfc3339(v.CreatedMS)}
	}
	text, err := json.Marshal(jsonFeedOf{
		"https://jsonfeed.org/version/1.1", of.title, p.site.Absolute(of.home), p.self(of, "feed.json"), items,
	})
	if err != nil {
		return err
	}
	return elsewhere(rw, "application/feed+json", text)
}

// badge is a picture of the score that other sites may show.
func (p *exchangePages) badge(rw http.ResponseWriter, r *http.Request) error {
	e, err := p.service.Exchange(r.Context(), exchangereview.ExchangeQuery{Slug: chi.URLParam(r, "slug")})
	if err != nil {
		return err
	}
	score := "not enough evidence"
	if e.Rating.Enough {
		score = fmt.Sprintf("%.1f of 5, %.1f to %.1f", e.Rating.Mean, e.Rating.Low, e.Rating.High)
	}
	name := template.HTMLEscapeString(e.Name)
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="260" height="44" role="img" aria-label="%[1]s: %[2]s">`+
		`<title>%[1]s: %[2]s</title><rect width="260" height="44" rx="6" fill="#1f4d36"/>`+
		`<g fill="#fff" font-family="Verdana,sans-serif"><text x="12" y="18" font-size="13" font-weight="bold">%[1]s</text>`+
		`<text x="12" y="35" font-size="12">%[2]s</text></g></svg>`, name, score)
	return elsewhere(rw, "image/svg+xml", []byte(svg))
}

// elsewhere answers with what other sites may load and keep for a while.
func elsewhere(rw http.ResponseWriter, kind string, body []byte) error {
	h := rw.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, err := rw.Write(body)
	return err
}
