package merkle

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Open maps a tree file into memory, read only; processes that open the same
// file share it. It reads the header and the checksums; the rest of a file over
// 64 MiB is read, and checked, when a look-up needs it, that of a smaller one
// at once. Close the tree when no look-up is running any more.
//
// A tree file is replaced, never changed: checked blocks are not checked again,
// and a process that reads beyond the end of a file that was truncated
// meanwhile ends with SIGBUS.
//
// It fails with fault.Invalid when the file is damaged, truncated or not a tree
// file, and with fault.Unsupported on another version's. Look-ups fail with
// fault.Invalid when the part they need is damaged.
func Open(path string) (*Tree, error) { return openFile(path, wholeCheck) }

// openFile is Open; files of up to whole bytes are checked completely.
func openFile(path string, whole int) (*Tree, error) {
	data, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	m := &inFile{data: data}
	tree, err := m.open()
	if err == nil && len(data) <= whole {
		err = m.checkBlocks(context.Background()) // milliseconds: not interruptible
	}
	if err != nil {
		unmapErr := unmapFile(data)
		if unmapErr != nil {
			return nil, fmt.Errorf("%s: %w (and %v)", path, err, unmapErr) //nolint:errorlint // the first cause is the one to act on
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tree, nil
}

// Close unmaps a tree file; a tree in memory need not be closed. Look-ups after
// it fail.
func (t *Tree) Close() error {
	m, file := t.store.(*inFile)
	if !file || m.closed.Swap(true) {
		return nil
	}
	return unmapFile(m.data)
}

// inFile is the store of a tree that is in a mapped file.
type inFile struct {
	data    []byte
	header  header
	extents [parts]extent
	checked []atomic.Uint64 // a bit for each block whose checksum was right
	closed  atomic.Bool
	touched atomic.Uint32 // what ReadAhead has read, so that the reads are not optimised away
}

func (m *inFile) open() (*Tree, error) {
	h, err := decodeHeader(m.data[:min(len(m.data), blockSize)])
	if err != nil {
		return nil, err
	}
	m.header = h
	var size int64
	if m.extents, size = h.extents(); int64(len(m.data)) != size {
		return nil, errCut()
	}
	sums := m.extents[partSums]
	if checksum(m.data[sums.start:]) != h.sums {
		return nil, errDamaged(sums.start / blockSize)
	}
	m.checked = make([]atomic.Uint64, sums.length/4/64+1)
	t := &Tree{format: h.format, spec: h.format.Spec(), nybbles: h.nybbles, count: h.rows, root: h.root, store: m}
	t.total.SetBytes32(h.total[:])
	if t.layout, err = m.layout(); err != nil {
		return nil, err
	}
	if t.layout.nodes() != h.nodes {
		return nil, errDamaged(0)
	}
	return t, nil
}

func (m *inFile) layout() (layout, error) {
	switch shape := m.header.format.Spec().Shape; shape {
	case Complete:
		return heap{leaves: m.header.leaves}, nil
	case Promoted:
		return promoted{leaves: m.header.leaves}, nil
	case Duplicated, ZeroFilled, EmptyFilled, Padded:
		return newFilled(shape, m.header.leaves), nil
	}
	sizes, ranks := make([]int, m.header.shards), make([]int, m.header.shards)
	leaves := 0
	seen := make([]bool, m.header.shards)
	for i := range sizes {
		b, err := m.bytes(partShards, 8*i, 8)
		if err != nil {
			return nil, err
		}
		sizes[i], ranks[i] = int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
		leaves += sizes[i]
		if sizes[i] == 0 || ranks[i] >= len(seen) || seen[ranks[i]] {
			return nil, errDamaged(m.extents[partShards].start / blockSize)
		}
		seen[ranks[i]] = true
	}
	if leaves != m.header.leaves {
		return nil, errDamaged(m.extents[partShards].start / blockSize)
	}
	s := newSharded(sizes)
	s.rank = ranks
	return s, nil
}

// bytes returns a piece of a section, after checking its blocks.
func (m *inFile) bytes(p part, from, size int) ([]byte, error) {
	e := &m.extents[p]
	if from < 0 || from > int(e.length)-size {
		return nil, errDamaged((e.start + int64(from)) / blockSize) // because of damage in another section
	}
	if m.closed.Load() {
		return nil, errClosed()
	}
	low := uint64(e.start) + uint64(from)
	high := low + uint64(size)
	for block := low / blockSize; block <= (high-1)/blockSize; block++ {
		if !m.isChecked(block) {
			if err := m.check(block); err != nil {
				return nil, err
			}
		}
	}
	return m.data[low:high:high], nil
}

func errClosed() error {
	return fault.New(fault.Unavailable, "the tree file is closed: open it again")
}

func (m *inFile) isChecked(block uint64) bool {
	return m.checked[block/64].Load()&(1<<(block%64)) != 0
}

// check compares a block with its checksum, once.
func (m *inFile) check(block uint64) error {
	want := binary.LittleEndian.Uint32(m.data[uint64(m.extents[partSums].start)+(block-1)*4:])
	if checksum(m.data[block*blockSize:(block+1)*blockSize]) != want {
		return errDamaged(int64(block))
	}
	m.checked[block/64].Or(1 << (block % 64))
	return nil
}

func (m *inFile) row(i int) ([]byte, error) { return m.bytes(partRows, RowSize*i, RowSize) }

func (m *inFile) index(i int) (uint64, error) {
	if !m.header.indexed {
		return uint64(i), nil
	}
	b, err := m.bytes(partIndexes, indexSize*i, indexSize)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (m *inFile) place(i int) (int, error) {
	b, err := m.bytes(partPlaces, 4*i, 4)
	if err != nil {
		return 0, err
	}
	place := int(binary.LittleEndian.Uint32(b))
	if place >= m.header.nodes {
		return 0, errDamaged((m.extents[partPlaces].start + int64(i)*4) / blockSize)
	}
	return place, nil
}

func (m *inFile) node(i int) ([]byte, error) { return m.bytes(partNodes, HashSize*i, HashSize) }

// copyNodes does for many nodes what node does for one. They are far apart, and
// a processor fetches many at a time when there are few instructions in
// between. None is in two blocks.
func (m *inFile) copyNodes(to []Hash, numbers []int) error {
	if m.closed.Load() {
		return errClosed()
	}
	all := hashesOf(m.section(partNodes))
	first := uint64(m.extents[partNodes].start) / blockSize
	for i, number := range numbers {
		if uint(number) >= uint(len(all)) || !m.isChecked(first+uint64(number)/(blockSize/HashSize)) {
			if _, err := m.node(number); err != nil {
				return err
			}
		}
		to[i] = all[number]
	}
	return nil
}

func (m *inFile) find(who wallet.Address) (position int, found bool, err error) {
	return findWallet(m.header.rows, who, m)
}

func (m *inFile) findSeveral(who wallet.Address) (position int, several, found bool, err error) {
	return findSeveral(m.header.rows, who, m)
}

func (m *inFile) findAll(who wallet.Address, yield func(position int) bool) error {
	return findAllRows(m.header.rows, who, m, yield)
}

func (m *inFile) recordBytes() int64 { return m.header.records }

// record returns the values of row i of a typed list.
func (m *inFile) record(i int) ([]byte, error) {
	if m.header.width > 0 {
		return m.bytes(partRecords, i*m.header.width, m.header.width)
	}
	start, end := uint64(0), uint64(0)
	from, size := max(i-1, 0)*8, 16
	if i == 0 {
		size = 8
	}
	b, err := m.bytes(partEnds, from, size)
	if err != nil {
		return nil, err
	}
	if end = binary.LittleEndian.Uint64(b[size-8:]); i > 0 {
		start = binary.LittleEndian.Uint64(b)
	}
	if start >= end || end > uint64(m.header.records) {
		return nil, errDamaged((m.extents[partEnds].start + int64(i)*8) / blockSize)
	}
	return m.bytes(partRecords, int(start), int(end-start))
}

func (m *inFile) prefix(i int) (begin, end int, err error) {
	b, err := m.bytes(partPrefixes, 4*i, 8)
	if err != nil {
		return 0, 0, err
	}
	return int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:])), nil
}

func (m *inFile) entry(i int) (uint64, error) {
	b, err := m.bytes(partOrder, 8*i, 8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (m *inFile) ranked(i int) (int, error) {
	entry, err := m.entry(i)
	return rowOf(entry), err
}
