package web

import (
	"errors"
	"html/template"
	"net/http"

	"banyan/web/ui"
)

// howPath explains the numbers of all pages; each of them leads to its part.
const howPath = "/how"

// HowPart explains a module's numbers, with what they are computed with at the moment.
type HowPart struct {
	Contents []Figure // what is explained, with the id of its part: "Rating", "rating"
	HTML     template.HTML
	Missing  *ui.Missing // of the parameters
	Err      error       // of a template
}

// how explains what ratings, weights, scores and proofs are.
func (w *Web) how(rw http.ResponseWriter, r *http.Request) error {
	sections := inMenu(w.sections)
	parts := make([]HowPart, len(sections))
	var questions []func()
	for i, s := range sections {
		if s.How != nil {
			questions = append(questions, func() { parts[i] = s.How(r) })
		}
	}
	ui.Together(questions...)
	var wrong error
	for _, part := range parts {
		wrong = errors.Join(wrong, part.Err)
	}
	if wrong != nil {
		return wrong
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/how", ui.Page{
		Title: "How it works", Nav: howPath, Data: struct{ Parts []HowPart }{parts},
		Description: "What a rating, a weight, a score and a proof are here, how each is computed, and with what.",
	})
}
