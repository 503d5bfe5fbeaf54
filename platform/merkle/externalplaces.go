package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// place merges the leaves into their places among the nodes.
func (b *externalBuilder) place(ctx context.Context) (err error) {
	n := b.header.rows
	switch b.spec.Shape {
	case Complete:
		b.layout = heap{leaves: n}
	case sharding:
		sizes := slices.DeleteFunc(b.sizes, func(size int) bool { return size == 0 })
		b.layout, b.header.shards = newSharded(sizes), len(sizes)
	default:
		b.layout = promoted{leaves: n}
	}
	if b.places, err = newScatter(b.Folder, n, b.buffers()); err != nil {
		return err
	}
	p := newLeafPlacer(b)
	if err := b.leaves.merge(ctx, b.buffers(), p.take); err != nil {
		return err
	}
	if b.spec.unique {
		b.layout = promoted{leaves: p.count}
		b.header.leaves = p.count
	}
	b.header.nodes = b.layout.nodes()
	return b.leaves.close()
}

// leafPlacer takes the leaves in their order, writes them into the nodes
// section, and notes each row's place.
type leafPlacer struct {
	*externalBuilder
	lead   int
	shard  int // ens: the current prefix
	shards int // ens: how many there were
	count  int // of leaves; equal ones count once in uniswap
	next   int // the node of the next leaf
	step   int // from a leaf's node to the next one's: 1, or -1 in a heap
	last   Hash
	room   []byte // leaves that are not yet written, in the order of the file
	held   int    // how many
}

func newLeafPlacer(b *externalBuilder) *leafPlacer {
	p := &leafPlacer{externalBuilder: b, lead: b.lead(), shard: -1, step: 1, room: make([]byte, recordsAtOnce*HashSize)}
	if h, ok := b.layout.(heap); ok {
		p.next, p.step = h.leaf(0), -1
	}
	return p
}

// take is the yield function of merge.
func (p *leafPlacer) take(records []byte) error {
	size := p.lead + HashSize + rowNumberSize
	for ; len(records) > 0; records = records[size:] {
		if p.lead > 0 && int(records[0]) != p.shard {
			if err := p.nextShard(int(records[0])); err != nil {
				return err
			}
		}
		leaf := records[p.lead : p.lead+HashSize]
		if !p.spec.unique || p.count == 0 || !bytes.Equal(leaf, p.last[:]) {
			p.put(leaf)
		}
		row := binary.BigEndian.Uint32(records[p.lead+HashSize:])
		if err := p.places.put(int(row), uint32(p.next-p.step)); err != nil {
			return err
		}
	}
	return p.flush()
}

// put buffers a leaf; take puts no more of them than the buffer has space for.
func (p *leafPlacer) put(leaf []byte) {
	at := p.held
	if p.step < 0 {
		at = recordsAtOnce - 1 - p.held
	}
	copy(hashAt(p.room, at), leaf)
	copy(p.last[:], leaf)
	p.next += p.step
	p.held++
	p.count++
}

func (p *leafPlacer) nextShard(prefix int) error {
	if err := p.flush(); err != nil {
		return err
	}
	s := p.layout.(sharded) //nolint:forcetypeassert // no other layout has shards
	p.next = s.shards[p.shards].leaf(0)
	p.shard = prefix
	p.shards++
	return nil
}

// flush writes the buffered leaves.
func (p *leafPlacer) flush() error {
	leaves, first := p.room[:p.held*HashSize], p.next-p.held
	if p.step < 0 {
		leaves, first = p.room[len(p.room)-p.held*HashSize:], p.next+1
	}
	p.held = 0
	_, err := p.out.file.WriteAt(leaves, p.node(first))
	return err
}

// scatter reorders the places of all rows from the order of leaves to that of
// rows. It distributes them to parts of the rows on disk, each of which fits
// into memory.
type scatter struct {
	rows     int // of the list
	partRows int // rows of a part
	parts    []*spool
}

// mostParts bounds the files and buffers of a scatter.
const mostParts = 64

// newScatter returns a scatter for so many rows; room is the memory for a part,
// in bytes.
func newScatter(folder string, rows, room int) (_ *scatter, err error) {
	const whole = blockSize / 4 // so that each part begins with a block
	s := &scatter{rows: rows}
	s.partRows = max(room/4, (rows+mostParts-1)/mostParts)
	s.partRows = (s.partRows + whole - 1) / whole * whole
	for first := 0; first < rows; first += s.partRows {
		part, err := newSpool(folder)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.parts = append(s.parts, part)
	}
	return s, nil
}

func (s *scatter) put(row int, place uint32) error {
	part := s.parts[row/s.partRows]
	part.put64(uint64(place)<<32 | uint64(row%s.partRows))
	return part.err
}

// write writes the section of the places.
func (s *scatter) write(ctx context.Context, out *treeWriter, section extent) error {
	return s.each(func(first int, places []uint32) error {
		at := extent{start: section.start + int64(first)*4, length: int64(len(places)) * 4}
		return out.section(ctx, at, numbers(places))
	})
}

// each yields the numbers of all rows, part by part in the order of the rows,
// and frees the part.
func (s *scatter) each(yield func(first int, numbers []uint32) error) error {
	places := make([]uint32, min(s.partRows, s.rows))
	for i, part := range s.parts {
		if err := part.Flush(); err != nil {
			return err
		}
		places = places[:min(s.partRows, s.rows-i*s.partRows)]
		in, pair := part.reader(), make([]byte, 8)
		for range places {
			if _, err := io.ReadFull(in, pair); err != nil {
				return err
			}
			both := binary.LittleEndian.Uint64(pair)
			places[uint32(both)] = uint32(both >> 32)
		}
		if err := errors.Join(yield(i*s.partRows, places), part.close()); err != nil {
			return err
		}
	}
	return nil
}

func (s *scatter) close() error {
	var err error
	for _, part := range s.parts {
		err = errors.Join(err, part.close())
	}
	return err
}
