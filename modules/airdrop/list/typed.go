package list

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// ValueColumn is a column of a list whose rows are any values.
type ValueColumn struct {
	// Name is what the header calls the column, and messages too. A column that
	// is called address, amount, index, token or the like by any of their
	// synonyms is found by all of them.
	Name string
	// Type is its Solidity type: address, uintN, intN, bool, bytesN, bytes or string.
	Type string
	// Chosen is the header, or the position from 1, that a person chose; "" if none.
	Chosen string
	// Flag is how a person chooses it; "" where that is not possible.
	Flag string
}

// ValueRow is a row of values, one for each column.
type ValueRow struct {
	Line   int // from 1
	Values []Value
}

// ReadValues reads a list whose rows are any values: what ReadLong is for wallets
// and amounts. A list without a header has the columns in their order. take gets
// the rows in the order of the text, some thousand at a time and one call after
// the other; they are valid during the call. A wallet may be on many of them:
// OnDuplicate and Indexed do not count, nor do Columns and Flags. Amounts, which
// are the numbers of the column that is called so, have Decimals, and are not zero.
//
// It returns where the columns were found. It fails as ReadLong does. Rows that
// take got before a failure are to be dropped.
func ReadValues(ctx context.Context, in io.Reader, columns []ValueColumn, options Options, take func([]ValueRow) error) (*table.Layout, error) {
	options, err := options.filled()
	if err != nil {
		return nil, err
	}
	v := valueReader{columns: columns, skipZeros: options.SkipZeros}
	if v.cellReader, err = options.cells(); err != nil {
		return nil, err
	}
	if err := v.prepare(); err != nil {
		return nil, err
	}
	var meaning meaning
	var entries entryMap
	var figures figures
	var problems []fault.Field
	report, err := table.Read(ctx, in, v.spec(), options.table(), v.work, func(p parsedValues) error {
		entries.add(p.entries)
		figures.join(p.figures)
		problems = append(problems, p.problems...)
		for _, differs := range meaning.join(p.layout, v.kinds, p.meaning) {
			problems = append(problems, entries.field(differs.Line, differs.Name, differs.Message))
		}
		if len(problems) >= table.MaxProblems {
			return io.EOF
		}
		if len(problems) > 0 {
			return nil
		}
		return take(p.rows)
	})
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, table.Refuse(problems)
	case options.Seen != nil:
		options.Seen(v.report(figures, options.Decimals, report))
	}
	return report.Layout, nil
}

// report says how the list was read.
func (v *valueReader) report(f figures, decimals int, t table.Report) airdrop.ListReport {
	report := airdrop.ListReport{
		Rows: f.rows, Zeros: f.zeros, ZeroAddress: f.zeroAddress, BurnAddresses: f.burns, Numbers: v.spelling.example(),
		OverUint128: f.amounts.over, Smallest: tokens(&f.amounts.smallest, decimals), Largest: tokens(&f.amounts.larger, decimals),
	}
	describe(&report, t)
	report.Columns = airdrop.ReportColumns{Address: columnName(t.Layout, v.address), Amount: columnName(t.Layout, v.amount)}
	return report
}

// valueReader knows how the cells of rows of values are read.
type valueReader struct {
	*cellReader
	columns   []ValueColumn
	types     []solidityType
	address   int // the first column of addresses; -1 if there is none
	amount    int // the column of amounts; -1 if there is none
	kinds     meaningColumns
	skipZeros bool
}

func (v *valueReader) prepare() error {
	if len(v.columns) == 0 || len(v.columns) > table.MaxColumns {
		return fault.Newf(fault.Invalid, "a leaf has 1 to %d values, not %d: describe another leaf", table.MaxColumns, len(v.columns))
	}
	v.address, v.amount = -1, -1
	for i, c := range v.columns {
		t, err := parseType(c.Type)
		if err != nil {
			return err
		}
		v.types = append(v.types, t)
		if v.address < 0 && t.kind == addressKind {
			v.address = i
		}
		if v.amount < 0 && t.number() && called(c.Name, "amount", amountNames) {
			v.amount = i
		}
	}
	return nil
}

// called reports whether a name is a column's.
func called(name, column string, synonyms []string) bool {
	plain := table.PlainName(name)
	return plain == column || slices.Contains(synonyms, plain)
}

// spec is what a list of these columns looks like.
func (v *valueReader) spec() table.Spec {
	inJSON := inJSON
	inJSON.Key, inJSON.Value = max(v.address, 0), max(v.amount, 0)
	s := table.Spec{Place: v.place, Row: isRow, Shape: v.shape(), JSON: &inJSON, Look: v.look}
	var names []string
	for i, c := range v.columns {
		names = append(names, table.PlainName(c.Name))
		s.Strict = s.Strict || v.types[i].kind == addressKind || v.types[i].number()
	}
	for _, c := range v.columns {
		column := table.Column{Name: c.Name, Required: true, Chosen: c.Chosen, Flag: c.Flag}
		for _, known := range []struct {
			name     string
			synonyms []string
		}{{"address", addressNames}, {"amount", amountNames}, {"index", indexNames}, {"tokenaddress", tokenNames}, {"tokenid", tokenIDNames}} {
			if called(c.Name, known.name, known.synonyms) {
				column.Synonyms = without(append([]string{known.name}, known.synonyms...), names)
			}
		}
		s.Columns = append(s.Columns, column)
	}
	v.kinds = addMeaning(&s, names)
	return s
}

