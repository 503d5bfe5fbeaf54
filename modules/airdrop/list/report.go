package list

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// figures are what a report says of rows.
type figures struct {
	rows, zeros int
	zeroAddress int   // its first line; 0: none
	burns       []int // the first lines
	amounts     bounds
}

// bounds are those of amounts.
type bounds struct {
	any              bool
	smallest, larger uint256.Int
	high             uint64 // 0: both fit into a word
	over             int    // over 2^128-1
}

func (b *bounds) add(amount *uint256.Int) {
	if amount[2]|amount[3] != 0 {
		b.over++
	}
	if !b.any {
		b.any, b.smallest, b.larger = true, *amount, *amount
		b.high = amount[1] | amount[2] | amount[3]
		return
	}
	if amount[1]|b.high|amount[2]|amount[3] == 0 { // as most are
		if amount[0] < b.smallest[0] {
			b.smallest[0] = amount[0]
		} else if amount[0] > b.larger[0] {
			b.larger[0] = amount[0]
		}
		return
	}
	b.addLong(amount)
}

// addLong is add for amounts that do not fit into a word.
func (b *bounds) addLong(amount *uint256.Int) {
	if less(amount, &b.smallest) {
		b.smallest = *amount
	} else if less(&b.larger, amount) {
		b.larger = *amount
	}
	b.high = 1
}

// less is Lt of uint256, which subtracts all words where the upper ones decide.
func less(a, b *uint256.Int) bool {
	switch {
	case a[3] != b[3]:
		return a[3] < b[3]
	case a[2] != b[2]:
		return a[2] < b[2]
	case a[1] != b[1]:
		return a[1] < b[1]
	}
	return a[0] < b[0]
}

func (b *bounds) join(o bounds) {
	if !o.any {
		return
	}
	over := b.over + o.over
	b.add(&o.smallest)
	b.add(&o.larger)
	b.over = over
}

// mostBurns is how many lines of burn addresses are named.
const mostBurns = 20

// burnAddresses are those that people send to what nobody shall have, and that
// nobody has the key of.
var burnAddresses = [...]wallet.Address{
	wallet.MustParse("0x000000000000000000000000000000000000dEaD"),
	wallet.MustParse("0xdEAD000000000000000042069420694206942069"),
	wallet.MustParse("0xdeaDDeADDEaDdeaDdEAddEADDEAdDeadDEADDEaD"),
	wallet.MustParse("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"),
	wallet.MustParse("0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF"),
}

// note looks at a row's address.
func (f *figures) note(who *wallet.Address, line int) {
	switch binary.LittleEndian.Uint16(who[:]) {
	case 0, 0xadde, 0xeeee, 0xffff: // the first bytes of all of them
		f.noteRare(who, line)
	}
}

func (f *figures) noteRare(who *wallet.Address, line int) {
	if who.IsZero() {
		if f.zeroAddress == 0 {
			f.zeroAddress = line
		}
		return
	}
	burn := bytes.Count(who[:19], []byte{0}) == 19 // the contracts that a chain has built in
	for _, b := range burnAddresses {
		burn = burn || *who == b
	}
	if burn && len(f.burns) < mostBurns {
		f.burns = append(f.burns, line)
	}
}

func (f *figures) join(o figures) {
	f.rows += o.rows
	f.zeros += o.zeros
	if f.zeroAddress == 0 {
		f.zeroAddress = o.zeroAddress
	}
	f.burns = append(f.burns, o.burns[:min(len(o.burns), mostBurns-len(f.burns))]...)
	f.amounts.join(o.amounts)
}

// report says how the list was read.
func (r *reading) report(ctx context.Context, t table.Report) (airdrop.ListReport, error) {
	f := &r.figures
	kept := r.list.Len()
	report := airdrop.ListReport{
		Rows: f.rows, Zeros: f.zeros, Merged: f.rows - f.zeros - kept,
		ZeroAddress: f.zeroAddress, BurnAddresses: f.burns, Numbers: r.cells.spelling.example(),
	}
	amounts := f.amounts
	if rows := r.list.InMemory(); report.Merged > 0 && rows != nil { // sums may be larger than all of their parts
		amounts = bounds{}
		for i := range rows.Len() {
			if i%chunkOfRows == 0 && ctx.Err() != nil {
				return report, ctx.Err()
			}
			e := rows.At(i)
			amounts.add(&e.Amount)
		}
	}
	report.OverUint128 = amounts.over
	report.Smallest, report.Largest = tokens(&amounts.smallest, r.options.Decimals), tokens(&amounts.larger, r.options.Decimals)
	describe(&report, t)
	return report, nil
}

// chunkOfRows is after how many rows it is looked whether the caller is still there.
const chunkOfRows = 1 << 16

// describe adds where the columns were found.
func describe(report *airdrop.ListReport, t table.Report) {
	l := t.Layout
	report.Form, report.Separator = l.JSON.String(), l.SeparatorName()
	report.Columns = airdrop.ReportColumns{
		Address: columnName(l, addressColumn), Amount: columnName(l, amountColumn), Index: columnName(l, indexColumn),
	}
	report.NotUsed, report.Encoding, report.LineEnds = l.Unused, l.Encoding, l.LineEnds
	report.Titles, report.Comments, report.PassedOver = t.Titles, t.Comments, t.Passed()
}

// columnName is the header of a column, or its number; "" if there is none.
func columnName(l *table.Layout, column int) string {
	switch {
	case column < 0 || column >= len(l.Columns) || !l.Has(column):
		return ""
	case l.Columns[column] < len(l.Header):
		return l.Header[l.Columns[column]]
	case l.JSON == table.JSONMap && l.Columns[column] < 2:
		return [...]string{"the name", "the value"}[l.Columns[column]]
	}
	return strconv.Itoa(l.Columns[column] + 1)
}

// tokens is an amount of base units with a point before its decimals.
func tokens(amount *uint256.Int, decimals int) string {
	digits := amount.Dec()
	if decimals == 0 {
		return digits
	}
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, fraction := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// example is how a spelling writes 1234.5; "" if it is plain.
func (s spelling) example() string {
	if s == plainSpelling {
		return ""
	}
	group := ""
	if s.group != 0 {
		group = string(rune(s.group))
	}
	return "1" + group + "234" + string(rune(s.point)) + "5"
}
