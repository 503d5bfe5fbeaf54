package merkle

import (
	"bytes"
	"context"
	"runtime"

	"banyan/platform/fault"
)

// wholeCheck is the largest file, in bytes, whose blocks are all checked when
// it is opened: that takes a few milliseconds.
const wholeCheck = 64 << 20

// Check verifies all of a tree file: every block, and then every section
// against a tree built anew from the rows. It needs the memory of a build.
// Fails with fault.Invalid on the first difference. A tree in memory was built
// by this program and has nothing to check.
func (t *Tree) Check(ctx context.Context) error {
	m, file := t.store.(*inFile)
	if !file {
		return nil
	}
	if err := m.checkBlocks(ctx); err != nil {
		return err
	}
	list, err := m.list()
	if err != nil {
		return err
	}
	again, err := Build(ctx, t.format, list, Options{Nybbles: t.nybbles})
	if err != nil {
		return err
	}
	if again.root != t.root {
		return fault.Newf(fault.Invalid, "the tree file says its root is %s, and its rows have the root %s: build it again", t.root, again.root)
	}
	memory, built := again.store.(*inMemory)
	if !built || again.header(memory).withSums(m.header.sums) != m.header {
		return errDamaged(0)
	}
	for p := range partSums {
		if err := m.compare(ctx, p, memory.content(p, again.layout, m.header)); err != nil {
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
			if err := m.check(int64(block) + 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// list gives the rows as a list that shares the file's memory.
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
	if m.header.indexed {
		list.indexes = make([]uint64, list.count)
		for i := range list.indexes {
			var err error
			if list.indexes[i], err = m.index(i); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// compare holds a section, and its padding, against what it should be.
func (m *inFile) compare(ctx context.Context, p part, want content) error {
	e := m.extents[p]
	const piece = pieceBlocks * blockSize
	room := make([]byte, piece)
	for low := int64(0); low < e.length; low += piece {
		if err := ctx.Err(); err != nil {
			return err
		}
		high := min(low+piece, e.length)
		if !bytes.Equal(m.data[e.start+low:e.start+high], want(room, low, high)) {
			return fault.Newf(fault.Invalid, "the tree file's checksums are right and its contents from byte %d on are not what its rows make: it was not written by this program; build it again", e.start+low)
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
