package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"banyan/platform/fault"
)

// jsonText is how a text of JSON is laid out.
type jsonText struct {
	form  JSONForm
	skip  int    // bytes before the first row
	first []byte // the first row, as Part.Text has it
	// head is the text before the rows where they stand inside an object, closer
	// the bracket that ends them.
	head      []byte
	closer    byte
	constants []member // scalars of that object
	apart     bool     // each column has an array of its own
}

// detectJSON finds out how a text of JSON that begins with head has its rows.
func detectJSON(head []byte, spec *Spec) (t jsonText, err error) {
	begin := beforeJSON(head)
	if begin == len(head) {
		return t, fault.New(fault.Invalid, "the JSON begins too far below its comments: remove them")
	}
	line, rest, _ := bytes.Cut(head[begin:], newline)
	line = bytes.TrimRight(line, " \t\r")
	value := head[begin:min(len(head), valueEnd(head, begin))]
	another := begin+len(line) == begin+len(value) && skipBlanks(rest, 0) < len(rest)
	if head[begin] == '[' {
		if another && json.Valid(line) && rest[skipBlanks(rest, 0)] == '[' {
			return jsonText{form: JSONLines, first: line}, nil
		}
		return arrayOf(head, begin, spec)
	}
	if t, err = insideObject(head, begin, spec); t.form != NoJSON || t.apart || err != nil {
		return t, err
	}
	if last := line[len(line)-1]; len(line) < len(value) && (last == '{' || last == ',' || last == '[') {
		return jsonText{form: JSONSequence, skip: begin, first: value}, nil
	}
	return jsonText{form: JSONLines, first: line}, nil
}

// arrayOf lays out an array that begins at from.
func arrayOf(head []byte, from int, spec *Spec) (t jsonText, err error) {
	at := skipBlanks(head, from+1)
	t = jsonText{form: JSONArray, skip: from + 1, closer: ']'}
	if at >= len(head) || head[at] == ']' {
		return t, nil
	}
	if t.first = head[at:valueEnd(head, at)]; len(t.first) == 0 {
		return t, nil // its reader says so of the row
	}
	if c := t.first[0]; c != '{' && c != '[' {
		if is := spec.JSON.Foreign(nil, t.first); is != "" {
			return t, notAList(is)
		}
		place := spec.Place([][]byte{unquoteJSON(t.first)})
		if place.Problem == "" {
			return t, nil
		}
		if place.Without {
			return t, fault.New(fault.Invalid, "this is a JSON array of single values; "+place.Problem)
		}
		return t, fault.Newf(fault.Invalid, "this is a JSON array of single values, and the first is %s: write an array of objects like {\"address\":\"0x…\",\"amount\":\"…\"}, or of arrays", Short(t.first))
	}
	return t, nil
}

// insideObject finds the rows inside an object: a map, an array of rows, or
// arrays of cells. The form is NoJSON when the object is a row itself.
func insideObject(head []byte, from int, spec *Spec) (t jsonText, err error) {
	var all, scalars, columns []member
	var names []string
	var rows *member
	isMap := false
	ended := eachMember(head, from, func(m member) bool {
		if len(all) == 0 {
			isMap = spec.Row([][]byte{m.name})
		}
		all, names = append(all, m), append(names, string(m.name))
		switch m.value[0] {
		case '[':
			switch first := elementOf(head, m.at); {
			case len(first) == 0:
			case first[0] == '{' || first[0] == '[':
				if rows == nil {
					rows = &m
				}
			default:
				columns = append(columns, m)
			}
		case '{':
			if rows == nil && mapInside(head, m.at, spec) {
				rows = &m
			}
		default:
			scalars = append(scalars, m)
		}
		return len(all) < MaxColumns && !isMap
	})
	if isMap {
		return jsonText{form: JSONMap, skip: from + 1, closer: '}', first: head[skipBlanks(head, from+1) : all[0].at+len(all[0].value)]}, nil
	}
	if is := spec.JSON.Foreign(names, nil); is != "" {
		return t, notAList(is)
	}
	if m := spec.match(namesIn(scalars)); m.full() || len(all) == 0 {
		return t, nil
	}
	if rows == nil {
		t.apart = len(columns) > 0 && spec.apartIn(columns, ended)
		return t, nil
	}
	t = jsonText{form: JSONArray, closer: ']', skip: rows.at + 1, head: head[from : rows.at+1], constants: scalars}
	if at := skipBlanks(head, rows.at+1); at < len(head) {
		t.first = head[at:valueEnd(head, at)]
		if rows.value[0] == '{' {
			t.form, t.closer = JSONMap, '}'
			eachMember(head, rows.at, func(m member) bool {
				t.first = head[at : m.at+len(m.value)]
				return false
			})
		}
	}
	return t, nil
}

// elementOf returns the first element of the array at from; nil if there is none.
func elementOf(text []byte, from int) []byte {
	at := skipBlanks(text, from+1)
	if at >= len(text) || text[at] == ']' {
		return nil
	}
	return text[at:valueEnd(text, at)]
}

