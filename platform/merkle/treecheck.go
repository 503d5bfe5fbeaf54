package merkle

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"banyan/platform/fault"
)

// wholeCheck is the largest file, in bytes, whose blocks are all checked when
// it is opened: that takes a few milliseconds.
const wholeCheck = 64 << 20

// Check verifies all of a tree file: every block, and then every section
// against a tree built again from the rows. A tree that is too large for
// options.Memory is built in a file in options.Folder. It fails with
// fault.Invalid on the first difference. A tree in memory was built by this
// program and has nothing to check.
func (t *Tree) Check(ctx context.Context, options Options) error {
	m, file := t.store.(*inFile)
	if !file {
		return nil
	}
	if err := m.checkBlocks(ctx); err != nil {
		return err
	}
	options.Nybbles = t.nybbles
	rows, err := m.externalList(ctx, options)
	if err != nil {
		return err
	}
	return errors.Join(t.compareWith(ctx, m, rows), rows.Close())
}

// compareWith compares the file with the tree of its rows.
func (t *Tree) compareWith(ctx context.Context, m *inFile, rows *ExternalList) error {
	if list := rows.InMemory(); list != nil {
		again, err := Build(ctx, t.format, list, rows.options)
		if err != nil {
			return err
		}
		memory := again.store.(*inMemory) //nolint:forcetypeassert // Build makes no other
		return m.compareAll(ctx, again.header(memory), func(p part) content {
			return memory.content(p, again.layout, m.header)
		})
	}
	path := filepath.Join(rows.options.Folder, ".check."+rand.Text()+".partial")
	again, err := BuildFile(ctx, t.format, rows, func(Hash) string { return path })
	if err != nil {
		return err
	}
	err = os.Remove(path) // it stays mapped: a process that is killed leaves nothing
	if err != nil {
		return errors.Join(err, again.Close())
	}
	other := again.store.(*inFile) //nolint:forcetypeassert // the rows are not in memory
	err = m.compareAll(ctx, other.header, func(p part) content {
		e := other.extents[p]
		return func(_ []byte, low, high int64) ([]byte, error) { return other.data[e.start+low : e.start+high], nil }
	})
	return errors.Join(err, again.Close())
}

// compareAll compares the header and every section with the expected ones.
func (m *inFile) compareAll(ctx context.Context, want header, contents func(part) content) error {
	if want.root != m.header.root {
		return fault.Newf(fault.Invalid, "the tree file has the root %s, and its rows have the root %s: build it again", m.header.root, want.root)
	}
	want.version = m.header.version // another writer's is as good
	if want.withSums(m.header.sums) != m.header {
		return errDamaged(0)
	}
	for p := range partSums {
		if err := m.compare(ctx, p, contents(p)); err != nil {
			return err
		}
	}
	return nil
}

func (h header) withSums(sums uint32) header {
	h.sums = sums
	return h
}

// checkBlocks checks every block's checksum, with all processors.
func (m *inFile) checkBlocks(ctx context.Context) error {
	blocks := int(m.extents[partSums].length / 4)
	return spread(ctx, runtime.GOMAXPROCS(0), blocks, func(low, high int) error {
		for block := low; block < high; block++ {
			if err := m.check(uint64(block) + 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// externalList returns the rows. If they fit into memory they share the file's.
func (m *inFile) externalList(ctx context.Context, options Options) (*ExternalList, error) {
	rows, err := NewExternalList(options)
	if err != nil {
		return nil, err
	}
	if m.header.rows <= rows.window || !m.header.format.sortable() {
		rows.list, err = m.list()
		return rows, err
	}
	e := m.extents[partRows]
	for first := 0; err == nil && first < m.header.rows; first += rowsAtOnce {
		n := min(rowsAtOnce, m.header.rows-first)
		var indexes []uint64
		if m.header.indexed {
			if indexes, err = m.indexes(first, n); err != nil {
				break
			}
		}
		low := e.start + int64(first)*RowSize
		err = rows.AppendRows(ctx, m.data[low:low+int64(n)*RowSize], indexes)
	}
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, nil
}

// list returns the rows as a list that shares the file's memory.
func (m *inFile) list() (*List, error) {
	e := m.extents[partRows]
	rows := m.data[e.start : e.start+e.length : e.start+e.length]
	list := &List{count: m.header.rows}
	if err := addAmounts(&list.total, rows); err != nil {
		return nil, err
	}
	for len(rows) > 0 {
		n := min(len(rows), rowsPerChunk*RowSize)
		list.chunks = append(list.chunks, rows[:n:n])
		rows = rows[n:]
	}
	if typed := m.header.format.form().typed; typed != nil {
		return list, m.values(list, *typed)
	}
	if !m.header.indexed {
		return list, nil
	}
	var err error
	list.indexes, err = m.indexes(0, m.header.rows)
	return list, err
}

// values gives a list the records of the file.
func (m *inFile) values(list *List, leaf Leaf) error {
	v := newValues(leaf)
	v.data = m.section(partRecords)
	if v.width == 0 {
		v.ends = make([]uint64, m.header.rows)
	}
	for i := range m.header.rows {
		record, err := m.record(i)
		if err != nil {
			return err
		}
		if v.width == 0 {
			end := uint64(len(record))
			if i > 0 {
				end += v.ends[i-1]
			}
			v.ends[i] = end
		}
		e, err := leaf.entry(record, v.who, v.amount)
		if err != nil {
			return err
		}
		if row := e.AppendRow(nil); !bytes.Equal(row, list.row(i)) {
			return fault.Newf(fault.Invalid, "the wallet or the amount of row %d is not the one among its values: build the tree file again", i)
		}
	}
	list.values = v
	return nil
}

// indexes returns the indexes of count rows from first on.
func (m *inFile) indexes(first, count int) ([]uint64, error) {
	indexes := make([]uint64, count)
	for i := range indexes {
		var err error
		if indexes[i], err = m.index(first + i); err != nil {
			return nil, err
		}
	}
	return indexes, nil
}

// compare compares a section, and its padding, with the expected content.
func (m *inFile) compare(ctx context.Context, p part, want content) error {
	e := m.extents[p]
	const piece = pieceSize
	room := make([]byte, piece)
	for low := int64(0); low < e.length; low += piece {
		if err := ctx.Err(); err != nil {
			return err
		}
		high := min(low+piece, e.length)
		wanted, err := want(room, low, high)
		if err != nil {
			return err
		}
		if !bytes.Equal(m.data[e.start+low:e.start+high], wanted) {
			return fault.Newf(fault.Invalid, "the tree file's checksums are right, but its contents from byte %d on do not match its rows, so it was not written by this program: build it again", e.start+low)
		}
	}
	end := m.extents[p+1].start
	for _, b := range m.data[e.start+e.length : end] {
		if b != 0 {
			return errDamaged(end/blockSize - 1)
		}
	}
	return nil
}
