package airdrop

import (
	"fmt"
	"strconv"
	"strings"
)

// ListReport says how a list was read: what it has, what was left out, and
// which of its rows deserve a look.
type ListReport struct {
	Rows   int `json:"rows"`   // rows read, those that are left out too
	Merged int `json:"merged"` // into an earlier row of the same wallet, or dropped for it
	Zeros  int `json:"zeros"`  // left out because their amount is zero
	// ZeroAddress is the line that pays the zero address, to which tokens cannot
	// be sent; 0 if none does. BurnAddresses are the first lines that pay an
	// address which nobody has the key of.
	ZeroAddress   int   `json:"zero_address,omitempty"`
	BurnAddresses []int `json:"burn_addresses,omitempty"`
	// OverUint128 is how many rows have an amount that some contracts cannot hold.
	OverUint128 int    `json:"over_uint128"`
	Smallest    string `json:"smallest"` // amount of a row, in tokens if the list is, or in base units
	Largest     string `json:"largest"`
	// Form is what the rows are: "a table", "JSON lines", "a JSON array" …
	Form      string        `json:"form"`
	Separator string        `json:"separator,omitempty"` // of cells: comma, semicolon or tab
	Columns   ReportColumns `json:"columns"`
	NotUsed   []string      `json:"not_used,omitempty"` // columns that were taken for nothing
	Encoding  string        `json:"encoding"`
	LineEnds  string        `json:"line_ends"`
	Titles    int           `json:"titles,omitempty"`   // lines above the header
	Comments  int           `json:"comments,omitempty"` // lines that begin with #
	// PassedOver says in one sentence what was not used; "" if nothing.
	PassedOver string `json:"passed_over,omitempty"`
	// Numbers is an amount as this list writes it, where that is not in plain
	// digits: "1,234.5".
	Numbers string `json:"numbers,omitempty"`
}

// ReportColumns are the headers of the columns that were taken, or their numbers
// from 1; "" where there is none.
type ReportColumns struct {
	Address string `json:"address"`
	Amount  string `json:"amount"`
	Index   string `json:"index,omitempty"`
}

// Lines returns the report as lines of a name and a text, for people.
func (r ListReport) Lines() (lines [][2]string) {
	add := func(name, text string) { lines = append(lines, [2]string{name, text}) }
	read := strconv.Itoa(r.Rows)
	for _, part := range []struct {
		count int
		what  string
	}{{r.Merged, "merged"}, {r.Zeros, "left out with an amount of zero"}} {
		if part.count > 0 {
			read += fmt.Sprintf(", %d %s", part.count, part.what)
		}
	}
	add("rows read", read)
	amounts := r.Smallest + " to " + r.Largest
	if r.Numbers != "" {
		amounts += ", written like " + r.Numbers
	}
	add("amounts", amounts)
	add("read as", r.readAs())
	if r.ZeroAddress > 0 {
		add("warning", fmt.Sprintf("line %d pays the zero address: tokens cannot be sent there, so its claim fails and the total is never reached", r.ZeroAddress))
	}
	if n := len(r.BurnAddresses); n > 0 {
		add("warning", fmt.Sprintf("an address that nobody has the key of is paid (line %s)", joined(r.BurnAddresses)))
	}
	if r.OverUint128 > 0 {
		add("warning", fmt.Sprintf("%d amounts are over 2^128-1: contracts that keep amounts in uint128 cannot pay them; are the decimals right?", r.OverUint128))
	}
	return lines
}

// readAs says where the columns were found, and what was passed over.
func (r ListReport) readAs() string {
	text := r.Form
	if r.Separator != "" {
		text += " separated by " + r.Separator + "s"
	}
	text += ", address: " + r.Columns.Address
	for _, c := range []struct{ name, column string }{{"amount", r.Columns.Amount}, {"index", r.Columns.Index}} {
		if c.column != "" {
			text += ", " + c.name + ": " + c.column
		}
	}
	if r.PassedOver != "" {
		text += "; " + r.PassedOver
	}
	if r.Encoding != "UTF-8" {
		text += "; " + r.Encoding
	}
	return text
}

func joined(lines []int) string {
	texts := make([]string, len(lines))
	for i, line := range lines {
		texts[i] = strconv.Itoa(line)
	}
	return strings.Join(texts, ", ")
}
