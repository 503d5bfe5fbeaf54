package merkle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"banyan/platform/atomicfile"
)

// WriteFile writes the tree to path as a tree file (treefile.go has the
// layout). The file exists whole or not at all, also after a power failure: it
// is written under another name, synced, renamed, and the folder synced. An
// older file at path is replaced; a process that has it open keeps reading the
// old one.
func (t *Tree) WriteFile(ctx context.Context, path string) error {
	memory, built := t.store.(*inMemory)
	if !built {
		return errors.New("merkle: this tree is in a file already: copy the file")
	}
	return t.writeFile(ctx, path, memory, Options{})
}

// treeMode is the mode of tree files: their contents are public.
const treeMode = 0o644

func (t *Tree) writeFile(ctx context.Context, path string, memory *inMemory, options Options) error {
	err := atomicfile.Replace(path, treeMode, func(f *os.File) error {
		h := t.header(memory)
		w := newTreeWriter(f, h)
		extents, size, err := w.resize(h)
		if err != nil {
			return err
		}
		w.report = options.begin("writing", size)
		for p := range partSums {
			if err := w.section(ctx, extents[p], memory.content(p, t.layout, h)); err != nil {
				return err
			}
		}
		return w.finish(h)
	})
	if err != nil {
		return fmt.Errorf("write the tree file: %w", err)
	}
	return nil
}

// header returns the header of a built tree.
func (t *Tree) header(memory *inMemory) header {
	h := header{
		version: treeVersion, format: t.format, rows: t.count, leaves: t.count, nodes: t.layout.nodes(),
		total: t.total.Bytes32(), root: t.root, nybbles: t.nybbles, indexed: memory.list.Indexed(),
	}
	switch l := t.layout.(type) {
	case promoted:
		h.leaves = l.leaves
	case filled:
		h.leaves = l.leaves
	case sharded:
		h.shards = len(l.shards)
	}
	if v := memory.list.values; v != nil {
		h.records, h.width = int64(len(v.data)), v.width
	}
	return h
}

// content returns the bytes [low, high) of a section; it may return memory of
// the tree, or fill room, which is large enough. Several workers call it
// concurrently.
type content func(room []byte, low, high int64) ([]byte, error)

func (m *inMemory) content(p part, l layout, h header) content {
	switch p {
	case partRows:
		return m.list.bytes
	case partIndexes:
		return words(8, func(to []byte, i int) { binary.LittleEndian.PutUint64(to, m.list.index(i)) })
	case partPlaces:
		return numbers(m.places)
	case partNodes:
		return func(_ []byte, low, high int64) ([]byte, error) { return m.nodes[low:high], nil }
	case partOrder:
		entries := m.list.order().entries
		return words(8, func(to []byte, i int) { binary.LittleEndian.PutUint64(to, entries[i]) })
	case partPrefixes:
		return numbers(m.list.order().prefix)
	case partRecords:
		return func(_ []byte, low, high int64) ([]byte, error) { return m.list.values.data[low:high], nil }
	case partEnds:
		return words(8, func(to []byte, i int) { binary.LittleEndian.PutUint64(to, m.list.values.ends[i]) })
	}
	return shardSizes(l)
}

// shardSizes returns the content of the section of the shards.
func shardSizes(l layout) content {
	return words(8, func(to []byte, i int) {
		s := l.(sharded) //nolint:forcetypeassert // the section is empty in every other layout
		binary.LittleEndian.PutUint32(to, uint32(s.shards[i].leaves))
		binary.LittleEndian.PutUint32(to[4:], uint32(s.rank[i]))
	})
}

// numbers returns the content of 32-bit numbers.
func numbers(of []uint32) content {
	return func(room []byte, low, high int64) ([]byte, error) {
		room = room[:high-low]
		for i, n := range of[low/4 : high/4] {
			binary.LittleEndian.PutUint32(room[i*4:], n)
		}
		return room, nil
	}
}

// words returns the content of elements of a size that divides a block.
func words(size int64, put func(to []byte, i int)) content {
	return func(room []byte, low, high int64) ([]byte, error) {
		room = room[:high-low]
		for i := low / size; i < high/size; i++ {
			put(room[i*size-low:], int(i))
		}
		return room, nil
	}
}

