package list

import (
	"bytes"

	"github.com/holiman/uint256"

	"banyan/platform/merkle/keccak"
	"banyan/platform/table"
)

// cellReader knows how the cells of a list are read.
type cellReader struct {
	engine   keccak.Engine
	decimals int
	chain    uint64
	spelling spelling
	texts    TextAmounts
}

// TextAmounts says what amounts of a JSON map are that are text and not numbers.
type TextAmounts string

// The choices. The old lists of Uniswap's merkle-distributor have hex digits
// there, without 0x, and other tools decimal ones: "100" is 256 or 100.
const (
	Decimal TextAmounts = "decimal" // as everywhere else
	Hex     TextAmounts = "hex"
	Ask     TextAmounts = "ask" // refuse them, and say why
)

// readAmount reads an amount of a row in JSON.
func (r *cellReader) readAmount(c *columns, part *table.Part, text []byte, amount *uint256.Int) (problem string) {
	hex := len(text) >= 2 && text[0] == '0' && text[1]|0x20 == 'x'
	if c.JSON == table.JSONMap && !hex && part.Quoted(amountColumn) && len(text) > 0 && onlyHex(text) {
		switch r.texts {
		case Ask:
			return "is text in a map of wallets, where Uniswap's scripts take it for hex digits and others for decimal ones: write numbers, or 0x before hex digits, or choose which it is"
		case Hex:
			text, hex = append([]byte("0x"), text...), true
		}
	}
	if !hex {
		return r.parseAmount(text, amount)
	}
	if problem = parseHex(text, r.decimals, amount); problem == "" && amount.IsZero() {
		return isZero
	}
	return problem
}

// columns is where a list's cells are, ready for parsers.
type columns struct {
	*table.Layout
	indexed bool  // each row says its index
	meaning []int // the columns that say what amounts mean
	kinds   meaningColumns
	simple  bool // a row is an address and an amount
}

func (r *cellReader) columnsOf(l *table.Layout) columns {
	c := columns{Layout: l, indexed: l.Has(indexColumn)}
	if len(l.Columns) > indexColumn+1 {
		c.kinds = meaningFrom(indexColumn + 1)
		for kind, column := range c.kinds {
			if c.kinds.says(l, kind) {
				c.meaning = append(c.meaning, column)
			}
		}
	}
	c.simple = l.JSON == table.NoJSON && l.Width() == 2 && l.Columns[addressColumn] == 0 && l.Columns[amountColumn] == 1
	return c
}

func (c *columns) addressName() string { return c.Name(addressColumn, "address") }
func (c *columns) amountName() string  { return c.Name(amountColumn, "amount") }
func (c *columns) indexName() string   { return c.Name(indexColumn, "index") }

// cells are the cells of a row that every list has; nil where a row has none.
type cells struct{ address, amount, index []byte }

// cut finds the cells of the present row. others are all that the table knows,
// where a column says what the amount means.
func (c *columns) cut(p *table.Part) (values cells, others [][]byte, problem string) {
	if c.simple && p.Plain() && plain(p.Text, c.Separator) {
		return cells{address: p.Text[:addressLength], amount: p.Text[addressLength+1:]}, nil, ""
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
