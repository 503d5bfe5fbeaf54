package list

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
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

// kindNames are what messages call them where the table does not.
var kindNames = [meaningKinds]string{"decimals", "token", "chain", "token type", "token id"}

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

// says reports whether rows may say something of a kind: those of JSON have
// what they have.
func (at meaningColumns) says(l *table.Layout, kind int) bool {
	return at[kind] >= 0 && (l.JSON != table.NoJSON || l.Has(at[kind]))
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
	// chain is the one that stands before addresses, and chainLine the line of
	// the first; 0: none does.
	chain     uint64
	chainLine int
	entries   bool   // lines are the numbers of entries
	given     uint64 // the chain that the list is for; 0: not known
	same      [len(sameColumns)][]byte
}

// check returns the problems of a row with what its columns say of its amount.
func (m *meaning) check(l *table.Layout, at meaningColumns, cells [][]byte, decimals, line int) (problems []fault.Field) {
	wrong := func(kind int, message string) {
		problems = append(problems, fault.Field{Name: l.Name(at[kind], kindNames[kind]), Line: line, Message: message})
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
	if cell := at.cell(cells, chainKind); m.given != 0 && len(cell) > 0 {
		if id, err := wallet.ParseChain(string(cell)); err == nil && id != m.given {
			wrong(chainKind, fmt.Sprintf("is %s, and the list is for %s", wallet.ChainName(id), wallet.ChainName(m.given)))
		}
	}
	first := m.line == 0
	if first {
		m.line = line
	}
	for i, s := range sameColumns {
		if !at.says(l, s.kind) {
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

// said is what the row before says of its token. Nearly all rows say the same,
// which costs a comparison and not a check.
type said struct {
	cells [meaningKinds][]byte
	right bool // nothing is wrong with it
}

// again reports whether a row says in these columns what the one before does, and
// that is right; otherwise it keeps what the row says.
func (s *said) again(columns []int, cells [][]byte) bool {
	same := s.right
	for i, column := range columns {
		if cell := cells[column]; string(s.cells[i]) != string(cell) {
			s.cells[i], same = append(s.cells[i][:0], cell...), false
		}
	}
	return same
}

// on notes the chain that stands before an address, and says how it differs.
func (m *meaning) on(chain uint64, line int) (problem string) {
	switch {
	case m.chain == 0:
		m.chain, m.chainLine = chain, line
	case m.chain != chain:
		return fmt.Sprintf("is on %s by its prefix, and that %s on %s: a tree pays on one chain, split the list, or remove the prefixes",
			wallet.ChainName(chain), m.where(m.chainLine), wallet.ChainName(m.chain))
	}
	return ""
}

// where says where a row is, for people.
func (m *meaning) where(line int) string {
	if m.entries {
		return fmt.Sprintf("in entry %d", line)
	}
	return fmt.Sprintf("on line %d", line)
}

func (m *meaning) differs(i int, cell []byte) string {
	return fmt.Sprintf("the %s is %q here and %q %s: a tree pays one token on one chain, split the list",
		sameColumns[i].what, table.Short(cell), table.Short(m.same[i]), m.where(m.line))
}

// join adds what a later part of the list says, and returns how it differs.
func (m *meaning) join(l *table.Layout, at meaningColumns, later meaning) (problems []fault.Field) {
	m.entries = m.entries || later.entries
	if later.chain != 0 {
		if problem := m.on(later.chain, later.chainLine); problem != "" {
			problems = append(problems, fault.Field{Name: l.Name(addressColumn, "address"), Line: later.chainLine, Message: problem})
		}
	}
	switch {
	case later.line == 0:
		return problems
	case m.line == 0:
		m.line, m.same, m.entries = later.line, later.same, later.entries
		return problems
	}
	for i, s := range sameColumns {
		if at.says(l, s.kind) && !bytes.Equal(m.same[i], later.same[i]) {
			problems = append(problems, fault.Field{Name: l.Name(at[s.kind], kindNames[s.kind]), Line: later.line, Message: m.differs(i, later.same[i])})
		}
	}
	return problems
}
