package list

import (
	"fmt"
	"slices"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/table"
)

// parsed is what one part of the text came to.
type parsed struct {
	rows     []byte // merkle.RowSize each
	indexes  []uint64
	lines    lineMap
	columns  columns
	meaning  meaning
	problems []fault.Field // in the order of their lines, at most table.MaxProblems
}

func (p *parsed) count() int { return len(p.rows) / merkle.RowSize }

// rowParser works through one part.
type rowParser struct {
	parsed
	decimals  int
	checks    checksums
	lineProbs []fault.Field
}

// parseRows parses all rows of a part, into buffer where that is large enough.
func parseRows(part *table.Part, c columns, buffer []byte, engine keccak.Engine, decimals int) (parsed, error) {
	p := rowParser{decimals: decimals}
	p.columns = c
	p.rows = slices.Grow(buffer, estimateRows(part)*merkle.RowSize)
	for len(p.problems) < table.MaxProblems && part.Next() {
		p.row(part)
	}
	err := p.checks.wrong(engine, func(line int) {
		p.problems = append(p.problems, fault.Field{Name: c.addressName(), Line: line, Message: wrongChecksum})
	})
	if err != nil {
		return parsed{}, err
	}
	slices.SortStableFunc(p.problems, func(a, b fault.Field) int { return a.Line - b.Line })
	p.problems = p.problems[:min(len(p.problems), table.MaxProblems)]
	return p.parsed, nil
}

// estimateRows is how many rows a part may have, by the shortest usual line.
func estimateRows(part *table.Part) int { return part.Len()/48 + 1 }

// row parses the present row into an entry or problems.
func (p *rowParser) row(part *table.Part) {
	values, others, problem := p.columns.cut(part)
	number := part.Line
	if problem != "" {
		p.problems = append(p.problems, fault.Field{Line: number, Message: problem})
		return
	}
	var e merkle.Entry
	p.lineProbs = p.lineProbs[:0]
	mixed, problem := parseAddress(values.address, &e.Wallet)
	p.wrong(columns.addressName, number, problem)
	p.wrong(columns.amountName, number, parseAmount(values.amount, p.decimals, &e.Amount))
	e.Index, problem = p.columns.parseIndex(values.index)
	p.wrong(columns.indexName, number, problem)
	if p.columns.meaning {
		p.lineProbs = append(p.lineProbs, p.meaning.check(p.columns.Layout, p.columns.kinds, others, p.decimals, number)...)
	}
	if len(p.lineProbs) > 0 {
		p.problems = append(p.problems, p.lineProbs...)
		return
	}
	if mixed {
		p.checks.add(values.address, number)
	}
	p.lines.note(p.count(), number)
	p.rows = e.AppendRow(p.rows)
	if p.columns.indexed {
		p.indexes = append(p.indexes, e.Index)
	}
}

func (p *rowParser) wrong(column func(columns) string, line int, problem string) {
	if problem != "" {
		p.lineProbs = append(p.lineProbs, fault.Field{Name: column(p.columns), Line: line, Message: problem})
	}
}

// parseIndex holds every line to what the first one does: a wallet without an
// index among others that have one would get its place on the list for it.
func (c columns) parseIndex(text []byte) (index uint64, problem string) {
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
