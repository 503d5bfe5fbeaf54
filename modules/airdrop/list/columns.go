package list

import (
	"bytes"
	"fmt"
	"strings"

	"banyan/platform/table"
)

// The columns of a list, by their place in spec.Columns.
const (
	addressColumn = iota
	amountColumn
	indexColumn
)

// Columns are headers, or positions from 1, that a person chose; "" where the
// list's header says it.
type Columns struct{ Address, Amount, Index string }

// Flags are how a person chooses each of Columns; "" where that is not possible.
type Flags struct{ Address, Amount, Index string }

// addressNames and the others are what airdrop tools and block explorers write.
var (
	addressNames = []string{
		"wallet", "account", "receiver", "recipient", "to", "user", "holder", "holderaddress", "beneficiary", "claimer",
		"claimant", "owner", "walletaddress", "useraddress", "recipientaddress", "receiveraddress", "accountaddress",
		"beneficiaryaddress", "owneraddress", "toaddress", "ethaddress", "evmaddress",
	}
	amountNames = []string{
		"value", "balance", "quantity", "units", "tokens", "allocation", "earnings", "weight", "maxclaimable", "reward",
		"rewards", "claimable", "tokenamount", "amounts",
	}
	indexNames = []string{"accountindex"}
)

// spec is what a list looks like; questions need no amount.
func (o *Options) spec() table.Spec {
	s := table.Spec{
		Columns: []table.Column{
			{Name: "address", Synonyms: addressNames, Required: true, Chosen: o.Columns.Address, Flag: o.Flags.Address},
			{Name: "amount", Synonyms: amountNames, Required: !o.walletsOnly, Chosen: o.Columns.Amount, Flag: o.Flags.Amount},
			{Name: "index", Synonyms: indexNames, Chosen: o.Columns.Index, Flag: o.Flags.Index},
		},
		Row: isRow, Strict: true, Place: place, Shape: "address,amount",
	}
	if o.walletsOnly {
		s.Strict = false // a line that makes no sense is the answer to itself
		s.Place, s.Shape = placeWallets, "address or address,amount"
		return s
	}
	addMeaning(&s, nil)
	return s
}

// isRow reports whether one of the cells is an address or a number, which no
// header has.
func isRow(cells [][]byte) bool {
	for _, cell := range cells {
		if looksLikeAddress(cell) || looksLikeNumber(cell) {
			return true
		}
	}
	return false
}

// looksLikeAddress also knows an address with a mistake in it.
func looksLikeAddress(cell []byte) bool {
	return bytes.HasPrefix(cell, []byte("0x")) || bytes.HasPrefix(cell, []byte("0X")) || len(cell) == hexDigits && onlyHex(cell)
}

func looksLikeNumber(cell []byte) bool {
	cell = bytes.TrimLeft(cell, "+-")
	return len(cell) > 0 && isDigit(cell[0]) && len(bytes.Trim(cell, "0123456789.,'_ ")) == 0
}

// place takes a row without a header to be address,amount or
// index,address,amount. Empty cells behind these are a spreadsheet's.
func place(cells [][]byte) table.Placement {
	seen := len(cells)
	for len(cells) > 2 && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	switch {
	case len(cells) == 2:
		return certain(cells, addressColumn, amountColumn)
	case len(cells) == 3 && !looksLikeAddress(cells[0]):
		return certain(cells, indexColumn, addressColumn, amountColumn)
	case len(cells) == 1:
		return table.Placement{Problem: "a line without a header is address,amount; this one is a single cell: separate the cells by commas, semicolons or tabs"}
	}
	return table.Placement{Problem: fmt.Sprintf(
		"a line without a header is address,amount or index,address,amount; this one has %d columns: add a header that names them", seen)}
}

// placeWallets takes a row without a header to be an address, and maybe an amount.
func placeWallets(cells [][]byte) table.Placement {
	if len(cells) <= 2 {
		p := certain(cells, addressColumn, amountColumn)
		p.Least = 1
		return p
	}
	return place(cells)
}

func certain(cells [][]byte, columns ...int) table.Placement {
	p := table.Placement{Columns: columns}
	for at, column := range columns {
		if column == addressColumn && at < len(cells) {
			p.Certain = len(cells[at]) == addressLength && looksLikeAddress(cells[at])
		}
	}
	return p
}

// columns is where a list's cells are, ready for parsers.
type columns struct {
	*table.Layout
	indexed bool // each row says its index
	meaning bool // a column says what amounts mean
	kinds   meaningColumns
	simple  bool // a row is an address and an amount
}

func columnsOf(l *table.Layout, indexed bool) columns {
	c := columns{Layout: l, indexed: l.Has(indexColumn) || l.Objects && indexed}
	if len(l.Columns) > indexColumn+1 {
		c.kinds = meaningFrom(indexColumn + 1)
		for _, column := range l.Columns[indexColumn+1:] {
			c.meaning = c.meaning || column >= 0
		}
	}
	c.simple = !l.Objects && l.Width() == 2 && l.Columns[addressColumn] == 0 && l.Columns[amountColumn] == 1
	return c
}

func (c columns) addressName() string { return c.Name(addressColumn, "address") }
func (c columns) amountName() string  { return c.Name(amountColumn, "amount") }
func (c columns) indexName() string   { return c.Name(indexColumn, "index") }

// cells are the cells of a row that every list has; nil where a row has none.
type cells struct{ address, amount, index []byte }

// cut finds the cells of the present row. others are all that the table knows,
// where a column says what the amount means.
func (c columns) cut(p *table.Part) (values cells, others [][]byte, problem string) {
	if c.simple && p.Plain() && plain(p.Text, c.Separator) {
		return cells{address: p.Text[:addressLength], amount: p.Text[addressLength+1:]}, nil, ""
	}
	if c.Objects {
		if problem = p.Strange(); problem == "" {
			values, problem = readObject(p.Text)
		}
		return values, nil, problem
	}
	others, problem = p.Cells()
	if problem != "" {
		return values, nil, problem
	}
	return cells{
		address: bytes.TrimSpace(others[addressColumn]), amount: bytes.TrimSpace(others[amountColumn]), index: others[indexColumn],
	}, others, ""
}

// plain reports whether a line is as most are: an address, a separator, and a
// cell without blanks before it, quotes around it or another separator. Such a
// line is cut without looking for any of these.
func plain(line []byte, separator byte) bool {
	return len(line) > addressLength+1 && line[0] == '0' && isHex(line[addressLength-1]) && line[addressLength] == separator &&
		isDigit(line[addressLength+1]) && bytes.IndexByte(line[addressLength+1:], separator) < 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// totals are words of a row of sums that a spreadsheet puts below a list.
var totals = []string{"total", "totals", "sum", "subtotal", "grandtotal", "summe", "gesamt", "=sum(", "sum("}

// looksLikeTotal reports whether a cell stands where an address should in a row of sums.
func looksLikeTotal(cell []byte) bool {
	text := strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == ':' {
			return -1
		}
		return r
	}, string(cell)))
	for _, word := range totals {
		if text == word || strings.HasSuffix(word, "(") && strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}
