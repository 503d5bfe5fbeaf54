package rules

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
	"banyan/platform/wallet"
)

// ReadOptions bound the reading of a source's file.
type ReadOptions struct {
	Limits   decompress.Limits // none = decompress.Files()
	MaxRows  int               // 0 = 20,000,000
	Progress func(read int64)  // bytes; nil = nobody asks
}

const standardMaxRows = 20_000_000

// ReadTable reads the file of a source: CSV, plain, gzip or zstd, with the columns
// that its kind has (see Columns). It fails with fault.Invalid, naming wrong lines,
// and with fault.TooLarge. passed says what of the file was not used.
func ReadTable(ctx context.Context, in io.Reader, s Source, o ReadOptions) (t *Table, passed string, err error) {
	if o.Limits.Window == 0 {
		o.Limits = decompress.Files()
	}
	if o.MaxRows == 0 {
		o.MaxRows = standardMaxRows
	}
	peeked := bufio.NewReader(in)
	if header := headerOfNone(s); header != "" {
		if whole, err := peeked.Peek(len(header) + 1); errors.Is(err, io.EOF) && string(whole) == header {
			_, err := io.Copy(io.Discard, peeked)
			return &Table{Columns: make([][]uint256.Int, len(s.Values))}, "", err
		}
	}
	f := fileReader{source: s, columns: columnsOf(s), most: o.MaxRows}
	b := &builder{source: s, columns: make([][]uint256.Int, len(s.Values))}
	if s.Kind == Senders {
		b.source.Duplicates = "sum"
	}
	var problems []fault.Field
	report, err := table.Read(ctx, peeked, f.spec(), table.Options{Limits: o.Limits, Progress: o.Progress}, f.work, func(p rows) error {
		if problems = append(problems, p.problems...); len(problems) >= table.MaxProblems {
			return io.EOF
		}
		return f.take(b, p)
	})
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("read the source %s: %w", s.Name, err)
	case len(problems) > 0:
		return nil, "", fmt.Errorf("read the source %s: %w", s.Name, table.Refuse(problems[:min(len(problems), table.MaxProblems)]))
	}
	if t, err = b.table(); err != nil {
		return nil, "", fmt.Errorf("read the source %s: %w", s.Name, err)
	}
	return t, report.Passed(), nil
}

// headerOfNone is the whole file of a source that Banyan writes and that may have nobody:
// nobody may have written a review or called a contract, or all who were flagged are paid. "": it must have
// rows.
func headerOfNone(s Source) string {
	switch s.Kind {
	case Reviews, Attestations, Callers:
		return "address," + s.Values[0].Name + "\n"
	case Sybils:
		return "address,cluster,score,flagged,reason\n"
	}
	return ""
}

// column is a column of a source's file.
type column struct {
	table.Column
	value int // index in Source.Values; -1 = wallet, -2 = reason, -3 = flagged, -4 = to
	empty bool
}

const (
	walletColumn  = -1
	reasonColumn  = -2
	flaggedColumn = -3
	toColumn      = -4
)

// columnsOf are the columns of a kind of file: the wallet, the values of the source,
// and reasons where there are some.
func columnsOf(s Source) []column {
	address := column{table.Column{Name: "address", Synonyms: []string{"wallet", "account", "user", "holder", "holderaddress", "walletaddress", "candidate", "id"}, Required: true}, walletColumn, false}
	if s.Kind == Senders {
		address.Name, address.Synonyms = "from", []string{"source", "src", "sender", "fromaddress"}
		to := column{table.Column{Name: "to", Synonyms: []string{"target", "dst", "receiver", "recipient", "toaddress", "contract"}, Required: s.To != nil}, toColumn, s.To == nil}
		return []column{address, to}
	}
	all := []column{address}
	for i, v := range s.Values {
		c := column{table.Column{Name: v.Name, Synonyms: []string{table.PlainName(v.Name)}, Required: true}, i, false}
		switch {
		case s.Kind == Holders:
			c.Synonyms = []string{"amount", "value", "quantity", "tokens"}
		case s.Kind == Averages:
			c.Synonyms = []string{"balance", "averagebalance", "amount", "value"}
		case s.Kind == Callers:
			c.Synonyms = []string{"transactions", "txs", "count"}
		case s.Kind == Reputation && v.Name == "weight", v.Name == "rank" && s.Kind == Reputation:
			c.Required, c.empty = false, true
		case s.Kind == Sybils && v.Name == "cluster":
			c.empty = true
		}
		all = append(all, c)
	}
	if s.Kind == Sybils {
		all = append(all, column{table.Column{Name: "flagged", Required: true}, flaggedColumn, false})
	}
	if s.Kind == Sybils || s.Kind == List {
		all = append(all, column{table.Column{Name: "reason", Synonyms: []string{"reasons", "evidence", "why"}, Trailing: true}, reasonColumn, true})
	}
	return all
}

// fileReader reads the rows of a source's file.
type fileReader struct {
	source  Source
	columns []column
	most    int
}

