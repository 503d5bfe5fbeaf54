package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// match is what a line would be as a header.
type match struct {
	roles   []int  // by position
	known   int    // cells that name a column
	missing []int  // required columns that no cell names
	problem string // two cells for one column
}

func (m *match) full() bool { return m.known > 0 && len(m.missing) == 0 }

// PlainName is a header in lower-case letters and digits alone.
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func (c *Column) named(name string) bool {
	return name != "" && (name == PlainName(c.Name) || slices.Contains(c.Synonyms, name))
}

// match finds the columns that the cells of a line name.
func (s *Spec) match(cells [][]byte) match {
	m := match{roles: make([]int, len(cells))}
	names := make([]string, len(cells))
	for i, cell := range cells {
		m.roles[i], names[i] = -1, PlainName(string(cell))
	}
	found := make([]int, len(s.Columns))
	for i := range found {
		found[i] = -1
	}
	row := s.Row(cells)
	for i := range s.Columns { // what was chosen comes first
		if c := &s.Columns[i]; c.Chosen != "" {
			at := c.position(len(cells))
			if !row { // a cell of a row may hold what is the number of another
				at = c.chosen(cells, names)
			}
			if at < 0 {
				continue
			}
			if other := m.roles[at]; other >= 0 {
				m.problem = fmt.Sprintf("%s and %s choose the same column: choose two", s.Columns[other].Flag, c.Flag)
			}
			found[i], m.roles[at] = at, i
			m.known++
		}
	}
	for at, cell := range cells {
		name := names[at]
		for i := range s.Columns {
			c := &s.Columns[i]
			if m.roles[at] >= 0 || c.Chosen != "" || !c.named(name) {
				continue
			}
			if found[i] >= 0 {
				if m.problem == "" {
					m.problem = c.twice(cells[found[i]], cell)
				}
				continue
			}
			found[i], m.roles[at] = at, i
			m.known++
		}
	}
	for i := range s.Columns {
		if s.Columns[i].Required && found[i] < 0 {
			m.missing = append(m.missing, i)
		}
	}
	return m
}

// chosen finds the cell that a person chose: by its text, by its letters, or by
// its position.
func (c *Column) chosen(cells [][]byte, names []string) int {
	for i, cell := range cells {
		if string(cell) == c.Chosen {
			return i
		}
	}
	if at := slices.Index(names, PlainName(c.Chosen)); at >= 0 && names[at] != "" {
		return at
	}
	return c.position(len(cells))
}

// position is the one from 0 that was chosen by its number; -1 if none was.
func (c *Column) position(count int) int {
	if n, err := strconv.Atoi(c.Chosen); err == nil && n >= 1 && n <= count {
		return n - 1
	}
	return -1
}

// twice is the problem of two cells that name one column.
func (c *Column) twice(first, second []byte) string {
	advice := "keep one, or rename the other"
	if c.Flag != "" {
		advice = "choose one with " + c.Flag
	}
	return fmt.Sprintf("two columns could be the %s, %q and %q: %s", c.Name, Short(first), Short(second), advice)
}

// candidate is a header that may be the table's.
type candidate struct {
	line      *sampled
	above     int // lines above it, without comments
	separator byte
	cells     [][]byte
	match     match
}

// header looks for a line that names all required columns. It returns nothing
// when there is none.
func (d *detector) header() (*Layout, int, error) {
	var best *candidate
	for _, separator := range d.separators {
		c := d.headerCutAt(separator)
		if c == nil {
			continue
		}
		if best == nil || c.line.line < best.line.line ||
			c.line.line == best.line.line && (c.match.known > best.match.known || c.match.known == best.match.known && len(c.cells) > len(best.cells)) {
			best = c
		}
	}
	if best == nil {
		return nil, 0, nil
	}
	if best.match.problem != "" {
		d.first = best.line
		return nil, 0, d.refuse(best.match.problem)
	}
	return best.layout(d), best.line.end, nil
}

// headerCutAt returns the first full header of lines cut at a separator. Above
// it may stand comments, and titles: lines of one cell above a header of more.
func (d *detector) headerCutAt(separator byte) *candidate {
	above, titles := 0, true
	for i := range d.lines {
		line := &d.lines[i]
		if above == headerLines {
			return nil
		}
		text := line.text
		if line.comment {
			text = []byte(strings.TrimLeft(string(text), "# \t")) // "# source,target" may be the header
		}
		cells, problem := cut(text, separator)
		if problem != "" {
			cells = nil
		}
		cells = trimEmpty(cells)
		if m := d.spec.match(cells); m.full() && !d.spec.Row(cells) && d.byName(&m) && (!line.comment || len(cells) > 1 && above == 0) &&
			(above == 0 || titles && len(cells) > 1) {
			return &candidate{line: line, above: above, separator: separator, cells: cells, match: m}
		}
		if line.comment {
			continue
		}
		if problem != "" || d.spec.Row(cells) {
			return nil
		}
		above++
		titles = titles && filled(cells) <= 1
	}
	return nil
}

