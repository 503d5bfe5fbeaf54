package list

import (
	"bytes"
	"fmt"
	"strings"
)

// columns says which field of a line is what; -1: no such column.
type columns struct {
	address, amount, index int
	count                  int // fields on every line
	header                 []string
	json                   bool // each line is a JSON object instead; of the columns, index says whether it has one
	loose                  bool // a line is an address, or an address and an amount
}

// The names a header may use, in any order and case, among other columns.
var (
	addressNames = []string{"address", "wallet", "account"}
	amountNames  = []string{"amount", "value"}
	indexNames   = []string{"index"}
)

func (c columns) addressName() string { return c.name(c.address, "address") }
func (c columns) amountName() string  { return c.name(c.amount, "amount") }
func (c columns) indexName() string   { return c.name(c.index, "index") }

func (c columns) name(column int, otherwise string) string {
	if c.header != nil && column >= 0 {
		return c.header[column]
	}
	return otherwise
}

// readColumns learns the columns from the first line with text. problem says
// what is wrong with it, for people; "" when nothing is.
func readColumns(line []byte, amountNeeded bool) (c columns, header bool, problem string) {
	if line[0] == '{' {
		c = columns{json: true, index: -1}
		values, problem := readObject(line)
		if values.index != nil {
			c.index = 0
		}
		if !amountNeeded {
			problem = "" // it is the answer to this line alone
		}
		return c, false, problem
	}
	fields, problem := splitFields(nil, line)
	if problem != "" {
		return c, false, problem
	}
	c, known, problem := readHeader(fields)
	switch {
	case problem != "":
		return c, false, problem
	case !known && (looksLikeRow(fields) || !amountNeeded):
		c, problem = withoutHeader(fields, amountNeeded)
		return c, false, problem
	case c.address < 0:
		return c, false, "the header has no address column: name one of the columns address, wallet or account" + separatorHint(line)
	case amountNeeded && c.amount < 0:
		return c, false, "the header has no amount column: name one of the columns amount or value" + separatorHint(line)
	}
	return c, true, ""
}

func separatorHint(line []byte) string {
	if bytes.IndexByte(line, ',') < 0 && bytes.ContainsAny(line, ";\t") {
		return "; columns are separated by commas"
	}
	return ""
}

// readHeader finds the columns by name; known when at least one is.
func readHeader(fields [][]byte) (c columns, known bool, problem string) {
	c = columns{address: -1, amount: -1, index: -1, count: len(fields)}
	for i, field := range fields {
		name := strings.ToLower(string(field))
		c.header = append(c.header, name)
		for _, kind := range []struct {
			column *int
			names  []string
		}{{&c.address, addressNames}, {&c.amount, amountNames}, {&c.index, indexNames}} {
			for _, n := range kind.names {
				if n != name {
					continue
				}
				known = true
				if *kind.column >= 0 {
					return c, known, fmt.Sprintf("the header has two columns for the same thing, %q and %q: keep one",
						c.header[*kind.column], name)
				}
				*kind.column = i
			}
		}
	}
	return c, known, ""
}

// looksLikeRow tells a first line that is a row from a header whose names are
// not known: a row has something that begins like an address, or a number.
func looksLikeRow(fields [][]byte) bool {
	for _, field := range fields {
		if len(field) == 0 {
			continue
		}
		if field[0] >= '0' && field[0] <= '9' || field[0] == '-' {
			return true
		}
	}
	return false
}

// withoutHeader takes the columns to be address,amount or index,address,amount
// (or the address alone, where no amount is needed).
func withoutHeader(fields [][]byte, amountNeeded bool) (columns, string) {
	c := columns{address: 0, amount: 1, index: -1, count: len(fields)}
	switch {
	case len(fields) <= 2 && !amountNeeded:
		c.loose = true
		return c, ""
	case len(fields) == 2:
		return c, ""
	case len(fields) == 3 && !bytes.HasPrefix(fields[0], []byte("0x")):
		return columns{index: 0, address: 1, amount: 2, count: 3}, ""
	}
	return c, fmt.Sprintf("a line without a header is address,amount or index,address,amount; this one has %d columns: add a header that names them", len(fields))
}

// trimLine drops the carriage return and the blanks around a line.
func trimLine(line []byte) []byte { return trimBlanks(line, "\r\v\f") }

// trimBlanks drops spaces, tabs and the bytes of more from both ends. It is
// bytes.Trim without its tables, which cost more than a short line.
func trimBlanks(text []byte, more string) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' || (c < ' ' && strings.IndexByte(more, c) >= 0) }
	for len(text) > 0 && blank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && blank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// splitFields cuts a line at its commas (RFC 4180), into room's memory. Blanks
// around a field are dropped. A quoted field ends on its line: no column of a
// list has use for line breaks, and a forgotten quote must not swallow rows.
func splitFields(room [][]byte, line []byte) (fields [][]byte, problem string) {
	fields = room[:0]
	for {
		for len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			line = line[1:]
		}
		if len(line) > 0 && line[0] == '"' {
			field, rest, problem := quoted(line)
			if problem != "" {
				return fields, problem
			}
			fields = append(fields, field)
			if len(rest) == 0 {
				return fields, ""
			}
			line = rest[1:]
			continue
		}
		end := bytes.IndexByte(line, ',')
		if end < 0 {
			return append(fields, trimBlanks(line, "")), ""
		}
		fields = append(fields, trimBlanks(line[:end], ""))
		line = line[end+1:]
	}
}

// quoted reads the quoted field that line begins with; rest begins with the
// comma after it, or is empty.
func quoted(line []byte) (field, rest []byte, problem string) {
	body := line[1:]
	for {
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			return nil, nil, "a quote is opened and not closed on this line"
		}
		field = append(field, body[:end]...)
		body = body[end+1:]
		if len(body) > 0 && body[0] == '"' { // "" stands for one quote
			field = append(field, '"')
			body = body[1:]
			continue
		}
		body = bytes.TrimLeft(body, " \t")
		if len(body) > 0 && body[0] != ',' {
			return nil, nil, "there is text after a closing quote: put quotes around the whole field"
		}
		return bytes.TrimSpace(field), body, ""
	}
}
