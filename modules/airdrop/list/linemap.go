package list

import (
	"fmt"
	"sort"

	"banyan/platform/fault"
	"banyan/platform/table"
)

// entryMap knows where the rows of a document are: JSON may have all of them on
// one line, and people and editors count them otherwise. Where rows are lines,
// their place is the line.
type entryMap struct {
	first int // the number of the first entry; 0: rows are lines
	next  int
	lines lineMap // by entries from the first
}

// note notes the present row and returns its place: its line, or its number in
// a document.
func (m *entryMap) note(part *table.Part) (place int) {
	if part.Entry == 0 {
		return part.Line
	}
	if m.first == 0 {
		m.first, m.next = part.Entry, part.Entry
	}
	m.lines.note(part.Entry-m.first, part.Line)
	m.next = part.Entry + 1
	return part.Entry
}

// add appends a later part's entries.
func (m *entryMap) add(piece entryMap) {
	if piece.first == 0 {
		return
	}
	if m.first == 0 {
		m.first = piece.first
	}
	m.lines.add(piece.first-m.first, piece.lines)
	m.next = piece.next
}

// field is what is wrong with the row at a place.
func (m *entryMap) field(place int, name, message string) fault.Field {
	if m.first == 0 {
		return fault.Field{Name: name, Line: place, Message: message}
	}
	return fault.Field{Name: table.EntryName(place, name), Line: m.lines.of(place - m.first), Message: message}
}

// where says where a place is, for people.
func (m *entryMap) where(place int) string {
	if m.first == 0 {
		return fmt.Sprintf("on line %d", place)
	}
	return fmt.Sprintf("in entry %d", place)
}

// lineMap knows which line each row came from. Rows mostly follow each other
// line by line, or with as many empty lines between them as everywhere, so only
// the places where they do not are kept.
type lineMap struct{ breaks []lineBreak }

// lineBreak says that row stands on line, and each row after it so many lines
// further on.
type lineBreak struct {
	line      int
	row, step int32 // small: a list may have a break at every row
}

func (b lineBreak) of(row int) int { return b.line + (row-int(b.row))*int(b.step) }

// note records row's line when it is not the one that follows. Rows are noted
// one after the other.
func (m *lineMap) note(row, line int) {
	if n := len(m.breaks); n > 0 {
		last := &m.breaks[n-1]
		if row == int(last.row)+1 { // it says how far apart these rows are
			last.step = int32(line - last.line)
		}
		if line == last.of(row) {
			return
		}
	}
	m.breaks = append(m.breaks, lineBreak{row: int32(row), line: line, step: 1})
}

// add appends a piece's map; its rows begin at first.
func (m *lineMap) add(first int, piece lineMap) {
	for _, b := range piece.breaks {
		b.row += int32(first)
		if n := len(m.breaks); n > 0 && b.step == m.breaks[n-1].step && b.line == m.breaks[n-1].of(int(b.row)) {
			continue
		}
		m.breaks = append(m.breaks, b)
	}
}

// of gives the line of a row.
func (m *lineMap) of(row int) int {
	at := sort.Search(len(m.breaks), func(i int) bool { return int(m.breaks[i].row) > row }) - 1
	return m.breaks[at].of(row)
}
