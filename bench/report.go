package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// result is one line: what was done by whom, how long it took, and what that
// is beside something else of the same run.
type result struct {
	work, by string
	took     time.Duration
	ratio    string // "" when there is nothing to compare with
	limit    string // what was asked for; "" when nothing was
	reached  bool
}

// report gathers results and shows each as it comes.
type report struct{ results []result }

func (t *report) add(r result) {
	t.results = append(t.results, r)
	fmt.Printf("  %-46s %-22s %10s  %s\n", r.work, r.by, short(r.took), r.ratio)
}

func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(d / 1000).Round(time.Microsecond).String()
}

func (t *report) print(out io.Writer) {
	w := newTable()
	w.SetOutputMirror(out)
	w.AppendHeader(table.Row{"work", "by", "time", "compared", "limit", ""})
	for _, r := range t.results {
		mark := ""
		if r.limit != "" {
			mark = "missed"
			if r.reached {
				mark = "reached"
			}
		}
		w.AppendRow(table.Row{r.work, r.by, short(r.took), r.ratio, r.limit, mark})
	}
	fmt.Fprintln(out)
	w.Render()
}

func newTable() table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	return w
}

// atLeast compares a figure with the least that was asked for.
func (r result) atLeast(figure, limit float64, format string) result {
	r.limit, r.reached = "≥ "+fmt.Sprintf(format, limit), figure >= limit
	return r
}

// atMost likewise.
func (r result) atMost(figure, limit float64, format string) result {
	r.limit, r.reached = "≤ "+fmt.Sprintf(format, limit), figure <= limit
	return r
}
