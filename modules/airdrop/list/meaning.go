package list

import (
	"bytes"
	"fmt"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/table"
)

// A tree pays one token on one chain, in one unit. A column that says another
// of a row is not passed over.

// sameColumns must say the same of all rows.
var sameColumns = [...]struct {
	column int
	what   string
}{{tokenColumn, "token"}, {chainColumn, "chain"}, {typeColumn, "kind of token"}}

// meaning is what the rows so far say of their token.
type meaning struct {
	line int // of the first row; 0: no row yet
	same [len(sameColumns)][]byte
}

// check returns the problems of a row with what its columns say of its amount.
func (m *meaning) check(l *table.Layout, cells [][]byte, decimals, line int) (problems []fault.Field) {
	wrong := func(column int, message string) {
		problems = append(problems, fault.Field{Name: l.Name(column, ""), Line: line, Message: message})
	}
	if cell := bytes.TrimSpace(cells[decimalsColumn]); len(cell) > 0 && string(cell) != strconv.Itoa(decimals) {
		wrong(decimalsColumn, fmt.Sprintf("is %s, and amounts are read with %d decimals: read them with as many as the token has, or remove the column", table.Short(cell), decimals))
	}
	if len(bytes.TrimSpace(cells[tokenIDColumn])) > 0 {
		wrong(tokenIDColumn, "the row is of one token of many, which the leaf does not say: build a tree for each id, without the column")
	}
	if cell := bytes.ToLower(bytes.TrimSpace(cells[typeColumn])); bytes.HasPrefix(cell, []byte("erc721")) || bytes.HasPrefix(cell, []byte("erc1155")) || string(cell) == "nft" {
		wrong(typeColumn, fmt.Sprintf("%q has token ids, which the leaf does not say: leave these rows out", table.Short(cell)))
	}
	first := m.line == 0
	if first {
		m.line = line
	}
	for i, s := range sameColumns {
		if !l.Has(s.column) {
			continue
		}
		cell := bytes.ToLower(bytes.TrimSpace(cells[s.column]))
		if first {
			m.same[i] = bytes.Clone(cell)
		} else if !bytes.Equal(cell, m.same[i]) {
			wrong(s.column, m.differs(i, cell))
		}
	}
	return problems
}

func (m *meaning) differs(i int, cell []byte) string {
	return fmt.Sprintf("the %s is %q here and %q on line %d: a tree pays one token on one chain, split the list",
		sameColumns[i].what, table.Short(cell), table.Short(m.same[i]), m.line)
}

// join adds what a later part of the list says, and returns how it differs.
func (m *meaning) join(l *table.Layout, later meaning) (problems []fault.Field) {
	switch {
	case later.line == 0:
		return nil
	case m.line == 0:
		*m = later
		return nil
	}
	for i, s := range sameColumns {
		if l.Has(s.column) && !bytes.Equal(m.same[i], later.same[i]) {
			problems = append(problems, fault.Field{Name: l.Name(s.column, ""), Line: later.line, Message: m.differs(i, later.same[i])})
		}
	}
	return problems
}
