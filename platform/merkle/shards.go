package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"banyan/platform/fault"
)

// shardOf is the number that an address prefix of so many hex digits spells.
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
	members := make([][]uint32, 1<<(4*b.Nybbles))
	for _, row := range order {
		shard := shardOf(b.list.row(int(row)), b.Nybbles)
		members[shard] = append(members[shard], row)
	}
	members = slices.DeleteFunc(members, func(m []uint32) bool { return len(m) == 0 })
	sizes := make([]int, len(members))
	for i, m := range members {
		sizes[i] = len(m)
	}
	s := newSharded(sizes)
	b.nodes = makeLarge[byte](s.nodes() * HashSize)
	for i, shard := range s.shards {
		for k, row := range members[i] {
			b.place[row] = uint32(shard.leaf(k))
			copy(hashAt(b.nodes, shard.leaf(k)), hashAt(scratch, int(row)))
		}
		if err := b.levels(ctx, shard); err != nil {
			return nil, err
		}
	}
	s.rankRoots(func(i int) []byte { return hashAt(b.nodes, i) })
	for i, shard := range s.shards {
		copy(hashAt(b.nodes, s.top.leaf(s.rank[i])), hashAt(b.nodes, shard.root()))
	}
	return s, b.levels(ctx, s.top)
}

// rankRoots sorts the shards' roots and notes where each one goes.
func (s sharded) rankRoots(node func(int) []byte) {
	keys := make([]uint64, len(s.shards))
	for i, shard := range s.shards {
		keys[i] = binary.BigEndian.Uint64(node(shard.root()))
	}
	order := sortOrder(keys, make([]uint64, len(keys)), func(a, c uint32) int {
		return bytes.Compare(node(s.shards[a].root()), node(s.shards[c].root()))
	}, 1)
	for k, shard := range order {
		s.rank[shard] = k
	}
}

// ShardProof is the part of row i's proof above its shard: the same for every
// row of the shard. Fails with fault.Unsupported in every format but ENS.
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
