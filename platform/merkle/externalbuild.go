package merkle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// BuildFile builds the tree of a list of any length and writes its tree file.
// path returns its path, once the root is known; its folder must not depend on
// the root. The file is the same, byte for byte, however much memory there is.
// Afterwards the list must only be closed. Close the tree, too.
//
// A list that does not fit into Options.Memory is built on disk, in sequential
// passes, with an external sort:
//
//	rows ──▶ hashed piece by piece: runs of (leaf, row) sorted by leaf
//	runs ──▶ merged: leaves into the nodes section, (row, place) by rows
//	nodes ─▶ hashed level by level, in place
//	places, wallets and their prefixes ──▶ their sections
//
// It fails as Build and Tree.WriteFile do, with fault.Unavailable when the disk
// is full, and then leaves no file.
func BuildFile(ctx context.Context, format Format, list *ExternalList, path func(root Hash) string) (*Tree, error) {
	if rows := list.InMemory(); rows != nil {
		return BuildFileOf(ctx, format, rows, list.options, path)
	}
	if !format.sortable() {
		return nil, fault.Newf(fault.TooLarge, "a list of %d rows does not fit into the memory that --memory allows, and only trees of sorted leaves and sorted pairs over wallets and amounts are built on disk: allow more memory", list.Len())
	}
	if err := list.settle(ctx); err != nil {
		return nil, err
	}
	file, err := atomicfile.Create(path(Hash{}), treeMode)
	if err != nil {
		return nil, fmt.Errorf("write the tree file: %w", err)
	}
	b := newExternalBuilder(format, list, file.File)
	if err := b.build(ctx); err != nil {
		return nil, errors.Join(explainFullDisk(err), file.Discard())
	}
	if err := file.CommitAs(path(b.header.root)); err != nil {
		return nil, fmt.Errorf("write the tree file: %w", err)
	}
	return Open(path(b.header.root))
}

// BuildFileOf is BuildFile of a list that is in memory, as typed lists always are.
func BuildFileOf(ctx context.Context, format Format, list *List, options Options, path func(root Hash) string) (*Tree, error) {
	tree, err := Build(ctx, format, list, options)
	if err != nil {
		return nil, err
	}
	memory := tree.store.(*inMemory) //nolint:forcetypeassert // Build makes no other
	if err := tree.writeFile(ctx, path(tree.Root()), memory, options); err != nil {
		return nil, err
	}
	return tree, nil
}

// sortable reports whether trees of the format can be built on disk.
func (f Format) sortable() bool {
	s := f.Spec()
	return f.Plain() && !s.Listed && !s.Positional && (s.Shape == Complete || s.Shape == Promoted || s.Shape == sharding)
}

// externalBuilder builds a tree in its file.
type externalBuilder struct {
	Options
	form   leafForm
	spec   Spec
	list   *ExternalList
	header header
	layout layout
	sizes  []int // ens: rows of each shard, by prefix
	nodes  int64 // where the nodes section begins
	leaves *sortedRuns
	places *scatter
	out    *treeWriter
	report *progress
}

func newExternalBuilder(format Format, list *ExternalList, file *os.File) *externalBuilder {
	n := list.disk.count
	total := list.Total()
	b := &externalBuilder{
		Options: list.options, form: format.form(), spec: format.Spec(), list: list,
		header: header{version: treeVersion, format: format, rows: n, leaves: n, total: total.Bytes32(), indexed: list.Indexed()},
	}
	if format == ENS {
		if b.Nybbles == 0 {
			b.Nybbles = defaultNybbles(n)
		}
		b.header.nybbles = b.Nybbles
		b.sizes = make([]int, 1<<(4*b.Nybbles))
	} else {
		b.Nybbles = 0
	}
	extents, _ := b.header.extents()
	b.nodes = extents[partNodes].start
	b.out = newTreeWriter(file, b.header)
	b.report = b.begin("building", 2*int64(n))
	return b
}

func (b *externalBuilder) build(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, b.close()) }()
	for _, step := range []func(context.Context) error{b.hash, b.place, b.join, b.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *externalBuilder) close() error {
	var err error
	if b.leaves != nil {
		err = b.leaves.close()
	}
	if b.places != nil {
		err = errors.Join(err, b.places.close())
	}
	return err
}

// lead returns the length of what a leaf's record starts with: in ens its
// shard, because the leaves are sorted within each shard.
func (b *externalBuilder) lead() int {
	if b.header.format == ENS {
		return 1
	}
	return 0
}