// bytes is a content: the rows are in chunks of whole blocks.
func (l *List) bytes(_ []byte, low, high int64) ([]byte, error) {
	chunk := l.chunks[low/chunkBytes]
	return chunk[low%chunkBytes : (high-1)%chunkBytes+1], nil
}

// treeWriter writes the sections of a tree file, each with all processors and
// with the checksums of its blocks, and then the header.
type treeWriter struct {
	file   *os.File
	sums   []byte // the checksums section
	report *progress
}

// newTreeWriter returns a writer for a tree of h's rows, format, indexes and
// shards' prefix. The other numbers of h may not be known yet.
func newTreeWriter(file *os.File, h header) *treeWriter {
	// There are never more nodes: a tree has twice its leaves, and at most one
	// promoted node more on each level.
	h.shards = 1 << (4 * h.nybbles)
	h.nodes = 2*h.rows + MaxDepth*(h.shards+1)
	extents, _ := h.extents()
	return &treeWriter{file: file, sums: make([]byte, extents[partSums].length), report: Options{}.begin("", 0)}
}

// rows writes a piece of the tree's list.
func (w *treeWriter) rows(ctx context.Context, list *List) error {
	return w.section(ctx, extent{start: blockSize + int64(list.first)*RowSize, length: int64(list.count) * RowSize}, list.bytes)
}

// resize sets the length of the file, which follows from the whole of h.
func (w *treeWriter) resize(h header) (extents [parts]extent, size int64, err error) {
	extents, size = h.extents()
	w.sums = w.sums[:extents[partSums].length]
	return extents, size, w.file.Truncate(size)
}

const (
	// pieceBlocks is how many blocks are written at a time: it divides a chunk
	// of rows, which has 416 blocks.
	pieceBlocks = 208
	pieceSize   = pieceBlocks * blockSize
)

// section writes the content of e, which starts at a block.
func (w *treeWriter) section(ctx context.Context, e extent, get content) error {
	return w.pieces(ctx, e, func(data []byte, low, high int64) ([]byte, error) {
		data, err := get(data, low, high)
		if err != nil {
			return nil, err
		}
		data = padded(data)
		if _, err = w.file.WriteAt(data, e.start+low); err == nil {
			startWriting(w.file, e.start+low, int64(len(data)))
		}
		return data, err
	})
}

// written adds a section that is in the file already: it reads it for its
// checksums, and pads it.
func (w *treeWriter) written(ctx context.Context, e extent) error {
	padding := make([]byte, (blockSize-e.length%blockSize)%blockSize)
	if _, err := w.file.WriteAt(padding, e.start+e.length); err != nil {
		return err
	}
	return w.pieces(ctx, e, func(room []byte, low, high int64) ([]byte, error) {
		room = room[:(high-low+blockSize-1)/blockSize*blockSize]
		_, err := w.file.ReadAt(room, e.start+low)
		return room, err
	})
}

// pieces records the checksum of each block of a section; put returns the
// blocks.
func (w *treeWriter) pieces(ctx context.Context, e extent, put content) error {
	pieces := int((e.length + pieceSize - 1) / pieceSize)
	return spreadBy(ctx, runtime.GOMAXPROCS(0), pieces, 1, func(first, last int) error {
		room := make([]byte, pieceSize)
		for p := first; p < last; p++ {
			low := int64(p) * pieceSize
			high := min(low+pieceSize, e.length)
			data, err := put(room, low, high)
			if err != nil {
				return err
			}
			for b := 0; b < len(data); b += blockSize {
				sum := w.sums[((e.start+low+int64(b))/blockSize-1)*4:]
				binary.LittleEndian.PutUint32(sum, checksum(data[b:b+blockSize]))
			}
			w.report.add(len(data))
		}
		return nil
	})
}

// padded fills up the last block with zeros.
func padded(data []byte) []byte {
	rest := len(data) % blockSize
	if rest == 0 {
		return data
	}
	whole := make([]byte, len(data)+blockSize-rest)
	copy(whole, data)
	return whole
}

// finish writes the checksums and the header.
func (w *treeWriter) finish(h header) error {
	extents, _ := h.extents()
	if _, err := w.file.WriteAt(w.sums, extents[partSums].start); err != nil {
		return err
	}
	h.sums = checksum(w.sums)
	_, err := w.file.WriteAt(h.encode(), 0)
	return err
}