// without leaves out the names that are other columns' own.
func without(synonyms, names []string) (left []string) {
	for _, s := range synonyms {
		if !slices.Contains(names, s) {
			left = append(left, s)
		}
	}
	return left
}

func (v *valueReader) shape() string {
	var names []string
	for _, c := range v.columns {
		names = append(names, c.Name)
	}
	return strings.Join(names, ",")
}

// look finds the spelling of the amounts in the first part.
func (v *valueReader) look(part *table.Part) {
	if v.amount < 0 {
		return
	}
	v.lookAt(part, func() ([]byte, bool) {
		cells, problem := part.Cells()
		if problem != "" {
			return nil, false
		}
		return bytes.TrimSpace(cells[v.amount]), true
	})
}

// place takes the cells of a row without a header to be the columns in their order.
func (v *valueReader) place(cells [][]byte) table.Placement {
	seen := len(cells)
	for len(cells) > len(v.columns) && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(v.columns) {
		return table.Placement{Problem: fmt.Sprintf("a line without a header is %s; this one has %d columns: add a header that names them", v.shape(), seen)}
	}
	p := table.Placement{Certain: true}
	for i := range cells {
		p.Columns = append(p.Columns, i)
		var value Value
		if _, _, problem := v.readValue(v.types[i], bytes.TrimSpace(cells[i]), v.decimalsOf(i), &value); problem != "" {
			p.Certain = false
		}
	}
	return p
}

// decimalsOf are those of a column's numbers.
func (v *valueReader) decimalsOf(column int) int {
	if column == v.amount {
		return v.decimals
	}
	return 0
}

// parsedValues is what one part of the text came to.
type parsedValues struct {
	rows     []ValueRow
	layout   *table.Layout
	meaning  meaning
	figures  figures
	entries  entryMap
	problems []fault.Field // in the order of their rows, at most table.MaxProblems

	wrongRows []wrongRow
	checks    checksums
	checked   []wrongRow // what is said of each of checks, if it is wrong
}

// work parses all rows of a part.
func (v *valueReader) work(_ context.Context, part *table.Part) (parsedValues, error) {
	p := parsedValues{layout: part.Layout()}
	width := len(v.columns)
	room := make([]Value, 0, estimateRows(part)*width)
	for len(p.wrongRows) < table.MaxProblems && part.Next() {
		if len(room)+width > cap(room) {
			room = make([]Value, 0, estimateRows(part)*width+width)
		}
		values := room[len(room) : len(room)+width]
		if place, ok := v.row(part, &p, values); ok {
			room = room[:len(room)+width]
			p.rows = append(p.rows, ValueRow{Line: place, Values: values})
		}
	}
	err := p.checks.wrong(v.engine, v.chain, func(at int, problem string) {
		wrong := p.checked[at]
		wrong.Message = problem
		p.wrongRows = append(p.wrongRows, wrong)
	})
	slices.SortStableFunc(p.wrongRows, func(a, b wrongRow) int { return a.place - b.place })
	for _, w := range p.wrongRows[:min(len(p.wrongRows), table.MaxProblems)] {
		p.problems = append(p.problems, p.entries.field(w.place, w.Name, w.Message))
	}
	return p, err
}

// row reads the present row into values; false if something is wrong with it, or
// it is left out.
func (v *valueReader) row(part *table.Part, p *parsedValues, values []Value) (place int, ok bool) {
	clear(values)
	cells, problem := part.Cells()
	place = p.entries.note(part)
	p.figures.rows++
	p.meaning.entries = part.Entry > 0
	before := len(p.wrongRows)
	wrong := func(name, problem string) {
		if problem != "" {
			p.wrongRows = append(p.wrongRows, wrongRow{place, fault.Field{Name: name, Message: problem}})
		}
	}
	if problem != "" {
		wrong("", problem)
		return place, false
	}
	zero := false
	for i := range values {
		cell, name := bytes.TrimSpace(cells[i]), p.layout.Name(i, v.columns[i].Name)
		mixed, chain, problem := v.readValue(v.types[i], cell, v.decimalsOf(i), &values[i])
		if problem == "" && i == v.amount && values[i].Word == [32]byte{} {
			if zero = v.skipZeros; !zero {
				problem = isZero
			}
		}
		wrong(name, problem)
		if chain != 0 {
			wrong(name, p.meaning.on(chain, place))
		}
		if mixed {
			p.checks.add(cell, len(p.checked))
			p.checked = append(p.checked, wrongRow{place, fault.Field{Name: name}})
		}
	}
	for _, problem := range p.meaning.check(p.layout, v.kinds, cells, v.decimals, place) {
		wrong(problem.Name, problem.Message)
	}
	if len(p.wrongRows) > before {
		return place, false
	}
	if zero {
		p.figures.zeros++
		return place, false
	}
	v.note(&p.figures, values, place)
	return place, true
}

// note adds a row to the figures of the report.
func (v *valueReader) note(f *figures, values []Value, place int) {
	if v.address >= 0 {
		f.note((*wallet.Address)(values[v.address].Word[12:]), place)
	}
	if v.amount >= 0 {
		var amount uint256.Int
		amount.SetBytes32(values[v.amount].Word[:])
		f.amounts.add(&amount)
	}
}
