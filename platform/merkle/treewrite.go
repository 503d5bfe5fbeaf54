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
// layout). The file is there whole or not at all, also after a power cut: it
// is written under another name, synced, renamed, and the folder synced. An
// older file at path is replaced; who has it open keeps reading the old one.
func (t *Tree) WriteFile(ctx context.Context, path string) error {
	memory, built := t.store.(*inMemory)
	if !built {
		return errors.New("merkle: this tree is in a file already: copy the file")
	}
	err := atomicfile.Replace(path, 0o644, func(f *os.File) error { return t.writeTo(ctx, f, memory) })
	if err != nil {
		return fmt.Errorf("keep the tree: %w", err)
	}
	return nil
}

// writeTo writes all of the file. Sections are written by all
// processors, each block's checksum on the way.
func (t *Tree) writeTo(ctx context.Context, file *os.File, memory *inMemory) error {
	h := t.header(memory)
	extents, size := h.extents()
	if err := file.Truncate(size); err != nil {
		return err
	}
	sums := make([]byte, extents[partSums].length)
	for p := range partSums {
		e := extents[p]
		section := &section{file: file, extent: e, sums: sums[(e.start/blockSize-1)*4:]}
		if err := section.write(ctx, memory.content(p, t.layout, h)); err != nil {
			return err
		}
	}
	if _, err := file.WriteAt(sums, extents[partSums].start); err != nil {
		return err
	}
	h.sums = checksum(sums)
	_, err := file.WriteAt(h.encode(), 0)
	return err
}

// header describes a built tree.
func (t *Tree) header(memory *inMemory) header {
	h := header{
		format: t.format, rows: t.count, leaves: t.count, nodes: t.layout.nodes(),
		total: t.total.Bytes32(), root: t.root, nybbles: t.nybbles, indexed: memory.list.Indexed(),
	}
	switch l := t.layout.(type) {
	case promoted:
		h.leaves = l.leaves
	case sharded:
		h.shards = len(l.shards)
	}
	return h
}

// content gives the bytes [low, high) of a section; it may return memory of
// the tree's own, or fill room, which is large enough.
type content func(room []byte, low, high int64) []byte

func (m *inMemory) content(p part, l layout, h header) content {
	switch p {
	case partRows:
		return m.list.bytes
	case partIndexes:
		return words(8, func(to []byte, i int) { binary.LittleEndian.PutUint64(to, m.list.index(i)) })
	case partPlaces:
		return numbers(m.places)
	case partNodes:
		return func(_ []byte, low, high int64) []byte { return m.nodes[low:high] }
	case partOrder:
		entries := m.list.order().entries
		return words(8, func(to []byte, i int) { binary.LittleEndian.PutUint64(to, entries[i]) })
	case partPrefixes:
		return numbers(m.list.order().prefix)
	}
	return words(8, func(to []byte, i int) { // partShards
		s := l.(sharded) //nolint:forcetypeassert // the section is empty in every other layout
		binary.LittleEndian.PutUint32(to, uint32(s.shards[i].leaves))
		binary.LittleEndian.PutUint32(to[4:], uint32(s.rank[i]))
	})
}

// numbers writes 32-bit numbers.
func numbers(of []uint32) content {
	return func(room []byte, low, high int64) []byte {
		room = room[:high-low]
		for i, n := range of[low/4 : high/4] {
			binary.LittleEndian.PutUint32(room[i*4:], n)
		}
		return room
	}
}

// words writes elements of a size that divides a block.
func words(size int64, put func(to []byte, i int)) content {
	return func(room []byte, low, high int64) []byte {
		room = room[:high-low]
		for i := low / size; i < high/size; i++ {
			put(room[i*size-low:], int(i))
		}
		return room
	}
}

// bytes is a content: the rows lie in chunks of whole blocks.
func (l *List) bytes(_ []byte, low, high int64) []byte {
	const chunkBytes = rowsPerChunk * RowSize
	chunk := l.chunks[low/chunkBytes]
	return chunk[low%chunkBytes : (high-1)%chunkBytes+1]
}

// section writes one section.
type section struct {
	file   *os.File
	extent extent
	sums   []byte // 4 bytes for each of its blocks
}

// pieceBlocks is how many blocks are written at once: it divides a chunk of
// rows, which has 416 blocks.
const pieceBlocks = 208

func (s *section) write(ctx context.Context, get content) error {
	const piece = pieceBlocks * blockSize
	pieces := int((s.extent.length + piece - 1) / piece)
	return spreadBy(ctx, runtime.GOMAXPROCS(0), pieces, 1, func(first, last int) error {
		room := make([]byte, piece)
		for p := first; p < last; p++ {
			low := int64(p) * piece
			high := min(low+piece, s.extent.length)
			data := get(room, low, high)
			if rest := len(data) % blockSize; rest > 0 { // the padding of the last block
				padded := make([]byte, len(data)+blockSize-rest)
				copy(padded, data)
				data = padded
			}
			for b := 0; b < len(data); b += blockSize {
				sum := s.sums[(low+int64(b))/blockSize*4:]
				binary.LittleEndian.PutUint32(sum, checksum(data[b:b+blockSize]))
			}
			if _, err := s.file.WriteAt(data, s.extent.start+low); err != nil {
				return err
			}
		}
		return nil
	})
}