func (f *fileReader) spec() table.Spec {
	spec := table.Spec{Row: startsWithWallet, Ragged: true}
	var shape []string
	least := 0
	for _, c := range f.columns {
		spec.Columns = append(spec.Columns, c.Column)
		shape = append(shape, c.Name)
		if c.Required {
			least = len(spec.Columns)
		}
	}
	spec.Shape = strings.Join(shape, ",")
	spec.Place = func(cells [][]byte) table.Placement {
		if len(cells) < least {
			return table.Placement{Problem: fmt.Sprintf("has %d cells, and a row is %s", len(cells), spec.Shape)}
		}
		columns := make([]int, len(cells))
		for i := range columns {
			if columns[i] = i; i >= len(f.columns) {
				columns[i] = -1
			}
		}
		return table.Placement{Columns: columns, Least: least, Certain: startsWithWallet(cells)}
	}
	return spec
}

func startsWithWallet(cells [][]byte) bool {
	_, err := wallet.Parse(string(cells[0]))
	return err == nil
}

// rows are the rows of a part of the file.
type rows struct {
	wallets  []wallet.Address
	columns  [][]uint256.Int
	reasons  []string
	lines    []int32
	problems []fault.Field
}

func (f *fileReader) work(_ context.Context, part *table.Part) (p rows, _ error) {
	p.columns = make([][]uint256.Int, len(f.source.Values))
	for part.Next() {
		cells, problem := part.Cells()
		if problem != "" {
			p.problems = append(p.problems, fault.Field{Line: part.Line, Message: problem})
		} else if name, problem := f.row(&p, cells); problem != "" {
			p.problems = append(p.problems, fault.Field{Name: name, Line: part.Line, Message: problem})
		} else if len(p.lines) < len(p.wallets) {
			p.lines = append(p.lines, int32(part.Line))
		}
		if len(p.problems) >= table.MaxProblems {
			break
		}
	}
	return p, nil
}

// row adds a row, or names the wrong column and why. A row that the source does not
// count is left out.
func (f *fileReader) row(p *rows, cells [][]byte) (name, problem string) {
	var w wallet.Address
	var values [maxValues]uint256.Int
	counts, reason := true, ""
	for i, c := range f.columns {
		cell := cells[i]
		switch {
		case len(cell) == 0 && c.empty:
		case c.value == walletColumn || c.value == toColumn:
			read, err := wallet.Parse(string(cell))
			if err != nil {
				return c.Name, wallet.Explain(cell)
			}
			if c.value == walletColumn {
				w = read
			} else if f.source.To != nil {
				counts = read == *f.source.To
			}
		case c.value == reasonColumn:
			reason = string(cell)
		case c.value == flaggedColumn:
			if counts = string(cell) == "true" || string(cell) == "1"; !counts && string(cell) != "false" && string(cell) != "0" {
				return c.Name, fmt.Sprintf("%q is not true or false", table.Short(cell))
			}
		default:
			v := f.source.Values[c.value]
			read, err := f.value(v, string(cell))
			if err != nil {
				return c.Name, fmt.Sprintf("%q %s", table.Short(cell), err)
			}
			values[c.value] = read
		}
	}
	if !counts {
		return "", ""
	}
	if f.source.Kind == Senders {
		values[0].SetOne()
	}
	p.wallets = append(p.wallets, w)
	for i := range p.columns {
		p.columns[i] = append(p.columns[i], values[i])
	}
	if reason != "" && p.reasons == nil {
		p.reasons = make([]string, len(p.wallets)-1)
	}
	if p.reasons != nil {
		p.reasons = append(p.reasons, reason)
	}
	return "", ""
}

// value reads a cell. Scores below zero, of whom the trusted distrust, count as none.
func (f *fileReader) value(v Value, text string) (uint256.Int, error) {
	if f.source.Kind == Reputation && strings.HasPrefix(text, "-") {
		if _, err := units(text[1:], v.Decimals, true); err != nil {
			return uint256.Int{}, err
		}
		return uint256.Int{}, nil
	}
	return units(text, v.Decimals, v.Cut)
}

// take adds the rows of a part.
func (f *fileReader) take(b *builder, p rows) error {
	before := len(b.wallets)
	if before+len(p.wallets) > f.most {
		return fault.Newf(fault.TooLarge, "the source %s has more than %d rows: leave out wallets that cannot get anything, or split the campaign", f.source.Name, f.most)
	}
	b.wallets = append(b.wallets, p.wallets...)
	b.lines = append(b.lines, p.lines...)
	for i := range b.columns {
		b.columns[i] = append(b.columns[i], p.columns[i]...)
	}
	if p.reasons != nil && b.reasons == nil {
		b.reasons = make([]string, before)
	}
	if b.reasons != nil {
		b.reasons = append(b.reasons, p.reasons...)
		for len(b.reasons) < len(b.wallets) {
			b.reasons = append(b.reasons, "")
		}
	}
	return nil
}
