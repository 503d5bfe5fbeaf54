// Package trustlist reads trust lists and ranks who is on them: the work behind
// `banyan reputation rank`, whose ids are any text, and the reader behind the
// import of trust, whose ids are wallets.
package trustlist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"banyan/modules/reputation/trust"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// linesPerCheck is how often the context is asked.
const linesPerCheck = 4096

// The columns of a trust list, by their place in trustList.Columns.
const (
	sourceColumn = iota
	targetColumn
	weightColumn
	timeColumn
)

// trustList is what a trust list looks like: this module's own words, and those
// of OpenRank's tools (i,j,v), of networkx and of block explorers.
func trustList() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{Name: "source", Synonyms: []string{"from", "src", "truster", "rater", "i", "fromid", "fromnodeid", "fromaddress"}, Required: true},
			{Name: "target", Synonyms: []string{"to", "dst", "trustee", "ratee", "subject", "j", "toid", "tonodeid", "toaddress"}, Required: true},
			{Name: "weight", Synonyms: []string{"rating", "trust", "value", "score", "v"}},
			{Name: "time", Synonyms: []string{"timestamp", "at", "date"}, Trailing: true},
		},
		Row: holdsNumber, Place: placeEdge, Shape: "source,target[,weight[,time]]", Ragged: true,
	}
}

// holdsNumber reports whether one of the cells is a number, which no header has.
func holdsNumber(cells [][]byte) bool { return slices.ContainsFunc(cells, looksLikeNumber) }

// placeEdge lays out a row without a header; two cells are trust of weight 1.
func placeEdge(cells [][]byte) table.Placement {
	switch len(cells) {
	case 2:
		return table.Placement{Columns: []int{sourceColumn, targetColumn}}
	case 3, 4:
		return table.Placement{
			Columns: []int{sourceColumn, targetColumn, weightColumn, timeColumn}, Least: 3, Certain: looksLikeNumber(cells[weightColumn]),
		}
	}
	return table.Placement{Problem: fmt.Sprintf("has %d cells, and a row is source,target[,weight[,time]]", len(cells))}
}

// Row is one line of a trust list. Time is UTC milliseconds or trust.NoTime.
type Row[ID any] struct {
	Source, Target ID
	Weight         float64
	Time           int64
	Line           int // 1-based, as an editor counts
}

// Read streams the rows source,target[,weight[,time]] of a trust list to each,
// and reports how it read them. Two columns are trust of weight 1; a header is
// optional, and where there is one, it says the order of the columns. The list
// is what table.Read reads. parse makes an id of a cell, which it must not keep.
//
// All rows are read before Read can say that they are right, so the caller
// keeps nothing of them when it fails: with fault.Invalid naming up to
// table.MaxProblems wrong rows, fault.Unsupported for what is not a list,
// fault.TooLarge over a limit, as options.Limits.Reserve does, with the context's error, an error of r, or what each returned, which stops it at
// once. After the first wrong row, each is not called any more.
func Read[ID any](ctx context.Context, r io.Reader, options table.Options, parse func(cell []byte) (ID, error), each func(Row[ID]) error) (table.Report, error) {
	edges := reading[ID]{parse: parse, each: each}
	report, err := table.Read(ctx, r, trustList(), options, asIs, edges.take)
	if err != nil {
		return report, err
	}
	return report, edges.problems.err()
}

// Passed says in one sentence what of a trust list was not used, and that its
// edges have no weights if none has; "" if neither is so.
func Passed(r table.Report) string {
	text := r.Passed()
	if r.Layout == nil || len(r.Layout.Columns) == 0 || r.Layout.Has(weightColumn) { // nothing was read, or it has weights
		return text
	}
	if text != "" {
		text += "; "
	}
	return text + "no column of weights: each edge counts 1"
}

// asIs hands a part on: its rows are read where it is taken.
func asIs(_ context.Context, part *table.Part) (*table.Part, error) { return part, nil }

// reading is the state of Read. Rows are read where parts are taken, and not by
// the workers before: numbering ids, the most of the work, has to go in order.
type reading[ID any] struct {
	parse    func(cell []byte) (ID, error)
	each     func(Row[ID]) error
	problems problems
	begun    bool
}

func (e *reading[ID]) take(part *table.Part) error {
	layout := part.Layout()
	weighted := layout.Has(weightColumn)
	var row Row[ID]
	for part.Next() {
		cells, problem := part.Cells()
		row.Line, e.problems.line = part.Line, part.Line
		if problem != "" {
			e.problems.add("", problem)
		} else {
			e.row(&row, cells, weighted)
			if !e.begun && e.problems.any() && layout.HeaderLine == 0 {
				e.problems.hint("; if this line is a header, call its columns source, target and weight")
			}
		}
		e.begun = true
		if e.problems.any() {
			if e.problems.full() {
				return io.EOF
			}
			continue
		}
		if err := e.each(row); err != nil {
			return err
		}
	}
	return nil
}

// row parses the cells of a row.
func (e *reading[ID]) row(row *Row[ID], cells [][]byte, weighted bool) {
	var err error
	if row.Source, err = e.parse(cells[sourceColumn]); err != nil {
		e.problems.fault("source", err)
	}
	if row.Target, err = e.parse(cells[targetColumn]); err != nil {
		e.problems.fault("target", err)
	}
	row.Weight, row.Time = 1, trust.NoTime
	if weighted {
		if row.Weight, err = parseWeight(cells[weightColumn]); err != nil {
			e.problems.add("weight", err.Error())
		}
	}
	if at := cells[timeColumn]; len(at) > 0 {
		if row.Time, err = parseTime(at); err != nil {
			e.problems.add("time", err.Error())
		}
	}
}

// problems are the wrong rows of a list.
type problems struct {
	line   int // the present one
	fields []fault.Field
}

func (p *problems) add(column, message string) {
	p.fields = append(p.fields, fault.Field{Name: column, Line: p.line, Message: message})
}

// fault notes what a parse refused.
func (p *problems) fault(column string, err error) {
	var f *fault.Fault
	if errors.As(err, &f) {
		p.add(column, f.Message)
		return
	}
	p.add(column, err.Error())
}

// hint adds to the last message.
func (p *problems) hint(text string) { p.fields[len(p.fields)-1].Message += text }

func (p *problems) any() bool  { return len(p.fields) > 0 }
func (p *problems) full() bool { return len(p.fields) >= table.MaxProblems }

func (p *problems) err() error {
	if !p.any() {
		return nil
	}
	return table.Refuse(p.fields)
}

// Wallet is the parse of a list whose ids are wallets.
func Wallet(cell []byte) (wallet.Address, error) { return wallet.Parse(string(cell)) }

// Named is the parse of a list whose ids are any text: it numbers them.
func Named(names *trust.Interner[string]) func(cell []byte) (uint32, error) {
	return func(cell []byte) (uint32, error) {
		if len(cell) == 0 {
			return 0, errors.New("is empty: an id is any text")
		}
		return trust.NumberOfText(names, cell)
	}
}
