package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// report prints each result at once, and the goals in one table at the end.
type report struct {
	out     io.Writer
	engines []engine
	goals   [goalCount]goal
	figures [goalCount]map[string]float64 // by engine
}

func newReport(out io.Writer, s settings, engines []engine) report {
	r := report{out: out, engines: engines, goals: goals(s)}
	for i := range r.figures {
		r.figures[i] = map[string]float64{}
	}
	return r
}

// result is one line: what was measured, how long it took, and the ratio to another
// figure of the same run.
type result struct {
	work, by string
	took     time.Duration // 0: not a duration
	ratio    string        // "" when there is nothing to compare with
}

func (r *report) add(l result) {
	fmt.Fprintf(r.out, "  %-42s %-26s %10s  %s\n", l.work, l.by, short(l.took), l.ratio)
}

// reach stores the figure of a goal for the table.
func (r *report) reach(g goalID, e engine, figure float64) { r.figures[g][e.Name()] = figure }

func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(d / 1000).Round(time.Microsecond).String()
}

// table prints the goals, two columns for each engine that has limits; on a
// machine without any of them, one for each there is.
func (r *report) table() {
	engines := r.limited()
	w := table.NewWriter()
	w.SetOutputMirror(r.out)
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	head, columns := table.Row{"work", "beside"}, []table.ColumnConfig{}
	for _, e := range engines {
		head = append(head, e.Name())
		columns = append(columns, table.ColumnConfig{Number: len(head), Align: text.AlignRight})
		if e.limited() {
			head = append(head, "limit")
		}
	}
	w.AppendHeader(head)
	w.SetColumnConfigs(columns)
	judged := true
	for i, g := range r.goals {
		row := table.Row{g.work, g.beside}
		for _, e := range engines {
			row = append(row, r.cells(goalID(i), g, e)...)
		}
		w.AppendRow(row)
		judged = judged && g.judged
	}
	w.Render()
	fmt.Fprintln(r.out, "Roots, proofs, verdicts and claims were equal wherever two sides gave them.")
	switch {
	case !engines[0].limited():
		fmt.Fprintln(r.out, "No limits are set for this engine.")
	case !judged:
		fmt.Fprintln(r.out, "Limits without a word are for the sizes of a run without flags; this one was smaller.")
	}
}

// cells returns an engine's figure and, if it has one, its limit and whether it was
// reached.
func (r *report) cells(id goalID, g goal, e engine) []any {
	figure, measured := r.figures[id][e.Name()]
	shown, limit := "left out", g.limit(e.Name())
	if measured {
		shown = g.unit.exact(figure)
	}
	switch {
	case !e.limited():
		return []any{shown}
	case !measured || !g.judged:
		return []any{shown, limit}
	case g.reached(e.Name(), figure):
		return []any{shown, limit + "  reached"}
	}
	return []any{shown, limit + "  MISSED"}
}

// limited returns the engines that have limits, or all if none has.
func (r *report) limited() (some []engine) {
	for _, e := range r.engines {
		if e.limited() {
			some = append(some, e)
		}
	}
	if len(some) == 0 {
		return r.engines
	}
	return some
}
