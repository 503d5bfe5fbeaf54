package table

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Part is a piece of a table, for one goroutine at a time. It goes from row to
// row:
//
//	for part.Next() {
//		cells, problem := part.Cells()
//	}
type Part struct {
	// Line is the number of the present row's line, from 1, and Text the line
	// without its end and the blanks around it.
	Line int
	Text []byte
	// Entry is the number of the present row where rows are not lines; 0 where
	// they are.
	Entry int

	chunk         // what is left of it
	whole  []byte // its memory
	layout *Layout
	cells  [][]byte

	members []member
	names   *objectNames // of the last object
	unused  []string     // names of objects that were taken for nothing
	quoted  uint64       // cells that are JSON strings

	suspect  bool // there are bytes that no line should have
	returns  bool // there are CRs: before LF, or a line has one in it
	quotes   bool
	plain    bool // the present line
	rows     int
	comments int
}

// prepare looks at all of the text at once for what lines would otherwise each
// be looked at for.
func (p *Part) prepare() {
	p.suspect = bytes.IndexByte(p.text, 0) >= 0 || !utf8.Valid(p.text) || p.decoded() && bytes.Contains(p.text, replacement)
	p.returns = bytes.IndexByte(p.text, '\r') >= 0
	p.quotes = bytes.IndexByte(p.text, '"') >= 0
	if p.layout != nil {
		p.cells = make([][]byte, len(p.layout.Columns))
	}
}

// replacement stands where the text in another encoding had no letter.
var replacement = []byte("\ufffd")

func (p *Part) decoded() bool { return p.layout != nil && p.layout.Encoding != "UTF-8" }

// Layout says where the columns are; nil for Lines.
func (p *Part) Layout() *Layout { return p.layout }

// Len is how many bytes of text are left, for estimates.
func (p *Part) Len() int { return len(p.text) }

// Next moves to the next line with text that is neither a comment nor
// separators alone. It returns false at the end.
func (p *Part) Next() bool {
	if p.entry > 0 {
		return p.nextEntry()
	}
	for len(p.text) > 0 {
		if p.text[0] == '\n' { // a packed text can have millions of them
			p.text = p.text[1:]
			p.line++
			continue
		}
		line := p.text
		p.Line = p.line
		p.line++
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line, p.text = line[:end], line[end+1:]
		} else {
			p.text = nil
		}
		if line = p.trim(line); len(line) == 0 {
			continue
		}
		if p.layout != nil && (line[0] <= ';' || line[0] == pipe) { // the first is greater than all others that are looked for
			if line[0] == '#' {
				p.comments++
				continue
			}
			if separatorsAlone(line, p.layout.Separator) {
				continue
			}
		}
		p.Text = line
		p.plain = !p.suspect && len(line) <= MaxLine && (!p.returns || bytes.IndexByte(line, '\r') < 0)
		p.rows++
		return true
	}
	return false
}

// nextEntry is Next where rows are not lines.
func (p *Part) nextEntry() bool {
	begin := skipBlanks(p.text, 0)
	p.line += bytes.Count(p.text[:begin], newline)
	if p.text = p.text[begin:]; len(p.text) == 0 {
		return false
	}
	var n nesting
	end, next := len(p.text), len(p.text)
	for at, c := range p.text {
		structure := n.step(c)
		if p.layout.JSON == JSONSequence {
			if structure && !n.inString && n.depth == 0 && (c == '}' || c == ']') {
				end, next = at+1, at+1
				break
			}
		} else if !structure && n.depth == 0 && c == ',' {
			end, next = at, at+1
			break
		}
	}
	p.Line, p.Text = p.line, bytes.TrimRight(p.text[:end], " \t\r\n")
	p.line += bytes.Count(p.text[:next], newline)
	p.text = p.text[next:]
	p.Entry = p.entry
	p.entry++
	p.rows++
	p.plain = !p.suspect && len(p.Text) <= MaxLine
	return true
}

// skipHeader passes over the first row, which names the columns.
func (p *Part) skipHeader() {
	p.Next()
	p.rows--
	if p.Entry > 0 {
		p.entry--
	}
	p.layout.HeaderLine = p.Line
}

// Plain reports that nothing is wrong with the bytes of the line: a consumer
// that knows more of its cells than this package may cut it itself.
func (p *Part) Plain() bool { return p.plain }

// trim drops blanks at both ends. Tabs that separate are no blanks.
func (p *Part) trim(line []byte) []byte {
	if n := len(line); n > 0 && line[0] > ' ' && line[n-1] > ' ' {
		return line
	}
	if p.layout != nil && p.layout.Separator == '\t' {
		return trimBlanks(line, " \r\v\f")
	}
	return trimBlanks(line, " \t\r\v\f")
}