// hash writes the rows section and the runs of leaves.
func (b *externalBuilder) hash(ctx context.Context) (err error) {
	disk, lead := b.list.disk, b.lead()
	if b.leaves, err = newSortedRuns(b.Folder, lead+HashSize+rowNumberSize); err != nil {
		return err
	}
	window := min(b.list.window, disk.count)
	leaves, room := makeLarge[byte](window*HashSize), makeLarge[byte](window*sortRoom)
	piece := b.list.list
	for first := 0; first < disk.count; first += window {
		n := min(window, disk.count-first)
		if err := disk.load(ctx, piece, first, n); err != nil {
			return err
		}
		if err := b.out.rows(ctx, piece); err != nil {
			return err
		}
		part := builder{Options: b.Options, form: b.form, spec: b.spec, list: piece, report: b.report}
		order, err := part.leaves(ctx, leaves[:n*HashSize], room[:n*sortRoom])
		if err != nil {
			return err
		}
		if b.sizes != nil {
			order = b.countShards(&part, order)
		}
		err = b.leaves.add(ctx, b.Workers, n, func(to []byte, k int) {
			row := int(order[k])
			if lead > 0 {
				to[0] = byte(shardOf(piece.row(row), b.Nybbles))
			}
			copy(to[lead:], hashAt(leaves, row))
			binary.BigEndian.PutUint32(to[lead+HashSize:], uint32(first+row))
		})
		if err != nil {
			return err
		}
	}
	piece.chunks = nil // frees the memory for the next steps
	return disk.rows.close()
}

func (b *externalBuilder) countShards(part *builder, order []uint32) []uint32 {
	order, sizes := part.byShard(order)
	for i, size := range sizes {
		b.sizes[i] += size
	}
	return order
}

// join hashes the levels above the leaves, in the file.
func (b *externalBuilder) join(ctx context.Context) error {
	hash := func(to, from, count int) error { return b.pairs(ctx, to, from, count) }
	switch l := b.layout.(type) {
	case heap:
		return l.depths(func(first, last int) error { return hash(first, 2*first+1, last-first+1) })
	case promoted:
		return l.levels(hash, b.promote)
	case sharded:
		for _, shard := range l.shards {
			if err := shard.levels(hash, b.promote); err != nil {
				return err
			}
		}
		if err := b.rankRoots(l); err != nil {
			return err
		}
		return l.top.levels(hash, b.promote)
	}
	return nil
}

// rankRoots sorts the shards' roots and makes them the leaves of the top.
func (b *externalBuilder) rankRoots(s sharded) error {
	roots := make([]byte, len(s.shards)*HashSize)
	for i, shard := range s.shards {
		if _, err := b.out.file.ReadAt(hashAt(roots, i), b.node(shard.root())); err != nil {
			return err
		}
	}
	s.rankRoots(func(shard int) []byte { return hashAt(roots, shard) })
	for i := range s.shards {
		if _, err := b.out.file.WriteAt(hashAt(roots, i), b.node(s.top.leaf(s.rank[i]))); err != nil {
			return err
		}
	}
	return nil
}

// node returns the offset of a node in the file.
func (b *externalBuilder) node(number int) int64 { return b.nodes + int64(number)*HashSize }

// pairsAtOnce is how many pairs are read, hashed and written at a time: 128 KiB.
const pairsAtOnce = 2 << 10

// pairs hashes count pairs that begin at node from into the nodes from to on.
func (b *externalBuilder) pairs(ctx context.Context, to, from, count int) error {
	return spreadBy(ctx, b.Workers, count, pairsAtOnce, func(low, high int) error {
		pairs, nodes := make([]byte, 2*pairsAtOnce*HashSize), make([]byte, pairsAtOnce*HashSize)
		for ; low < high; low += pairsAtOnce {
			n := min(pairsAtOnce, high-low)
			pairs, nodes = pairs[:2*n*HashSize], nodes[:n*HashSize]
			if _, err := b.out.file.ReadAt(pairs, b.node(from+2*low)); err != nil {
				return err
			}
			if err := b.Engine.HashPairs(nodes, pairs); err != nil {
				return err
			}
			if _, err := b.out.file.WriteAt(nodes, b.node(to+low)); err != nil {
				return err
			}
			b.report.add(n)
		}
		return nil
	})
}

// promote copies the odd node of a level.
func (b *externalBuilder) promote(to, from int) error {
	var node Hash
	if _, err := b.out.file.ReadAt(node[:], b.node(from)); err != nil {
		return err
	}
	_, err := b.out.file.WriteAt(node[:], b.node(to))
	return err
}

// finish writes the rest of the file.
func (b *externalBuilder) finish(ctx context.Context) error {
	if _, err := b.out.file.ReadAt(b.header.root[:], b.node(b.layout.root())); err != nil {
		return err
	}
	extents, size, err := b.out.resize(b.header)
	if err != nil {
		return err
	}
	b.out.report = b.begin("writing", size-extents[partIndexes].start)
	disk := b.list.disk
	for _, section := range []struct {
		part part
		get  content
	}{
		{partIndexes, disk.indexContent},
		{partOrder, disk.order.content},
		{partPrefixes, disk.prefixes.content},
		{partShards, shardSizes(b.layout)},
	} {
		if err := b.out.section(ctx, extents[section.part], section.get); err != nil {
			return err
		}
	}
	if err := b.places.write(ctx, b.out, extents[partPlaces]); err != nil {
		return err
	}
	if err := b.out.written(ctx, extents[partNodes]); err != nil {
		return err
	}
	return b.out.finish(b.header)
}
