// Package rank reads trust lists and ranks who is on them: the work behind
// `banyan reputation rank`, whose ids are any text, and the reader behind the
// import of trust, whose ids are wallets.
package rank

import (
	"context"
	"errors"
	"fmt"
	"io"

	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// MaxFields is how many wrong rows a refusal names.
const MaxFields = 100

// columns is what a trust list has, in this order; the time may be left out.
var columns = [...]column{
	{"source", []string{"source", "from", "src", "truster", "rater"}, false},
	{"target", []string{"target", "to", "dst", "trustee", "ratee", "subject"}, false},
	{"weight", []string{"weight", "rating", "trust", "value", "score"}, true},
	{"time", []string{"time", "timestamp", "at", "date"}, true},
}

// Row is one line of a trust list. Time is UTC milliseconds or trust.NoTime.
type Row[ID any] struct {
	Source, Target ID
	Weight         float64
	Time           int64
	Line           int // 1-based, as an editor counts
}

// Read streams the rows source,target,weight[,time] of a trust list to each,
// and gives how many there were. A header line is optional; the list is UTF-8,
// plain, gzip or zstd within limits. parse makes an id of a cell, which it must not keep.
//
// All rows are read before Read can say that they are right, so the caller
// keeps nothing of them when it fails: with fault.Invalid naming up to
// MaxFields wrong rows, fault.Unsupported for another encoding, fault.TooLarge
// over a limit, as limits.Reserve does, the context's error, an error of r, or what each returned, which stops it at once. After
// the first wrong row, each is not called any more.
func Read[ID any](ctx context.Context, r io.Reader, limits decompress.Limits, parse func(cell []byte) (ID, error), each func(Row[ID]) error) (rows int, err error) {
	table, err := openTable(ctx, r, limits, columns[:], 3)
	if err != nil {
		return 0, err
	}
	defer table.close()
	var row Row[ID]
	for table.next() {
		rows++
		row.Line = table.line
		if row.Source, err = parse(table.cells[0]); err != nil {
			table.wrongID("source", err)
		}
		if row.Target, err = parse(table.cells[1]); err != nil {
			table.wrongID("target", err)
		}
		if row.Weight, err = parseWeight(table.cells[2]); err != nil {
			table.wrong("weight", err.Error())
		}
		row.Time = trust.NoTime
		if len(table.cells) > 3 && len(table.cells[3]) > 0 {
			if row.Time, err = ParseTime(string(table.cells[3])); err != nil {
				table.wrong("time", err.Error())
			}
		}
		if len(table.fields) == 0 {
			if err := each(row); err != nil {
				return rows, err
			}
		}
	}
	if err := table.finish(); err != nil {
		return rows, err
	}
	if rows == 0 {
		return 0, fault.New(fault.Invalid, "the trust list is empty: it has rows of source,target,weight[,time]")
	}
	return rows, nil
}

// Wallet is the parse of a list whose ids are wallets.
func Wallet(cell []byte) (wallet.Address, error) { return wallet.Parse(string(cell)) }

// Named is the parse of a list whose ids are any text: it numbers them.
func Named(names *trust.Interner[string]) func(cell []byte) (uint32, error) {
	return func(cell []byte) (uint32, error) {
		if len(cell) == 0 {
			return 0, errors.New("is empty: an id is any text")
		}
		return trust.NumberOfText(names, cell)
	}
}

// wrongID notes an id that parse refused.
func (t *table) wrongID(column string, err error) {
	var f *fault.Fault
	if errors.As(err, &f) {
		t.wrong(column, f.Message)
		return
	}
	t.wrong(column, err.Error())
}

// refusal is the fault for rows that were wrong.
func refusal(fields []fault.Field, more bool) error {
	rows := "one row is wrong"
	switch {
	case more:
		rows = fmt.Sprintf("more than %d things are wrong with the rows (the first are named)", MaxFields)
	case len(fields) > 1:
		rows = fmt.Sprintf("%d things are wrong with the rows", len(fields))
	}
	return fault.New(fault.Invalid, rows+": nothing was kept; correct them and try again").With(fields...)
}