// trimBlanks is bytes.Trim without its tables, which cost more than a short line.
func trimBlanks(text []byte, blanks string) []byte {
	blank := func(c byte) bool { return c <= ' ' && strings.IndexByte(blanks, c) >= 0 }
	for len(text) > 0 && blank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && blank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// separatorsAlone reports whether all cells of a line are empty, as
// spreadsheets leave such lines behind.
func separatorsAlone(line []byte, separator byte) bool {
	if separator == 0 || line[0] != separator && line[0] != '"' {
		return false
	}
	for i, c := range line {
		if c != separator && c != '"' && c != ' ' && c != '\t' {
			return false
		}
		if c == '"' && i >= 2 && line[i-1] == '"' && line[i-2] == '"' {
			return false // a quote in a cell
		}
	}
	return bytes.Count(line, []byte{'"'})%2 == 0
}

// ContainsAny reports whether what is left of the text has any of some
// characters of one byte.
func (p *Part) ContainsAny(characters string) bool {
	for i := range len(characters) {
		if bytes.IndexByte(p.text, characters[i]) >= 0 {
			return true
		}
	}
	return false
}

// Strange says what no line of a table may hold, for people; "" if the line
// holds nothing like it.
func (p *Part) Strange() string {
	line := p.Text
	switch {
	case p.plain:
		return ""
	case len(line) > MaxLine:
		return tooLong
	case bytes.IndexByte(line, 0) >= 0:
		return "the line holds a NUL byte: this is not a text file, or it is damaged"
	case !utf8.Valid(line):
		return notUTF8
	case p.decoded() && bytes.Contains(line, replacement):
		return "the line holds bytes that are not " + p.layout.Encoding + ": save the list as UTF-8 (CSV UTF-8 in spreadsheets)"
	case p.Entry == 0 && bytes.IndexByte(line, '\r') >= 0:
		return "the line has a carriage return in it: its ends are mixed, save the list with one kind of line ends"
	}
	return ""
}

const notUTF8 = "the line is not UTF-8, and may be Windows-1252: save the list as UTF-8 (CSV UTF-8 in spreadsheets)"

// Cells returns the present row's cells in the order of Spec.Columns, valid
// until the next call: nil where the row has no cell of a column. Blanks around
// a cell are dropped, and quotes. problem says what is wrong with the line.
func (p *Part) Cells() (cells [][]byte, problem string) {
	if problem := p.Strange(); problem != "" {
		return nil, problem
	}
	if p.layout.JSON != NoJSON {
		return p.jsonCells()
	}
	l, line := p.layout, p.Text
	clear(p.cells)
	quotes, extra, n, more := p.quotes || l.Separator == ' ', false, 0, true
	for more {
		var cell []byte
		if quotes {
			if cell, line, more, problem = cutCell(line, l.Separator); problem != "" {
				return nil, problem
			}
		} else {
			end := 0
			for end < len(line) && line[end] != l.Separator {
				if end++; end == shortCell {
					if rest := bytes.IndexByte(line[end:], l.Separator); rest >= 0 {
						end += rest
					} else {
						end = len(line)
					}
					break
				}
			}
			if cell = trimCell(line[:end]); end < len(line) {
				line = line[end+1:]
			} else {
				more = false
			}
		}
		if n < len(l.roles) {
			if column := l.roles[n]; column >= 0 {
				p.cells[column] = cell
			}
		} else if len(cell) > 0 {
			extra = true
		}
		n++
	}
	if n < l.least || extra || n > MaxColumns {
		return nil, l.wrongCount(n)
	}
	return p.cells, ""
}

// shortCell is how long a cell may be for its end to be found byte by byte,
// which is faster than bytes.IndexByte there.
const shortCell = 12

// wrongCount says of a line with n cells that it is not a row.
func (l *Layout) wrongCount(n int) string {
	switch {
	case n > MaxColumns:
		return fmt.Sprintf("the line has more than %d columns", MaxColumns)
	case l.HeaderLine > 0:
		return fmt.Sprintf("the line has %d columns and the header has %d: a column is missing, or a %s is too many", n, len(l.roles), separatorName(l.Separator))
	}
	return fmt.Sprintf("the line has %d columns and the first line has %d: a column is missing, or a %s is too many", n, l.first, separatorName(l.Separator))
}

// trimCell drops the blanks around a cell.
func trimCell(cell []byte) []byte {
	if n := len(cell); n > 0 && cell[0] > ' ' && cell[n-1] > ' ' {
		return cell
	}
	return trimBlanks(cell, " \t")
}

// cutCell cuts the first cell off a line (RFC 4180); more says that another follows.
func cutCell(line []byte, separator byte) (cell, rest []byte, more bool, problem string) {
	for len(line) > 0 && (line[0] == ' ' || line[0] == '\t' && separator != '\t') {
		line = line[1:]
	}
	if len(line) > 0 && line[0] == '"' {
		return unquote(line[1:], separator)
	}
	if end := bytes.IndexByte(line, separator); end >= 0 {
		return trimCell(line[:end]), line[end+1:], true, ""
	}
	return trimCell(line), nil, false, ""
}

// unquote reads a cell up to its closing quote.
func unquote(body []byte, separator byte) (cell, rest []byte, more bool, problem string) {
	for {
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			return nil, nil, false, "a quote is opened and not closed on this line"
		}
		if cell == nil {
			cell = body[:end:end] // so that a quote within is appended to a copy
		} else {
			cell = append(cell, body[:end]...)
		}
		if body = body[end+1:]; len(body) > 0 && body[0] == '"' { // "" stands for one quote
			cell = append(cell, '"')
			body = body[1:]
			continue
		}
		for len(body) > 0 && body[0] != separator {
			if body[0] != ' ' && body[0] != '\t' {
				return nil, nil, false, "there is text after a closing quote: put quotes around the whole cell, and write a quote in it twice"
			}
			body = body[1:]
		}
		if len(body) == 0 {
			return cell, nil, false, ""
		}
		return cell, body[1:], true, ""
	}
}
