package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	platformtable "banyan/platform/table"
	"banyan/platform/wallet"
)

// Table is a source that was read: its wallets in the order of their addresses, each
// once.
type Table struct {
	Wallets []wallet.Address
	// Columns are the values of the wallets, in the order of Source.Values and in
	// their units.
	Columns [][]uint256.Int
	// Reasons are the evidence that rows have, for people; nil where there is none.
	Reasons []string
	// Rows is how many rows were read.
	Rows int
}

// builder collects rows. lines are those of the file; nil where there is none.
type builder struct {
	source  Source
	wallets []wallet.Address
	columns [][]uint256.Int
	reasons []string
	lines   []int32
}

// table sorts the rows by wallet and puts those of one wallet together.
func (b *builder) table() (*Table, error) {
	t := &Table{Wallets: b.wallets, Columns: b.columns, Reasons: b.reasons, Rows: len(b.wallets)}
	if !slices.IsSortedFunc(b.wallets, compareWallets) {
		order := sorted(b.wallets)
		t.Wallets = permuted(b.wallets, order)
		for i := range t.Columns {
			t.Columns[i] = permuted(t.Columns[i], order)
		}
		if t.Reasons != nil {
			t.Reasons = permuted(t.Reasons, order)
		}
		if b.lines != nil {
			b.lines = permuted(b.lines, order)
		}
	}
	return t, b.merge(t)
}

// merge puts the rows of one wallet together, or refuses them.
func (b *builder) merge(t *Table) error {
	var problems []fault.Field
	kept := 0
	for i := range t.Wallets {
		if i > 0 && t.Wallets[i] == t.Wallets[kept-1] {
			if b.source.Duplicates != "sum" {
				if problems = append(problems, b.twice(t, i)); len(problems) >= platformtable.MaxProblems {
					break
				}
				continue
			}
			if err := t.add(kept-1, i); err != nil {
				return err
			}
			continue
		}
		t.Wallets[kept] = t.Wallets[i]
		for _, c := range t.Columns {
			c[kept] = c[i]
		}
		if t.Reasons != nil {
			t.Reasons[kept] = t.Reasons[i]
		}
		if b.lines != nil {
			b.lines[kept] = b.lines[i]
		}
		kept++
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b fault.Field) int { return cmp.Compare(a.Line, b.Line) })
		return platformtable.Refuse(problems)
	}
	t.Wallets = t.Wallets[:kept]
	for i := range t.Columns {
		t.Columns[i] = t.Columns[i][:kept]
	}
	if t.Reasons != nil {
		t.Reasons = t.Reasons[:kept]
	}
	return nil
}

func (b *builder) twice(t *Table, i int) fault.Field {
	f := fault.Field{Name: "address", Message: fmt.Sprintf("%s is there twice: remove one, or write duplicates: sum", t.Wallets[i])}
	if b.lines != nil {
		first, second := min(b.lines[i-1], b.lines[i]), max(b.lines[i-1], b.lines[i])
		f.Line = int(second)
		f.Message = fmt.Sprintf("%s is on line %d, too: remove one, or write duplicates: sum", t.Wallets[i], first)
	}
	return f
}

// add adds the values of row from to those of row to.
func (t *Table) add(to, from int) error {
	for _, c := range t.Columns {
		if _, over := c[to].AddOverflow(&c[to], &c[from]); over {
			return fault.Newf(fault.Invalid, "the values of %s add up to more than 2^256-1: correct its rows", t.Wallets[to])
		}
	}
	if t.Reasons != nil && t.Reasons[from] != "" && t.Reasons[from] != t.Reasons[to] {
		if t.Reasons[to] != "" {
			t.Reasons[to] += "; "
		}
		t.Reasons[to] += t.Reasons[from]
	}
	return nil
}

func compareWallets(a, b wallet.Address) int { return bytes.Compare(a[:], b[:]) }

// sorted returns the order of wallets: by address, and those of one as they stood.
func sorted(wallets []wallet.Address) []int32 {
	type key struct {
		first uint64
		at    int32
	}
	keys := make([]key, len(wallets))
	for i := range wallets {
		w := &wallets[i]
		keys[i] = key{uint64(w[0])<<56 | uint64(w[1])<<48 | uint64(w[2])<<40 | uint64(w[3])<<32 | uint64(w[4])<<24 | uint64(w[5])<<16 | uint64(w[6])<<8 | uint64(w[7]), int32(i)}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return cmp.Or(compareWallets(wallets[a.at], wallets[b.at]), cmp.Compare(a.at, b.at))
	})
	order := make([]int32, len(keys))
	for i, k := range keys {
		order[i] = k.at
	}
	return order
}

func permuted[T any](values []T, order []int32) []T {
	to := make([]T, len(order))
	for i, at := range order {
		to[i] = values[at]
	}
	return to
}