// byName reports whether a cell was found by its name: positions alone make no
// header of a line.
func (d *detector) byName(m *match) bool {
	for at, column := range m.roles {
		if column >= 0 && d.spec.Columns[column].position(len(m.roles)) != at {
			return true
		}
	}
	return false
}

func filled(cells [][]byte) (n int) {
	for _, cell := range cells {
		if len(cell) > 0 {
			n++
		}
	}
	return n
}

// trimEmpty leaves out the empty cells at the end.
func trimEmpty(cells [][]byte) [][]byte {
	for len(cells) > 0 && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func (c *candidate) layout(d *detector) *Layout {
	l := &Layout{Separator: c.separator, Header: texts(c.cells), HeaderLine: c.line.line, first: len(c.cells), titles: c.above}
	least := len(c.cells)
	if d.spec.Ragged {
		least = 0
		for at, column := range c.match.roles {
			if column >= 0 && !d.spec.Columns[column].Trailing {
				least = at + 1
			}
		}
	}
	l.place(d.spec, c.match.roles, least)
	for i := range d.lines {
		if line := &d.lines[i]; line.comment && line.line < c.line.line {
			l.comments++
		}
	}
	return l
}

// unknownHeader refuses a first line that names some columns and not all that
// are required, or none of those that were chosen. Of a table without a header
// it takes the columns that were chosen by their positions.
func (d *detector) unknownHeader() (*Layout, error) {
	var most [][]byte
	var best match
	var separator byte
	strange := d.spec.Strict
	for _, s := range d.separators {
		cells, problem := cut(d.first.text, s)
		if problem != "" {
			continue
		}
		if cells = trimEmpty(cells); len(cells) > len(most) {
			most, separator = cells, s
		}
		strange = strange && !d.spec.Row(cells)
		if m := d.spec.match(cells); m.known > best.known && !d.spec.Row(cells) && d.byName(&m) {
			best = m
		}
	}
	for i := range d.spec.Columns {
		if c := &d.spec.Columns[i]; c.Chosen != "" && c.position(MaxColumns) < 0 {
			return nil, d.refuse(fmt.Sprintf("there is no column %q (%s); columns seen: %s", c.Chosen, c.Flag, seen(texts(most))))
		}
	}
	if best.known > 0 {
		if best.problem != "" {
			return nil, d.refuse(best.problem)
		}
		return nil, d.refuse(d.spec.lacks(best.missing) + "; columns seen: " + seen(texts(most)))
	}
	l, err := d.byPosition(most, separator)
	if l == nil && err == nil && strange && len(most) > 0 {
		err = d.refuse(d.spec.lacks(d.spec.match(most).missing) + "; columns seen: " + seen(texts(most)))
	}
	return l, err
}

// lacks says which columns a header does not name, and how to name them.
func (s *Spec) lacks(missing []int) string {
	if len(missing) == 0 { // it is a header, and yet a row
		return "the first line is neither a header nor a row"
	}
	c := &s.Columns[missing[0]]
	names := append([]string{c.Name}, c.Synonyms[:min(len(c.Synonyms), 4)]...)
	advice := "name one of the columns " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	if len(names) == 1 {
		advice = "name one of the columns " + names[0]
	}
	if c.Flag != "" {
		advice += ", or choose it with " + c.Flag
	}
	if c.Without != "" {
		advice += "; " + c.Without
	}
	return "the header has no " + c.Name + " column: " + advice
}

// byPosition lays out a table by the positions that were chosen; nil if none
// was. A first line that is not a row is its header.
func (d *detector) byPosition(cells [][]byte, separator byte) (*Layout, error) {
	m := d.spec.match(cells)
	if m.known == 0 {
		return nil, nil //nolint:nilnil // nothing was chosen
	}
	for i := range d.spec.Columns {
		c := &d.spec.Columns[i]
		if c.Chosen != "" && c.position(len(cells)) < 0 {
			return nil, d.refuse(fmt.Sprintf("there is no column %s (%s): the line has %d", c.Chosen, c.Flag, len(cells)))
		}
	}
	if m.problem != "" {
		return nil, d.refuse(m.problem)
	}
	if len(m.missing) > 0 {
		c := &d.spec.Columns[m.missing[0]]
		return nil, d.refuse(fmt.Sprintf("choose the %s column, too, with %s: the table has no header that names it", c.Name, c.Flag))
	}
	c := candidate{line: d.first, separator: separator, cells: cells, match: m}
	if !d.spec.Row(cells) {
		return c.layout(d), nil
	}
	l := &Layout{Separator: separator, first: len(cells)}
	l.place(d.spec, m.roles, 0)
	return l, nil
}
