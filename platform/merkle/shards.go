package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"banyan/platform/fault"
)

// shardOf returns the number of an address prefix of so many hex digits.
func shardOf(row []byte, nybbles int) int {
	if nybbles == 1 {
		return int(row[0] >> 4)
	}
	return int(row[0])
}

// sharded builds ENS's forest: each shard's leaves sorted by hash, and a tree
// over the sorted roots. Shards without a row do not exist.
func (b *builder) sharded(ctx context.Context) (layout, error) {
	n := b.list.Len()
	scratch := makeLarge[byte](n * HashSize)
	order, err := b.leaves(ctx, scratch, makeLarge[byte](n*sortRoom))
	if err != nil {
		return nil, err
	}
	order, sizes := b.byShard(order)
	sizes = slices.DeleteFunc(sizes, func(size int) bool { return size == 0 })
	s := newSharded(sizes)
	b.nodes = makeLarge[byte](s.nodes() * HashSize)
	for _, shard := range s.shards {
		for k, row := range order[:shard.leaves] {
			b.place[row] = uint32(shard.leaf(k))
		}
		order = order[shard.leaves:]
	}
	if err := b.settle(ctx, scratch, b.Workers); err != nil {
		return nil, err
	}
	for _, shard := range s.shards {
		if err := b.levels(ctx, shard); err != nil {
			return nil, err
		}
	}
	s.rankRoots(func(i int) []byte { return hashAt(b.nodes, s.shards[i].root()) })
	for i, shard := range s.shards {
		copy(hashAt(b.nodes, s.top.leaf(s.rank[i])), hashAt(b.nodes, shard.root()))
	}
	return s, b.levels(ctx, s.top)
}

// byShard groups rows by their shards and keeps their order in each. sizes has
// an entry for every prefix, also where no row has it.
func (b *builder) byShard(order []uint32) (grouped []uint32, sizes []int) {
	shard := func(row uint32) int { return shardOf(b.list.row(int(row)), b.Nybbles) }
	sizes = make([]int, 1<<(4*b.Nybbles))
	for _, row := range order {
		sizes[shard(row)]++
	}
	next := make([]int, len(sizes))
	for i := 1; i < len(next); i++ {
		next[i] = next[i-1] + sizes[i-1]
	}
	grouped = makeLarge[uint32](len(order))
	for _, row := range order {
		to := &next[shard(row)]
		grouped[*to] = row
		*to++
	}
	return grouped, sizes
}

// rankRoots sorts the shards' roots and records the rank of each.
func (s sharded) rankRoots(root func(shard int) []byte) {
	keys := make([]uint64, len(s.shards))
	for i := range keys {
		keys[i] = binary.BigEndian.Uint64(root(i))
	}
	order := sortOrder(keys, make([]uint64, len(keys)), func(a, c uint32) int {
		return bytes.Compare(root(int(a)), root(int(c)))
	}, 1)
	for k, shard := range order {
		s.rank[shard] = k
	}
}

// ShardProof returns the part of row i's proof above its shard: the same for
// every row of the shard. It fails with fault.Unsupported in every format but
// ENS.
func (t *Tree) ShardProof(i int) ([]Hash, error) {
	s, ok := t.layout.(sharded)
	if !ok {
		return nil, fault.Newf(fault.Unsupported, "a tree of the format %s has no shards", t.format)
	}
	place, err := t.Place(i)
	if err != nil {
		return nil, err
	}
	return t.nodesAt([]Hash{}, s.top.siblings(nil, s.top.leaf(s.rank[s.shardOf(place)])))
}
