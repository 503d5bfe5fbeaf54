package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"banyan/platform/fault"
)

// JSON that has an array for each column ({"recipients":[…],"values":[…]}, as
// the arguments of Disperse) says what belongs together only at its end: it is
// read as a whole, and written again with an object for each row.

// maxApart is the longest such text in bytes: about half a million rows.
const maxApart = 64 << 20

// apartIn reports whether an object that begins with these arrays of single
// values has its columns in them. More may follow where the object has not ended.
func (s *Spec) apartIn(columns []member, ended bool) bool {
	m := s.match(singular(s, columns))
	return m.known > 0 && (m.full() && len(columns) > 1 || !ended)
}

// singular are the names of columns: of recipients, recipient, where the spec
// does not know the plural.
func singular(s *Spec, columns []member) [][]byte {
	names := namesIn(columns)
	for i, name := range names {
		known := func(name []byte) bool { return s.match([][]byte{name}).known > 0 }
		for _, ending := range []string{"s", "es"} {
			if one, plural := bytes.CutSuffix(name, []byte(ending)); plural && !known(name) && known(one) {
				names[i] = one
				break
			}
		}
	}
	return names
}

// joinApart puts an array of rows in the place of a text that has its columns apart.
func (c *chunker) joinApart(spec *Spec) error {
	text, err := c.wholeText()
	if err != nil {
		return err
	}
	begin := beforeJSON(text)
	if value := bytes.TrimSpace(text[begin:]); !json.Valid(value) {
		return fault.Newf(fault.Invalid, "this is no JSON, or it is cut off: %v; nothing was kept, send all of it", json.Unmarshal(value, new(json.RawMessage)))
	}
	joined, err := spec.join(text[begin:])
	if err != nil {
		return err
	}
	c.text.Reader = bytes.NewReader(joined)
	return nil
}

// wholeText reads the text, and reserves what it and its rows take.
func (c *chunker) wholeText() (text []byte, err error) {
	const step = 1 << 20
	for {
		if err := c.limits.Take(3 * step); err != nil {
			return nil, err
		}
		more, err := io.ReadAll(io.LimitReader(c.text, step))
		if text = append(text, more...); err != nil {
			return nil, brokenOff(err, bytes.Count(text, newline))
		}
		switch {
		case len(text) > maxApart:
			return nil, fault.Newf(fault.TooLarge, "this JSON has an array for each column, which is read up to %d MiB: write an array of objects like {\"address\":\"0x…\",\"amount\":\"…\"}", maxApart>>20)
		case len(more) < step:
			return text, nil
		}
	}
}

// join writes an object with an array of rows for one with an array of each column.
func (s *Spec) join(text []byte) ([]byte, error) {
	var columns, others []member
	eachMember(text, 0, func(m member) bool {
		if m.value[0] == '[' {
			columns = append(columns, m)
		} else {
			others = append(others, m)
		}
		return true
	})
	names := singular(s, columns)
	m := s.match(names)
	if !m.full() {
		return nil, fault.New(fault.Invalid, s.lacks(m.missing)+"; names seen: "+seen(texts(namesIn(columns))))
	}
	cells := make([][][]byte, len(columns))
	rows := -1
	for i, column := range columns {
		eachMember(column.value, 0, func(cell member) bool {
			cells[i] = append(cells[i], cell.value)
			return true
		})
		if m.roles[i] < 0 {
			continue
		}
		if rows >= 0 && len(cells[i]) != rows {
			first := slices.IndexFunc(m.roles, func(role int) bool { return role >= 0 })
			return nil, fault.Newf(fault.Invalid, "%q has %d elements and %q has %d: a row needs one of each",
				Short(columns[first].name), rows, Short(column.name), len(cells[i]))
		}
		rows = len(cells[i])
	}
	joined := make([]byte, 0, 2*len(text))
	joined = append(joined, '{')
	for i, column := range columns {
		if len(cells[i]) != rows { // it is passed over, and named
			others = append(others, member{name: column.name, value: []byte("null")})
		}
	}
	for _, m := range others {
		joined = append(append(appendName(joined, m.name), m.value...), ',')
	}
	joined = append(joined, `"rows":[`...)
	for row := range rows {
		if row > 0 {
			joined = append(joined, ',')
		}
		joined = append(joined, '{')
		for i := range columns {
			if len(cells[i]) != rows {
				continue
			}
			if joined[len(joined)-1] != '{' {
				joined = append(joined, ',')
			}
			joined = append(appendName(joined, names[i]), cells[i][row]...)
		}
		joined = append(joined, '}')
	}
	return append(joined, "]}"...), nil
}

func appendName(to, name []byte) []byte {
	text, err := json.Marshal(string(name))
	if err != nil { // a string always has a form in JSON
		panic(fmt.Sprintf("table: write the name %q: %v", name, err))
	}
	return append(append(to, text...), ':')
}
