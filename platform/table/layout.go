package table

import (
	"fmt"
	"strings"
)

// Layout says where a table's columns are.
type Layout struct {
	// Columns has the position of each of Spec.Columns, from 0; -1: the table
	// has no such column.
	Columns    []int
	Header     []string // as it is written; nil where there is none
	HeaderLine int      // 0 where there is none
	Unused     []string // the headers of columns that were taken for nothing
	Separator  byte     // 0: JSON
	JSON       JSONForm // how the rows stand in JSON; NoJSON: they are lines of cells
	Encoding   string   // UTF-8, UTF-16LE, …
	LineEnds   string   // LF, CRLF or CR

	roles    []int // by position: the column of the spec, or -1
	least    int   // the fewest cells of a row
	first    int   // cells on the first line
	titles   int   // lines above the header
	comments int   // lines above the first row

	single bool // rows of JSON are single values

	spec      *Spec
	constants [][]byte // cells of every row, of the JSON object around them
}

// Has reports whether the table has a column of the spec.
func (l *Layout) Has(column int) bool { return l.Columns[column] >= 0 }

// Width is how many cells a whole row has.
func (l *Layout) Width() int { return len(l.roles) }

// Name is what the table calls a column, in lower case; otherwise where it
// does not name it.
func (l *Layout) Name(column int, otherwise string) string {
	if at := l.Columns[column]; l.Header != nil && at >= 0 && at < len(l.Header) {
		return strings.ToLower(l.Header[at])
	}
	return otherwise
}

// Passed says in one sentence what of the table was left aside, for people; ""
// if nothing was.
func (r Report) Passed() string {
	var parts []string
	if r.Layout != nil && len(r.Layout.Unused) > 0 {
		parts = append(parts, "not used: "+seen(r.Layout.Unused))
	}
	for _, c := range []struct {
		count     int
		one, many string
	}{{r.Titles, "line above the header", "lines above the header"}, {r.Comments, "comment", "comments"}} {
		switch {
		case c.count == 1:
			parts = append(parts, "passed over: 1 "+c.one)
		case c.count > 1:
			parts = append(parts, fmt.Sprintf("passed over: %d %s", c.count, c.many))
		}
	}
	return strings.Join(parts, "; ")
}

// seen names columns for a message that stays short.
func seen(header []string) string {
	const most = 20
	names := make([]string, 0, most+1)
	for i, name := range header {
		if len(names) == most {
			names = append(names, fmt.Sprintf("and %d more", len(header)-most))
			break
		}
		if name == "" {
			name = fmt.Sprintf("column %d (no name)", i+1)
		}
		names = append(names, Short([]byte(name)))
	}
	return strings.Join(names, ", ")
}

// Short keeps a message short whatever a cell holds.
func Short(cell []byte) string {
	const most = 48
	text := strings.ToValidUTF8(string(cell[:min(len(cell), most)]), "\ufffd")
	if len(cell) > most {
		text = strings.TrimRight(text, "\ufffd") + "…"
	}
	return text
}

// SeparatorName is what people call what separates the cells; "" in JSON.
func (l *Layout) SeparatorName() string {
	if l.JSON != NoJSON {
		return ""
	}
	return separatorName(l.Separator)
}

func separatorName(separator byte) string {
	switch separator {
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case ' ':
		return "space"
	case pipe:
		return "pipe"
	case '=':
		return "equals sign"
	}
	return "comma"
}
