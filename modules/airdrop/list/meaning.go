package list

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/table"
)

// A tree pays one token on one chain, in one unit. A column that says another
// of a row is not passed over.

// Kinds of columns that say what an amount means.
const (
	decimalsKind = iota
	tokenKind
	chainKind
	typeKind
	tokenIDKind
	meaningKinds
)

// tokenNames and the others are what airdrop tools call them.
var (
	decimalsNames = []string{"decimal", "tokendecimals"}
	tokenNames    = []string{"token", "tokencontract", "contract", "contractaddress", "erc20"}
	chainNames    = []string{"chainid", "network", "networkid"}
	typeNames     = []string{"assettype"}
	tokenIDNames  = []string{"tokenids", "nftid"}
)

// meaningColumns has the place of each kind among the columns of a table's
// spec; -1: the leaf has a value of that name, or there is none.
type meaningColumns [meaningKinds]int

// addMeaning adds the columns that say what an amount means to a spec, but for
// those that are its own columns by one of these names.
func addMeaning(s *table.Spec, own []string) (at meaningColumns) {
	for kind, c := range []table.Column{
		{Name: "decimals", Synonyms: decimalsNames},
		{Name: "tokenaddress", Synonyms: tokenNames},
		{Name: "chain", Synonyms: chainNames},
		{Name: "tokentype", Synonyms: typeNames},
		{Name: "tokenid", Synonyms: tokenIDNames},
	} {
		at[kind] = -1
		if slices.ContainsFunc(own, func(name string) bool { return name == c.Name || slices.Contains(c.Synonyms, name) }) {
			continue
		}
		at[kind] = len(s.Columns)
		s.Columns = append(s.Columns, c)
	}
	return at
}

// meaningFrom has all kinds one after the other.
func meaningFrom(first int) (at meaningColumns) {
	for kind := range at {
		at[kind] = first + kind
	}
	return at
}

// cell is what a row says of a kind; nil if nothing.
func (at meaningColumns) cell(cells [][]byte, kind int) []byte {
	if at[kind] < 0 {
		return nil
	}
	return bytes.TrimSpace(cells[at[kind]])
}

// sameColumns must say the same of all rows.
var sameColumns = [...]struct {
	kind int
	what string
}{{tokenKind, "token"}, {chainKind, "chain"}, {typeKind, "kind of token"}}

// meaning is what the rows so far say of their token.
type meaning struct {
	line int // of the first row; 0: no row yet
	same [len(sameColumns)][]byte
}

// check returns the problems of a row with what its columns say of its amount.
func (m *meaning) check(l *table.Layout, at meaningColumns, cells [][]byte, decimals, line int) (problems []fault.Field) {
	wrong := func(kind int, message string) {
		problems = append(problems, fault.Field{Name: l.Name(at[kind], ""), Line: line, Message: message})
	}
	if cell := at.cell(cells, decimalsKind); len(cell) > 0 && string(cell) != strconv.Itoa(decimals) {
		wrong(decimalsKind, fmt.Sprintf("is %s, and amounts are read with %d decimals: read them with as many as the token has, or remove the column", table.Short(cell), decimals))
	}
	if len(at.cell(cells, tokenIDKind)) > 0 {
		wrong(tokenIDKind, "the row is of one token of many, which the leaf does not say: build a tree for each id, without the column")
	}
	if cell := bytes.ToLower(at.cell(cells, typeKind)); bytes.HasPrefix(cell, []byte("erc721")) || bytes.HasPrefix(cell, []byte("erc1155")) || string(cell) == "nft" {
		wrong(typeKind, fmt.Sprintf("%q has token ids, which the leaf does not say: leave these rows out", table.Short(cell)))
	}
	first := m.line == 0
	if first {
		m.line = line
	}
	for i, s := range sameColumns {
		if at[s.kind] < 0 || !l.Has(at[s.kind]) {
			continue
		}
		cell := bytes.ToLower(at.cell(cells, s.kind))
		if first {
			m.same[i] = bytes.Clone(cell)
		} else if !bytes.Equal(cell, m.same[i]) {
			wrong(s.kind, m.differs(i, cell))
		}
	}
	return problems
}

func (m *meaning) differs(i int, cell []byte) string {
	return fmt.Sprintf("the %s is %q here and %q on line %d: a tree pays one token on one chain, split the list",
		sameColumns[i].what, table.Short(cell), table.Short(m.same[i]), m.line)
}

// join adds what a later part of the list says, and returns how it differs.
func (m *meaning) join(l *table.Layout, at meaningColumns, later meaning) (problems []fault.Field) {
	switch {
	case later.line == 0:
		return nil
	case m.line == 0:
		*m = later
		return nil
	}
	for i, s := range sameColumns {
		if at[s.kind] >= 0 && l.Has(at[s.kind]) && !bytes.Equal(m.same[i], later.same[i]) {
			problems = append(problems, fault.Field{Name: l.Name(at[s.kind], ""), Line: later.line, Message: m.differs(i, later.same[i])})
		}
	}
	return problems
}
