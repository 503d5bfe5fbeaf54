package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// mostCompared is how many exchanges stand side by side.
const mostCompared = 4

type compareData struct {
	Slugs     []string // as the form has them, with room for more
	Exchanges []exchangereview.Exchange
	Unknown   []string // of the form
	Choices   []choice
}

// Aspects are the rows of the sub-ratings, with a mean of each exchange.
func (d compareData) Aspects() (rows []comparedAspect) {
	for i, a := range aspectNames {
		row := comparedAspect{Name: a.Name}
		for j := range d.Exchanges {
			row.Means = append(row.Means, aspectsOf(d.Exchanges[j].Rating.Aspects)[i].Mean)
		}
		rows = append(rows, row)
	}
	return rows
}

type comparedAspect struct {
	Name  string
	Means []float64
}

// compare shows two to four exchanges side by side.
func (p *exchangePages) compare(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var d compareData
	for _, slug := range r.URL.Query()["with"] {
		if slug = strings.ToLower(strings.TrimSpace(slug)); slug != "" && !slices.Contains(d.Slugs, slug) {
			d.Slugs = append(d.Slugs, slug)
		}
	}
	if len(d.Slugs) > mostCompared {
		return fault.Newf(fault.Invalid, "%d exchanges are compared at most: leave some out", mostCompared)
	}
	found, errs := make([]exchangereview.Exchange, len(d.Slugs)), make([]error, len(d.Slugs)+1)
	var questions []func()
	for i, slug := range d.Slugs {
		questions = append(questions, func() { found[i], errs[i] = p.service.Exchange(ctx, exchangereview.ExchangeQuery{Slug: slug}) })
	}
	questions = append(questions, func() {
		page, err := p.service.Exchanges(ctx, exchangereview.ExchangesQuery{Limit: 200})
		for _, e := range page.Exchanges {
			d.Choices = append(d.Choices, choice{e.Slug, e.Name})
		}
		errs[len(d.Slugs)] = err
	})
	ui.Together(questions...)
	for i, err := range errs {
		switch {
		case fault.Is(err, fault.NotFound) && i < len(d.Slugs):
			d.Unknown = append(d.Unknown, d.Slugs[i])
		case err != nil:
			return err
		case i < len(d.Slugs):
			d.Exchanges = append(d.Exchanges, found[i])
		}
	}
	for len(d.Slugs) < mostCompared {
		d.Slugs = append(d.Slugs, "")
	}
	title := "Compare exchanges"
	if len(d.Exchanges) > 1 {
		names := make([]string, len(d.Exchanges))
		for i := range d.Exchanges {
			names[i] = d.Exchanges[i].Name
		}
		title = strings.Join(names, ", ") + " compared"
	}
	return p.site.Show(rw, r, http.StatusOK, "exchanges/compare", ui.Page{
		Title: title, Nav: "/exchanges", Data: d, Description: "Exchanges side by side: scores, sub-ratings and facts.",
	})
}

// move says how many places an exchange won or lost, "" for none.
func move(places int) string {
	switch {
	case places > 0:
		return "up " + ui.Plural(places, "place", "places")
	case places < 0:
		return "down " + ui.Plural(-places, "place", "places")
	}
	return ""
}

// rankChart draws where an exchange stood, the latest last; epochs in which it had no
// place are left out. "" for fewer than two.
func rankChart(places []exchangereview.Place) template.HTML {
	var ranked []exchangereview.Place
	for _, p := range slices.Backward(places) {
		if p.Rank > 0 {
			ranked = append(ranked, p)
		}
	}
	if len(ranked) < 2 {
		return ""
	}
	const width, top, height, left = 540.0, 16.0, 100.0, 40.0
	best, worst := ranked[0].Rank, ranked[0].Rank
	for _, p := range ranked {
		best, worst = min(best, p.Rank), max(worst, p.Rank)
	}
	y := func(rank int) float64 { return top + height*float64(rank-best)/float64(max(1, worst-best)) }
	var points strings.Builder
	for i, p := range ranked {
		fmt.Fprintf(&points, "%.1f,%.1f ", left+width*float64(i)/float64(len(ranked)-1), y(p.Rank))
	}
	labels := fmt.Sprintf(`<text x="0" y="%.1f">%d.</text>`, y(best)+5, best)
	if worst > best {
		labels += fmt.Sprintf(`<text x="0" y="%.1f">%d.</text>`, y(worst)+5, worst)
	}
	return ui.Markup(`<svg class="chart scores" viewBox="0 0 600 134" role="img" aria-label="From place %d to place %d in %d rankings, at best %d and at worst %d; the table below has each">%s<polyline class="curve" points="%s"/></svg>`,
		ranked[0].Rank, ranked[len(ranked)-1].Rank, len(ranked), best, worst, labels, points.String())
}
