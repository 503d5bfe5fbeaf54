package list

import "sort"

// lineMap knows which line each row came from. Rows mostly follow each other
// line by line, so only the places where they do not are kept.
type lineMap struct{ breaks []lineBreak }

// lineBreak says that row stands on line, and the rows after it on the lines
// after it.
type lineBreak struct{ row, line int }

// note records row's line when it is not the one that follows.
func (m *lineMap) note(row, line int) {
	if n := len(m.breaks); n > 0 {
		last := m.breaks[n-1]
		if line-last.line == row-last.row {
			return
		}
	}
	m.breaks = append(m.breaks, lineBreak{row: row, line: line})
}

// add appends a piece's map; its rows begin at first.
func (m *lineMap) add(first int, piece lineMap) {
	for _, b := range piece.breaks {
		m.note(first+b.row, b.line)
	}
}

// of gives the line of a row.
func (m *lineMap) of(row int) int {
	at := sort.Search(len(m.breaks), func(i int) bool { return m.breaks[i].row > row }) - 1
	return m.breaks[at].line + row - m.breaks[at].row
}
