package list

import (
	"fmt"
	"slices"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/table"
)

// parsed is what one part of the text came to.
type parsed struct {
	rows     []byte // merkle.RowSize each
	indexes  []uint64
	lines    lineMap
	columns  columns
	meaning  meaning
	figures  figures
	entries  entryMap
	problems []fault.Field // in the order of their rows, at most table.MaxProblems
}

func (p *parsed) count() int { return len(p.rows) / merkle.RowSize }

// rowParser works through one part.
type rowParser struct {
	parsed
	*cellReader
	skipZeros bool
	said      said
	checks    checksums
	wrongRows []wrongRow
	lineProbs []fault.Field
}

// wrongRow is what is wrong with the row at a place.
type wrongRow struct {
	place int
	fault.Field
}

// parseRows parses all rows of a part, into buffer where that is large enough.
func (r *cellReader) parseRows(part *table.Part, buffer []byte, skipZeros bool) (parsed, error) {
	p := rowParser{cellReader: r, skipZeros: skipZeros}
	p.columns, p.meaning.given = r.columnsOf(part.Layout()), r.chain
	p.rows = slices.Grow(buffer, estimateRows(part)*merkle.RowSize)
	for len(p.wrongRows) < table.MaxProblems && part.Next() {
		p.row(part)
	}
	err := p.checks.wrong(r.engine, r.chain, func(place int, problem string) {
		p.wrongRows = append(p.wrongRows, wrongRow{place, fault.Field{Name: p.columns.addressName(), Message: problem}})
	})
	if err != nil {
		return parsed{}, err
	}
	slices.SortStableFunc(p.wrongRows, func(a, b wrongRow) int { return a.place - b.place })
	for _, w := range p.wrongRows[:min(len(p.wrongRows), table.MaxProblems)] {
		p.problems = append(p.problems, p.entries.field(w.place, w.Name, w.Message))
	}
	return p.parsed, nil
}

// estimateRows is how many rows a part may have, by the shortest usual line.
func estimateRows(part *table.Part) int { return part.Len()/48 + 1 }

// row parses the present row into an entry or problems.
func (p *rowParser) row(part *table.Part) {
	values, others, problem := p.columns.cut(part)
	number := part.Line
	if part.Entry > 0 {
		number, p.meaning.entries = p.entries.note(part), true
	}
	p.figures.rows++
	if problem != "" {
		p.wrongRows = append(p.wrongRows, wrongRow{number, fault.Field{Message: problem}})
		return
	}
	var e merkle.Entry
	p.lineProbs = p.lineProbs[:0]
	mixed, chain, problem := p.parseAddress(values.address, &e.Wallet)
	p.wrong((*columns).addressName, problem)
	if p.columns.JSON == table.NoJSON {
		problem = p.parseAmount(values.amount, &e.Amount)
	} else {
		problem = p.readAmount(&p.columns, part, values.amount, &e.Amount)
	}
	zero := problem == isZero && p.skipZeros
	if !zero {
		p.wrong((*columns).amountName, problem)
	}
	e.Index, problem = p.columns.parseIndex(values.index)
	p.wrong((*columns).indexName, problem)
	if len(p.columns.meaning) > 0 && !p.said.again(p.columns.meaning, others) {
		problems := p.meaning.check(p.columns.Layout, p.columns.kinds, others, p.decimals, number)
		p.lineProbs = append(p.lineProbs, problems...)
		p.said.right = len(problems) == 0
	}
	if chain != 0 {
		p.wrong((*columns).addressName, p.meaning.on(chain, number))
	}
	if len(p.lineProbs) > 0 {
		for _, problem := range p.lineProbs {
			p.wrongRows = append(p.wrongRows, wrongRow{number, problem})
		}
		return
	}
	if mixed {
		p.checks.add(values.address, number)
	}
	if zero {
		p.figures.zeros++
		return
	}
	p.figures.note(&e.Wallet, number)
	p.figures.amounts.add(&e.Amount)
	p.lines.note(p.count(), number)
	p.rows = e.AppendRow(p.rows)
	if p.columns.indexed {
		p.indexes = append(p.indexes, e.Index)
	}
}

func (p *rowParser) wrong(column func(*columns) string, problem string) {
	if problem != "" {
		p.lineProbs = append(p.lineProbs, fault.Field{Name: column(&p.columns), Message: problem})
	}
}

// parseIndex holds every line to what the first one does: a wallet without an
// index among others that have one would get its place on the list for it.
func (c *columns) parseIndex(text []byte) (index uint64, problem string) {
	switch {
	case !c.indexed && text == nil:
		return 0, ""
	case !c.indexed:
		return 0, "is here and not on the first line: give every wallet an index, or none"
	}
	index, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Sprintf("%q is no index: write a whole number from 0 to 2^64-1", table.Short(text))
	}
	return index, ""
}
