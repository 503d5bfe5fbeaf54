package web

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/httpserver"
	"banyan/web/ui"
)

// widgetPage is what another site shows in a frame: the score with a link, and nothing
// that runs. Its style is its own, because it stands among other people's.
const widgetPage = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{.Name}}</title>` +
	`<style nonce="{{.Nonce}}">body{margin:0;font:15px/1.4 system-ui,sans-serif}a{display:block;padding:12px 16px;border:1px solid #8a8a8a;border-radius:8px;color:inherit;text-decoration:none}b{font-size:1.6em}small{display:block;opacity:.8}</style></head>` +
	`<body><a href="{{.Page}}" target="_blank" rel="noopener">{{.Name}}: {{if .Rating.Enough}}<b>{{printf "%.1f" .Rating.Mean}}</b> of 5<small>{{printf "%.1f" .Rating.Low}} to {{printf "%.1f" .Rating.High}} with 90 % confidence, from {{.Rating.Reviews}} signed reviews</small>{{else}}not enough evidence<small>{{.Rating.Reviews}} signed reviews so far</small>{{end}}</a></body></html>`

type widgetData struct {
	Name, Page, Nonce string
	Rating            exchangereview.Rating
}

// widget is a page that other sites may show in a frame; no other page is.
func (p *exchangePages) widget(rw http.ResponseWriter, r *http.Request) error {
	e, err := p.service.Exchange(r.Context(), exchangereview.ExchangeQuery{Slug: chi.URLParam(r, "slug")})
	if err != nil {
		return err
	}
	t, err := template.New("widget").Parse(widgetPage)
	if err != nil {
		return err
	}
	d := widgetData{e.Name, p.site.Absolute("/exchanges/", e.Slug), httpserver.Nonce(r.Context()), e.Rating}
	var page bytes.Buffer
	if err := t.Execute(&page, d); err != nil {
		return err
	}
	h := rw.Header()
	h.Del("X-Frame-Options")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+d.Nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors *")
	return elsewhere(rw, "text/html; charset=utf-8", page.Bytes())
}

// embed says how another site shows the score.
func (p *exchangePages) embed(rw http.ResponseWriter, r *http.Request) error {
	e, err := p.service.Exchange(r.Context(), exchangereview.ExchangeQuery{Slug: chi.URLParam(r, "slug")})
	if err != nil {
		return err
	}
	at := p.site.Absolute("/exchanges/", e.Slug)
	return p.site.Show(rw, r, http.StatusOK, "exchanges/embed", ui.Page{
		Title: "The score of " + e.Name + " on another site", Nav: "/exchanges", Description: "A badge and a small page with the score, for other sites.",
		Data: struct {
			Exchange      exchangereview.Exchange
			Badge, Widget string
		}{
			e,
			`<a href="` + at + `"><img src="` + at + `/badge.svg" width="260" height="44" alt="Score of ` + template.HTMLEscapeString(e.Name) + `"></a>`,
			`<iframe src="` + at + `/widget" width="320" height="96" loading="lazy" title="Score of ` + template.HTMLEscapeString(e.Name) + `"></iframe>`,
		},
	})
}
