package list

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/table"
)

// ReadLeaves reads a list for trees whose leaves have these values, and returns
// the leaf with the names that the list's header has for values without one.
// Values with names are found by them; without names they are the first columns,
// in their order. A wallet may be on many rows. OnDuplicate is about rows that
// are equal in all values, whose leaves are equal: Error refuses them, First
// drops the later ones, Keep keeps them; Sum has no meaning for them.
//
// It fails as Read does.
func ReadLeaves(ctx context.Context, in io.Reader, leaf merkle.Leaf, options Options) (*List, merkle.Leaf, error) {
	options, err := options.filled()
	if err != nil {
		return nil, leaf, err
	}
	if options.OnDuplicate == Sum {
		return nil, leaf, fault.New(fault.Invalid, "amounts are added up in lists of wallets and amounts only: the rows of other leaves stay as they are (choose error, first or keep)")
	}
	leaf.Fields = append([]merkle.Field(nil), leaf.Fields...)
	columns, byPosition := leafColumns(leaf, options)
	r := leafReader{leaf: leaf, options: options, seen: newRowSet()}
	about, err := ReadValues(ctx, in, columns, options, r.take)
	if err != nil {
		return nil, leaf, err
	}
	if len(r.problems) > 0 {
		return nil, leaf, table.Refuse(r.problems)
	}
	if byPosition && about != nil {
		leaf = named(leaf, about)
	}
	rows := merkle.NewTypedList(leaf)
	if err := rows.AppendRecords(r.records); err != nil {
		return nil, leaf, err
	}
	return rows, leaf, nil
}

// leafColumns returns the columns of a leaf's values. A value that a person
// chose a column for, or that has a name, is found by it.
func leafColumns(leaf merkle.Leaf, options Options) (columns []ValueColumn, byPosition bool) {
	byPosition = !leaf.Named()
	who, amount := leaf.Roles()
	for i, f := range leaf.Fields {
		c := ValueColumn{Name: f.Name, Type: f.Type.String()}
		if c.Name == "" {
			c.Name = "value" + strconv.Itoa(i+1)
			if byPosition {
				c.Chosen = strconv.Itoa(i + 1)
			}
		}
		switch i { // the names by which decimals and messages know them
		case who:
			c.Flag = options.Flags.Address
			if f.Name == "" {
				c.Name = "address"
			}
			if options.Columns.Address != "" {
				c.Chosen = options.Columns.Address
			}
		case amount:
			c.Flag = options.Flags.Amount
			if f.Name == "" {
				c.Name = "amount"
			}
			if options.Columns.Amount != "" {
				c.Chosen = options.Columns.Amount
			}
		}
		columns = append(columns, c)
	}
	return columns, byPosition
}

// named returns the leaf with the names of a header.
func named(leaf merkle.Leaf, layout *table.Layout) merkle.Leaf {
	again := leaf
	again.Fields = append([]merkle.Field(nil), leaf.Fields...)
	for i := range again.Fields {
		again.Fields[i].Name = layout.Name(i, "")
	}
	if again.Check() != nil {
		return leaf // names that no description can have
	}
	return again
}

// leafReader gathers the rows of a list of any values.
type leafReader struct {
	leaf     merkle.Leaf
	options  Options
	records  []byte
	lines    []uint32
	seen     rowSet
	problems []fault.Field
}

func (r *leafReader) take(rows []ValueRow) error {
	if len(r.problems) >= table.MaxProblems {
		return nil
	}
	for _, row := range rows {
		start := len(r.records)
		for i, f := range r.leaf.Fields {
			r.records = f.Type.AppendWord(r.records, row.Values[i].Word[:], row.Values[i].Bytes)
		}
		if r.options.OnDuplicate == Keep {
			continue
		}
		first, again := r.seen.add(r.records, start)
		switch {
		case !again:
			r.lines = append(r.lines, uint32(row.Line))
		case r.options.OnDuplicate == First:
			r.records = r.records[:start]
		default:
			r.records = r.records[:start]
			r.problems = append(r.problems, fault.Field{
				Line: row.Line, Message: fmt.Sprintf("this row is on line %d already, with the same values, and would be the same leaf: keep one of them", r.lines[first]),
			})
		}
	}
	return nil
}

// rowSet finds equal records. It has the place of each in one slice, and a table
// of their numbers by hash.
type rowSet struct {
	seed   maphash.Seed
	starts []uint64
	table  []uint32 // row+1; 0: free
}

func newRowSet() rowSet { return rowSet{seed: maphash.MakeSeed(), table: make([]uint32, 1<<10)} }

// add adds the record that begins at start and ends with all; again is true if
// it is row first already.
func (s *rowSet) add(all []byte, start int) (first int, again bool) {
	if 2*len(s.starts) >= len(s.table) {
		s.grow(all[:start])
	}
	record := all[start:]
	for at := s.slot(record); ; at = (at + 1) % len(s.table) {
		row := int(s.table[at]) - 1
		if row < 0 {
			s.starts = append(s.starts, uint64(start))
			s.table[at] = uint32(len(s.starts))
			return 0, false
		}
		if bytes.Equal(s.record(all[:start], row), record) {
			return row, true
		}
	}
}

func (s *rowSet) slot(record []byte) int {
	return int(maphash.Bytes(s.seed, record) & uint64(len(s.table)-1))
}

func (s *rowSet) record(all []byte, row int) []byte {
	if row+1 < len(s.starts) {
		return all[s.starts[row]:s.starts[row+1]]
	}
	return all[s.starts[row]:]
}

func (s *rowSet) grow(all []byte) {
	s.table = make([]uint32, 2*len(s.table))
	for row := range s.starts {
		at := s.slot(s.record(all, row))
		for s.table[at] != 0 {
			at = (at + 1) % len(s.table)
		}
		s.table[at] = uint32(row + 1)
	}
}
