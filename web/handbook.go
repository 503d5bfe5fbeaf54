package web

import (
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/docs"
	"banyan/platform/fault"
	"banyan/web/markdown"
	"banyan/web/ui"
)

// handbookPath is where the handbook is.
const handbookPath = "/handbook"

type handbookData struct {
	Pages  []docs.Page
	Number int // of the page shown
	Text   template.HTML
}

// Title is that of the page shown.
func (d handbookData) Title() string { return d.Pages[d.Number].Title }

// Next is the page after the one shown; nil = it is the last.
func (d handbookData) Next() *docs.Page {
	if d.Number+1 == len(d.Pages) {
		return nil
	}
	return &d.Pages[d.Number+1]
}

// handbook shows a page of the handbook, the first one without a name.
func (w *Web) handbook(rw http.ResponseWriter, r *http.Request) error {
	pages, err := docs.Pages()
	if err != nil {
		return err
	}
	name := chi.URLParam(r, "page")
	for i, p := range pages {
		if p.Name == name || name == "" {
			d := handbookData{Pages: pages, Number: i, Text: markdown.Document(p.Text)}
			return w.ui.Show(rw, r, http.StatusOK, "site/handbook", ui.Page{
				Title: p.Title + " · Handbook", Nav: handbookPath, Data: d,
				Description: "The handbook of Banyan: " + p.Title + ".",
			})
		}
	}
	return fault.Newf(fault.NotFound, "the handbook has no page %q: choose one of its list", name)
}
