package web

import (
	"errors"
	"html/template"
	"net/http"

	"banyan/platform/database"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/web/ui"
)

type operatorData struct {
	Outcome   *ui.Outcome
	Routes    []routeLine
	Databases []databaseLine
	Missing   []*ui.Missing
	Cards     []template.HTML
	Sections  []template.HTML
}

// routeLine sums up a module's route: where calls go, how many, how they went.
type routeLine struct {
	seam.Status
	Calls, Failures, Refusals uint64
	Busiest                   side // the operation with the most calls: its p50 and p99 stand for the module
	Sides                     []side
}

// side is one operation on one side of the seam.
type side struct {
	Operation string
	Remote    bool
	analysis.SideStats
}

func routeLines(statuses []seam.Status) []routeLine {
	lines := make([]routeLine, 0, len(statuses))
	for _, s := range statuses {
		line := routeLine{Status: s}
		for _, op := range s.Operations {
			for _, one := range []side{{op.Operation, false, op.Local}, {op.Operation, true, op.Remote}} {
				if one.Calls == 0 {
					continue
				}
				line.Calls += one.Calls
				line.Failures += one.Failures
				line.Refusals += one.Refusals
				line.Sides = append(line.Sides, one)
				if one.Calls > line.Busiest.Calls {
					line.Busiest = one
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// databaseLine is a database with the figures that are made of two.
type databaseLine struct {
	database.Stats
	SQLite   bool    // it has a writer and a write-ahead log
	PerGroup float64 // committed writes in a transaction, on average; 0 = there was none
}

func databaseLines(all []database.Stats) []databaseLine {
	lines := make([]databaseLine, len(all))
	for i, s := range all {
		lines[i] = databaseLine{Stats: s, SQLite: s.Dialect == database.SQLite}
		if s.Groups > 0 {
			lines[i].PerGroup = float64(s.Written) / float64(s.Groups)
		}
	}
	return lines
}

func (w *Web) operator(rw http.ResponseWriter, r *http.Request) error {
	return w.showOperator(rw, r, http.StatusOK, nil)
}

// showOperator is also the answer to a form of that page, with its outcome.
func (w *Web) showOperator(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	d := operatorData{Outcome: done, Routes: routeLines(w.o.Routes())}
	if w.o.Databases != nil {
		d.Databases = databaseLines(w.o.Databases())
	}
	parts := make([]OperatorPart, len(w.sections))
	var questions []func()
	for i, s := range w.sections {
		if s.Work != nil {
			questions = append(questions, func() { parts[i] = s.Work(r) })
		}
	}
	ui.Together(questions...)
	var wrong error
	for _, part := range parts {
		wrong = errors.Join(wrong, part.Err)
		if part.Missing != nil {
			d.Missing = append(d.Missing, part.Missing)
		}
		d.Cards, d.Sections = appendHTML(d.Cards, part.Cards), appendHTML(d.Sections, part.Section)
	}
	if wrong != nil {
		return wrong
	}
	return w.ui.Show(rw, r, status, "site/operator", ui.Page{Title: "Operator", Nav: "/operator", Data: d})
}
