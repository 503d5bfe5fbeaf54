package web

import (
	"errors"
	"html/template"
	"net/http"

	"banyan/web/ui"
)

// homeRows is how many exchanges, airdrops or wallets the home page shows.
const homeRows = 5

type homeData struct {
	Buttons []ui.Entry
	Figures []Figure
	Intros  []introCard
	Missing []*ui.Missing
	Columns []template.HTML
	Rows    []template.HTML
	// Empty: no module has anything yet. Operators then see what to do first.
	Empty bool
	Next  []Step
}

// firstSteps is how many open steps the home page of an empty site shows.
const firstSteps = 3

// introCard is an Intro with what stands around it.
type introCard struct {
	Intro
	Title, Path string
}

func (w *Web) home(rw http.ResponseWriter, r *http.Request) error {
	var d homeData
	for _, s := range w.sections {
		if s.Intro.Text != "" {
			d.Intros = append(d.Intros, introCard{s.Intro, s.Title, s.Menu.Path})
		}
	}
	sections := inMenu(w.sections)
	parts := make([]HomePart, len(sections))
	var questions []func()
	for i, s := range sections {
		if s.Intro.Button != "" {
			d.Buttons = append(d.Buttons, ui.Entry{Path: s.Menu.Path, Label: s.Intro.Button})
		}
		if s.Home != nil {
			questions = append(questions, func() { parts[i] = s.Home(r) })
		}
	}
	ui.Together(questions...)
	var wrong error
	d.Empty = len(questions) > 0
	for i, part := range parts {
		d.Empty = d.Empty && (part.Empty || sections[i].Home == nil)
		d.Figures, wrong = append(d.Figures, part.Figures...), errors.Join(wrong, part.Err)
		if part.Missing != nil {
			d.Missing = append(d.Missing, part.Missing)
			continue
		}
		d.Columns, d.Rows = appendHTML(d.Columns, part.Column), appendHTML(d.Rows, part.Row)
	}
	if wrong != nil {
		return wrong
	}
	if d.Empty && ui.ViewerOf(r).Operator && w.o.Site != nil {
		for _, s := range w.steps(r) {
			if s.Done == "" && len(d.Next) < firstSteps {
				d.Next = append(d.Next, s)
			}
		}
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/home", ui.Page{
		Title:       "Banyan: reviews and reputation that anybody can check",
		Description: "Signed exchange reviews that nobody can buy, reputation that anybody can recompute, and airdrops with a proof for every wallet.",
		Data:        d,
	})
}

// appendHTML leaves out what is empty.
func appendHTML(list []template.HTML, part template.HTML) []template.HTML {
	if part == "" {
		return list
	}
	return append(list, part)
}