// mapInside reports whether the object at from is a map of rows.
func mapInside(text []byte, from int, spec *Spec) (is bool) {
	eachMember(text, from, func(m member) bool {
		is = spec.Row([][]byte{m.name})
		return false
	})
	return is
}

func namesIn(members []member) (names [][]byte) {
	for _, m := range members {
		names = append(names, m.name)
	}
	return names
}

// layout lays out the rows of a text of JSON. header says that the first row
// names the columns.
func (t *jsonText) layout(spec *Spec, line int) (l *Layout, header bool, err error) {
	l = &Layout{JSON: t.form, Columns: make([]int, len(spec.Columns)), spec: spec, constants: make([][]byte, len(spec.Columns))}
	for i := range l.Columns {
		l.Columns[i] = -1
	}
	d := detector{spec: spec, first: &sampled{line: line}}
	if err := t.takeConstants(l, &d); err != nil {
		return nil, false, err
	}
	row := t.first
	if t.form == JSONMap {
		l.Columns[spec.JSON.Key] = 0
		if len(row) == 0 {
			return l, false, nil
		}
		row = bytes.TrimLeft(row[min(len(row), valueEnd(row, 0)):], ": \t\r\n")
		if len(row) == 0 || row[0] != '{' {
			l.Columns[spec.JSON.Value] = 1
			return l, false, nil
		}
	}
	switch {
	case len(row) > 0 && row[0] == '{':
		err := d.object(l, row)
		if !json.Valid(row) { // which its reader says of the row
			err = nil
		}
		return l, false, err
	case !json.Valid(row):
		return l, false, nil
	}
	var cells [][]byte
	if row[0] != '[' {
		l.single = true
		return l, d.array(l, [][]byte{unquoteJSON(row)}), d.problem
	}
	eachMember(row, 0, func(m member) bool {
		cells = append(cells, unquoteJSON(m.value))
		return true
	})
	return l, d.array(l, cells), d.problem
}

// takeConstants takes what the object around the rows says of all of them.
func (t *jsonText) takeConstants(l *Layout, d *detector) error {
	m := d.spec.match(namesIn(t.constants))
	if m.problem != "" {
		return d.refuse(m.problem)
	}
	for i, column := range m.roles {
		if column < 0 || d.spec.Columns[column].Required {
			l.Unused = append(l.Unused, string(t.constants[i].name))
			continue
		}
		l.constants[column] = bytes.Clone(unquoteJSON(t.constants[i].value))
		l.Columns[column] = MaxColumns + i // which no row has
	}
	return nil
}

// object lays out rows that are objects, by the first.
func (d *detector) object(l *Layout, row []byte) error {
	var members []member
	eachMember(row, 0, func(m member) bool {
		members = append(members, m)
		return true
	})
	members = d.spec.unnest(members)
	n := d.spec.namesOf(members)
	l.Header = texts(n.names)
	found := 0
	for at, column := range n.roles {
		if column >= 0 {
			l.Columns[column] = at
			found++
		}
	}
	if l.JSON == JSONMap && l.Columns[d.spec.JSON.Key] < 0 {
		l.Columns[d.spec.JSON.Key] = 0
	}
	if n.problem != "" {
		return d.refuse(n.problem)
	}
	for i := range d.spec.Columns {
		c := &d.spec.Columns[i]
		switch {
		case l.Columns[i] >= 0:
		case c.Chosen != "":
			return d.refuse(fmt.Sprintf("there is no name %q (%s); names seen: %s", c.Chosen, c.Flag, seen(l.Header)))
		case c.Required && (d.spec.Strict || found == 0):
			return d.refuse(strings.Replace(d.spec.lacks([]int{i}), "the header has no", "the JSON object has no", 1) + "; names seen: " + seen(l.Header))
		}
	}
	return nil
}

// array lays out rows that are arrays, by the first, and reports whether that
// is a header.
func (d *detector) array(l *Layout, cells [][]byte) (header bool) {
	m := d.spec.match(cells)
	named := m.full() && !d.spec.Row(cells) && d.byName(&m)
	var chosen *Layout
	var err error
	if !named {
		chosen, err = d.byPosition(cells, 0)
	}
	switch {
	case err != nil:
		d.problem = err
		return false
	case chosen != nil:
		l.Header, l.first = chosen.Header, chosen.first
		l.place(d.spec, chosen.roles, chosen.least)
		return chosen.Header != nil
	}
	l.first = len(cells)
	if named {
		if m.problem != "" {
			d.problem = d.refuse(m.problem)
		}
		l.Header = texts(cells)
		l.place(d.spec, m.roles, 0)
		return true
	}
	place := d.spec.Place(cells)
	if place.Problem != "" {
		d.problem = d.refuse(place.Problem)
		return false
	}
	l.place(d.spec, place.Columns, place.Least)
	return false
}
