package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// JSONForm is how a text of JSON has its rows.
type JSONForm int

// The forms. A row is an object, whose names are a header's, or an array, whose
// places are columns.
const (
	NoJSON       JSONForm = iota
	JSONLines             // a value on each line
	JSONSequence          // values that take more than a line
	JSONArray             // of rows
	JSONMap               // from the first column to the second, or to an object
)

// String is what people call the form.
func (f JSONForm) String() string {
	return [...]string{"a table", "JSON lines", "JSON objects", "a JSON array", "a JSON map"}[f]
}

// JSON says what a consumer knows of tables in JSON.
type JSON struct {
	// Key and Value are the columns of a map's names and values.
	Key, Value int
	// Foreign names what an object with these names, or an array with this
	// first element, is instead of a table; "" if it may be one.
	Foreign func(names []string, first []byte) string
	// Nested is a member whose names are the row's in the place of its own, as in
	// a transaction that has its arguments in one; of its own only those in
	// Renamed are left, under other names.
	Nested  string
	Renamed map[string]string
}

// objectNames are the names of an object, with the roles that they have.
type objectNames struct {
	names   [][]byte
	roles   []int
	problem string
}

// like reports whether an object's names are the same in the same order.
func (n *objectNames) like(members []member) bool {
	if n == nil || len(n.names) != len(members) {
		return false
	}
	for i := range members {
		if !bytes.Equal(n.names[i], members[i].name) {
			return false
		}
	}
	return true
}

// namesOf finds the roles of an object's names.
func (s *Spec) namesOf(members []member) *objectNames {
	n := &objectNames{}
	for _, m := range members {
		name := bytes.Clone(m.name)
		if slices.ContainsFunc(n.names, func(other []byte) bool { return bytes.EqualFold(other, name) }) {
			n.problem = fmt.Sprintf("the name %q is there twice: keep one", Short(name))
		}
		n.names = append(n.names, name)
	}
	m := s.match(n.names)
	n.roles = m.roles
	if n.problem == "" {
		n.problem = m.problem
	}
	return n
}

// jsonCells is Cells of a row in JSON.
func (p *Part) jsonCells() (cells [][]byte, problem string) {
	clear(p.cells)
	p.quoted = 0
	text := p.Text
	if p.layout.JSON == JSONMap {
		return p.mapCells(text)
	}
	if p.layout.single && len(text) > 0 && text[0] != '{' && text[0] != '[' && json.Valid(text) {
		p.members = append(p.members[:0], member{value: text})
		if problem = p.fillArray(p.members); problem != "" {
			return nil, problem
		}
		return p.cells, ""
	}
	if problem := wrongJSON(text); problem != "" {
		return nil, problem
	}
	if problem = p.fill(text); problem != "" {
		return nil, problem
	}
	return p.cells, ""
}

// wrongJSON says why a text is not one object or array.
func wrongJSON(text []byte) string {
	switch {
	case len(text) == 0:
		return "there is nothing between two commas of the JSON"
	case json.Valid(text):
		if text[0] != '{' && text[0] != '[' {
			return fmt.Sprintf("%q is no JSON object: write {\"address\":\"0x…\",\"amount\":\"…\"}", Short(text))
		}
		return ""
	case text[0] == '{' || text[0] == '[':
		if end := valueEnd(text, 0); end < len(text) && json.Valid(text[:end]) {
			return "there is text after the JSON object: write one on each line, or all in one array"
		}
	}
	if bytes.IndexByte(text, '\'') >= 0 && bytes.IndexByte(text, '"') < 0 {
		return "this is no JSON, which has double quotes around names and text"
	}
	return fmt.Sprintf("the line is no JSON object: %v", json.Unmarshal(text, new(json.RawMessage)))
}

// fill fills the cells from an object or array.
func (p *Part) fill(text []byte) (problem string) {
	for column, constant := range p.layout.constants {
		if constant != nil {
			p.cells[column] = constant
		}
	}
	members := p.members[:0]
	eachMember(text, 0, func(m member) bool {
		members = append(members, m)
		return true
	})
	p.members = members
	if text[0] == '[' {
		return p.fillArray(members)
	}
	members = p.layout.spec.unnest(members)
	if !p.names.like(members) {
		p.names = p.layout.spec.namesOf(members)
		p.noteUnused()
	}
	if p.names.problem != "" {
		return p.names.problem
	}
	for i, m := range members {
		if column := p.names.roles[i]; column >= 0 {
			if problem := p.take(column, m.value, m.name); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (p *Part) fillArray(members []member) (problem string) {
	if n := len(members); n < p.layout.least || n > len(p.layout.roles) {
		return fmt.Sprintf("the array has %d elements and the first one %d", n, p.layout.first)
	}
	for i, m := range members {
		if column := p.layout.roles[i]; column >= 0 {
			if problem := p.take(column, m.value, nil); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// take makes a cell of a value.
func (p *Part) take(column int, value, name []byte) (problem string) {
	switch value[0] {
	case 'n': // null
		p.cells[column] = []byte{}
		return ""
	case '{', '[':
		called := string(name)
		if name == nil {
			called = p.layout.spec.Columns[column].Name
		}
		return fmt.Sprintf("%q is neither a string nor a number", Short([]byte(called)))
	case '"':
		p.quoted |= 1 << column
	}
	p.cells[column] = unquoteJSON(value)
	return ""
}

// Quoted reports whether a cell of the present row is a JSON string, and not a number.
func (p *Part) Quoted(column int) bool { return p.quoted&(1<<column) != 0 }

// mapCells reads a member of a map: its name, and a value or an object.
func (p *Part) mapCells(text []byte) (cells [][]byte, problem string) {
	end := valueEnd(text, 0)
	at := skipBlanks(text, end)
	if at >= len(text) || text[at] != ':' || text[0] != '"' || !json.Valid(text[:end]) || !json.Valid(text[at+1:]) {
		return nil, "this is no name and value of a JSON object"
	}
	value := text[skipBlanks(text, at+1):]
	j := p.layout.spec.JSON
	if value[0] == '{' {
		if problem := p.fill(value); problem != "" {
			return nil, problem
		}
		if p.cells[j.Key] != nil && !bytes.EqualFold(p.cells[j.Key], unquoteJSON(text[:end])) {
			return nil, fmt.Sprintf("the name %q and what is said in its object differ", Short(text[:end]))
		}
	} else if problem := p.take(j.Value, value, nil); problem != "" {
		return nil, problem
	}
	p.cells[j.Key] = unquoteJSON(text[:end])
	return p.cells, ""
}

// unnest returns the members that are a row's, see JSON.Nested.
func (s *Spec) unnest(members []member) []member {
	if s.JSON.Nested == "" {
		return members
	}
	at := slices.IndexFunc(members, func(m member) bool { return string(m.name) == s.JSON.Nested && m.value[0] == '{' })
	if at < 0 {
		return members
	}
	var own []member
	for _, m := range members {
		if name, ok := s.JSON.Renamed[string(m.name)]; ok {
			m.name = []byte(name)
			own = append(own, m)
		}
	}
	eachMember(members[at].value, 0, func(m member) bool {
		own = append(own, m)
		return true
	})
	return own
}

// noteUnused notes the names that were taken for nothing.
func (p *Part) noteUnused() {
	const most = 100 // of which messages name a few
	for i, column := range p.names.roles {
		if name := string(p.names.names[i]); column < 0 && len(p.unused) < most && !slices.Contains(p.unused, name) {
			p.unused = append(p.unused, name)
		}
	}
}
