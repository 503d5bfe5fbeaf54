package table

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"banyan/platform/fault"
)

const (
	sampleLines = 200 // that must agree on a separator
	headerLines = 32  // among the first so many lines a header is looked for
)

// separators are tried in this order, and the pipe where every line agrees on it.
var separators = []byte{',', ';', '\t'}

const pipe = '|'

// sampled is a line of the beginning of a table.
type sampled struct {
	text    []byte // trimmed, but for tabs at its start
	line    int
	end     int // where the next line begins
	comment bool
}

// sample returns the first lines with text, and all comments above them; rows of
// separators alone are left out.
func sample(c chunk) (lines []sampled) {
	rows := 0
	for at, line := 0, c.line; at < len(c.text) && rows < sampleLines; line++ {
		end := len(c.text)
		if i := bytes.IndexByte(c.text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := trimBlanks(c.text[at:end], " \r\n\v\f")
		at = end
		if len(trimBlanks(text, "\t,;| ")) > 0 {
			s := sampled{text: text, line: line, end: end, comment: text[0] == '#'}
			lines = append(lines, s)
			if !s.comment {
				rows++
			}
		}
	}
	return lines
}

// detector finds out how a table is laid out.
type detector struct {
	spec  *Spec
	lines []sampled
	first *sampled // the first line that is not a comment; nil if there is none
	// separators are those that may separate the cells.
	separators []byte

	problem error // of rows that are JSON arrays
}

// detect learns the layout from the first chunk, and where the rows begin in
// it. The layout is nil when there are only comments, of which from is the number.
func detect(c chunk, spec *Spec) (l *Layout, from int, err error) {
	d := detector{spec: spec, lines: sample(c)}
	for i := range d.lines {
		if !d.lines[i].comment {
			d.first = &d.lines[i]
			break
		}
	}
	if d.first == nil {
		return nil, len(d.lines), nil
	}
	if kind := markupKind(d.first.text); kind != "" {
		return nil, 0, notAList(kind)
	}
	if len(d.first.text) > MaxLine {
		return nil, 0, d.refuse(tooLong)
	}
	d.separators = separators
	if cells, problem := cut(d.first.text, pipe); problem == "" && len(cells) > 1 && d.agree(pipe, len(cells)) {
		d.separators = []byte{',', ';', '\t', pipe}
	}
	if l, from, err = d.header(); l != nil || err != nil {
		return l, from, err
	}
	if l, err = d.headerless(); err != nil {
		if kind := languageKind(d.first.text); kind != "" {
			err = notAList(kind)
		} else if !utf8.Valid(d.first.text) {
			err = d.refuse(notUTF8)
		}
		return nil, 0, err
	}
	if l.HeaderLine > 0 {
		from = d.first.end
	}
	return l, from, nil
}

// refuse is the fault for the first line.
func (d *detector) refuse(problem string) error {
	return Refuse([]fault.Field{{Line: d.first.line, Message: problem}})
}

// cut cuts a line into all its cells.
func cut(line []byte, separator byte) (cells [][]byte, problem string) {
	for more := true; more && len(cells) <= MaxColumns; {
		var cell []byte
		if cell, line, more, problem = cutCell(line, separator); problem != "" {
			return cells, problem
		}
		cells = append(cells, cell)
	}
	return cells, ""
}

// headerless lays a table out by its first row.
func (d *detector) headerless() (*Layout, error) {
	if l, err := d.unknownHeader(); l != nil || err != nil {
		return l, err
	}
	choices, single, problem := d.choices()
	if len(choices) == 0 {
		if c := d.looseChoice(); c != nil {
			return c.layout(d.spec), nil
		}
	}
	switch {
	case len(choices) > 1:
		a, b := choices[0].separator, choices[1].separator
		return nil, d.refuse(fmt.Sprintf("every line can be cut at its %ss as well as at its %ss: put quotes around cells that contain one of them, or add a header that names the columns",
			separatorName(a), separatorName(b)))
	case len(choices) == 1:
		return choices[0].layout(d.spec), nil
	case single != nil:
		return single.layout(d.spec), nil
	}
	return nil, d.refuse(problem)
}

// choice is a way to cut a table without a header.
type choice struct {
	separator byte
	cells     [][]byte
	place     Placement
}

// choices returns the best ways to cut the first row, or single if it is one
// cell in any, or what is wrong with it.
func (d *detector) choices() (best []choice, single *choice, problem string) {
	rank := -1
	most := 0
	for _, separator := range d.separators {
		cells, wrong := cut(d.first.text, separator)
		c := choice{separator: separator, cells: cells}
		if wrong == "" {
			c.place = d.spec.Place(cells)
			wrong = c.place.Problem
		}
		if len(cells) > most || problem == "" {
			most, problem = len(cells), d.notARow(cells, wrong)
		}
		if wrong != "" {
			continue
		}
		if len(cells) == 1 {
			if single == nil {
				single = &c
			}
			continue
		}
		if r := d.rank(&c); r > rank {
			best, rank = []choice{c}, r
		} else if r == rank {
			best = append(best, c)
		}
	}
	if single != nil && len(best) == 0 {
		single.separator = d.laterSeparator()
		if cells, wrong := cut(d.first.text, single.separator); wrong != "" || d.spec.Place(cells).Problem != "" {
			single = nil // it is more than one cell where the others are cut
		}
	}
	return best, single, problem
}

// looseSeparators stand in other texts, too: they separate only where every line
// is two cells for certain.
var looseSeparators = []byte{' ', '='}

// looseChoice cuts lines that have none of the usual separators; nil if it cannot.
func (d *detector) looseChoice() *choice {
	for _, separator := range looseSeparators {
		c := choice{separator: separator}
		for i := range d.lines {
			cells, wrong := cut(d.lines[i].text, separator)
			if d.lines[i].comment {
				continue
			}
			place := d.spec.Place(cells)
			if wrong != "" || len(cells) != 2 || !place.Certain || place.Problem != "" {
				c.cells = nil
				break
			}
			if &d.lines[i] == d.first {
				c.cells, c.place = cells, place
			}
		}
		if c.cells != nil {
			return &c
		}
	}
	return nil
}

// notARow adds to what is wrong with a first line what it may be a header of.
func (d *detector) notARow(cells [][]byte, wrong string) string {
	if wrong != "" && len(cells) > 0 && !d.spec.Row(cells) {
		return wrong + "; columns seen: " + seen(texts(cells))
	}
	return wrong
}

// rank is how well a choice fits: by its cells, by the other lines, and by the
// separators that it leaves in its cells.
func (d *detector) rank(c *choice) (rank int) {
	if c.place.Certain {
		rank += 4
	}
	if d.agree(c.separator, len(c.cells)) {
		rank += 2
	}
	for _, cell := range c.cells {
		if bytes.ContainsAny(cell, ",;\t") {
			return rank
		}
	}
	return rank + 1
}

// agree reports whether all lines of the sample have as many cells.
func (d *detector) agree(separator byte, count int) bool {
	for _, line := range d.lines {
		if line.comment {
			continue
		}
		if cells, problem := cut(line.text, separator); problem != "" || len(cells) != count {
			return false
		}
	}
	return true
}

// laterSeparator finds the separator of rows that may have one cell or more,
// where the first has one.
func (d *detector) laterSeparator() byte {
	for _, line := range d.lines {
		if line.comment {
			continue
		}
		for _, separator := range d.separators {
			cells, problem := cut(line.text, separator)
			if problem == "" && len(cells) > 1 && d.spec.Place(cells).Problem == "" {
				return separator
			}
		}
	}
	return ','
}

func (c *choice) layout(spec *Spec) *Layout {
	l := &Layout{Separator: c.separator, first: len(c.cells)}
	l.place(spec, c.place.Columns, c.place.Least)
	return l
}

// place notes which column stands where.
func (l *Layout) place(spec *Spec, roles []int, least int) {
	if least == 0 {
		least = len(roles)
	}
	l.roles, l.least = roles, least
	l.Columns = make([]int, len(spec.Columns))
	for i := range l.Columns {
		l.Columns[i] = -1
	}
	for at, column := range roles {
		switch {
		case column >= 0:
			l.Columns[column] = at
		case at < len(l.Header) && l.Header[at] != "":
			l.Unused = append(l.Unused, l.Header[at])
		default:
			l.Unused = append(l.Unused, fmt.Sprintf("column %d (no name)", at+1))
		}
	}
}

func texts(cells [][]byte) []string {
	all := make([]string, len(cells))
	for i, cell := range cells {
		all[i] = string(cell)
	}
	return all
}
