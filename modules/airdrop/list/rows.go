package list

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
)

// parsed is what one chunk came to.
type parsed struct {
	rows     []byte // merkle.RowSize each
	indexes  []uint64
	lines    lineMap
	columns  columns
	problems []fault.Field // in the order of their lines, at most MaxProblems
}

func (p *parsed) count() int { return len(p.rows) / merkle.RowSize }

// rowParser works through one chunk.
type rowParser struct {
	parsed
	decimals  int
	checks    checksums
	fields    [][]byte
	suspect   bool // the chunk has bytes that no list should have
	lineProbs []fault.Field
}

// parseRows parses all lines of a chunk, into room where that is large enough.
func parseRows(c chunk, room []byte, engine keccak.Engine, decimals int) (parsed, error) {
	p := rowParser{decimals: decimals, suspect: suspicious(c.text)}
	p.columns = c.columns
	p.rows = slices.Grow(room, estimateRows(c.text)*merkle.RowSize)
	eachLine(c, func(line []byte, number int) bool {
		p.line(line, number)
		return len(p.problems) < MaxProblems
	})
	err := p.checks.wrong(engine, func(line int) {
		p.problems = append(p.problems, fault.Field{Name: c.columns.addressName(), Line: line, Message: wrongChecksum})
	})
	if err != nil {
		return parsed{}, err
	}
	slices.SortStableFunc(p.problems, func(a, b fault.Field) int { return a.Line - b.Line })
	p.problems = p.problems[:min(len(p.problems), MaxProblems)]
	return p.parsed, nil
}

// estimateRows is how many rows a text may have, by the shortest usual line.
func estimateRows(text []byte) int { return len(text)/48 + 1 }

// eachLine calls yield with each line that has text, trimmed, until it says stop.
func eachLine(c chunk, yield func(line []byte, number int) bool) {
	number := c.line
	for text := c.text; ; number++ {
		if text, number = skipLineEnds(text, number); len(text) == 0 {
			return
		}
		line := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		if line = trimLine(line); len(line) > 0 && !yield(line, number) {
			return
		}
	}
}

// suspicious tells whether any line has to be looked at byte by byte.
func suspicious(text []byte) bool {
	return bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text)
}

// strangeBytes says what no line of a list may hold.
func strangeBytes(line []byte) string {
	switch {
	case len(line) > MaxLine:
		return tooLong
	case bytes.IndexByte(line, 0) >= 0:
		return "the line holds a NUL byte: this is no text file, or a damaged one"
	case !utf8.Valid(line):
		return "the line is not UTF-8: save the list as UTF-8 (CSV UTF-8 in spreadsheets)"
	}
	return ""
}

// line parses one line into a row or problems.
func (p *rowParser) line(line []byte, number int) {
	if p.suspect || len(line) > MaxLine {
		if problem := strangeBytes(line); problem != "" {
			p.problems = append(p.problems, fault.Field{Line: number, Message: problem})
			return
		}
	}
	values, fields, problem := p.columns.cut(p.fields, line)
	p.fields = fields
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
	if len(p.lineProbs) > 0 {
		p.problems = append(p.problems, p.lineProbs...)
		return
	}
	if mixed {
		p.checks.add(values.address, number)
	}
	p.lines.note(p.count(), number)
	p.rows = e.AppendRow(p.rows)
	if p.columns.index >= 0 {
		p.indexes = append(p.indexes, e.Index)
	}
}

func (p *rowParser) wrong(column func(columns) string, line int, problem string) {
	if problem != "" {
		p.lineProbs = append(p.lineProbs, fault.Field{Name: column(p.columns), Line: line, Message: problem})
	}
}

// cells are the fields of a line that matter; nil where a line has none.
type cells struct{ address, amount, index []byte }

// cut finds the cells of a line, with room as the memory for its fields.
func (c columns) cut(room [][]byte, line []byte) (values cells, fields [][]byte, problem string) {
	if c.json {
		values, problem = readObject(line)
		return values, room, problem
	}
	if c.index < 0 && c.address == 0 && c.amount == 1 && c.count == 2 && plain(line) {
		return cells{address: line[:addressLength], amount: line[addressLength+1:]}, room, ""
	}
	fields, problem = splitFields(room, line)
	if problem != "" {
		return values, fields, problem
	}
	if c.loose && len(fields) == 1 {
		values.address = fields[0]
		return values, fields, ""
	}
	if len(fields) != c.count && (!c.loose || len(fields) != 2) {
		return values, fields, fmt.Sprintf("the line has %d columns and the first line has %d: a column is missing, or a comma is too many", len(fields), c.count)
	}
	values.address = fields[c.address]
	if c.amount >= 0 {
		values.amount = fields[c.amount]
	}
	if c.index >= 0 {
		values.index = fields[c.index]
	}
	return values, fields, ""
}

// plain tells whether a line is as most are: an address, a comma, and a field
// without blanks before it, quotes around it or another comma. Such a line is
// cut without looking for any of these.
func plain(line []byte) bool {
	return len(line) > addressLength+1 && line[0] == '0' && isHex(line[addressLength-1]) && line[addressLength] == ',' &&
		isDigit(line[addressLength+1]) && bytes.IndexByte(line[addressLength+1:], ',') < 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseIndex holds every line to what the first one does: a wallet without an
// index among others that have one would get its place on the list for it.
func (c columns) parseIndex(text []byte) (index uint64, problem string) {
	switch {
	case c.index < 0 && text == nil:
		return 0, ""
	case c.index < 0:
		return 0, "is here and not on the first line: give every wallet an index, or none"
	}
	index, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Sprintf("%q is no index: write a whole number from 0 to 2^64-1", shortened(text))
	}
	return index, ""
}
