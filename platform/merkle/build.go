package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"runtime"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
)

// Options tune a build; they never change the tree, except for Nybbles.
type Options struct {
	Workers int           // goroutines; 0: one for each processor
	Engine  keccak.Engine // nil: the fastest available, or the one that BANYAN_KECCAK names
	// Nybbles is the length of ENS's address prefixes in hex digits, 1 or 2;
	// 0: 1 up to ENSSmall rows and 2 above, as ENS did.
	Nybbles int
	// Memory is about what an ExternalList and the build over it may take, in
	// bytes; 0: no limit. It does not include mapped files; at least 5 MB are
	// used.
	Memory int64
	// Folder is where an ExternalList writes what exceeds Memory, about 100
	// bytes a row beside the tree file; "" is the system's folder for temporary
	// files.
	Folder string
	// Progress is called with the progress of long work: done of total units of
	// a stage, "sorting" and "building" in rows and nodes, "writing" in bytes.
	// Calls do not overlap. It may be nil.
	Progress func(stage string, done, total int64)
}

// ENSSmall is the longest list whose shards have a prefix of one hex digit
// when Options does not set it: then a shard has about a thousand rows at most.
const ENSSmall = 16 << 10

// maxNybbles is the longest prefix of a shard.
const maxNybbles = 2

func (o Options) filled() (Options, error) {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Nybbles < 0 || o.Nybbles > maxNybbles {
		return o, fault.Newf(fault.Invalid, "shards have a prefix of 1 or 2 hex digits, not %d", o.Nybbles)
	}
	if o.Folder == "" {
		o.Folder = os.TempDir()
	}
	if o.Engine == nil {
		engine, err := keccak.Best()
		if err != nil {
			return o, fault.Wrap(err, fault.Invalid, err.Error())
		}
		o.Engine = engine
	}
	return o, nil
}

// buffers returns how much of the memory is for the buffers of a merge, in
// bytes.
func (o Options) buffers() int { return int(min(o.Memory/4, 1<<30)) }

// Build builds the tree of a list. It fails with fault.Invalid on an empty
// list, and when ctx ends.
func Build(ctx context.Context, format Format, list *List, options Options) (*Tree, error) {
	options, err := options.filled()
	if err != nil {
		return nil, err
	}
	if list.Len() == 0 {
		return nil, fault.New(fault.Invalid, "the list has no rows: a tree needs at least one wallet")
	}
	spec, form := format.Spec(), format.form()
	if err := list.checkLeaf(form); err != nil {
		return nil, err
	}
	b := builder{Options: options, form: form, spec: spec, list: list, place: makeLarge[uint32](list.Len())}
	b.report = options.begin("building", 2*int64(list.Len()))
	memory := &inMemory{list: list, places: b.place}
	tree := &Tree{format: format, spec: spec, count: list.Len(), total: list.Total(), store: memory}
	switch spec.Shape {
	case Complete:
		tree.layout, err = b.heap(ctx)
	case sharding:
		if b.Nybbles == 0 {
			b.Nybbles = defaultNybbles(list.Len())
		}
		tree.nybbles = b.Nybbles
		tree.layout, err = b.sharded(ctx)
	default:
		tree.layout, err = b.promoted(ctx)
	}
	if err != nil {
		return nil, err
	}
	memory.nodes = b.nodes
	copy(tree.root[:], hashAt(b.nodes, tree.layout.root()))
	return tree, nil
}

func defaultNybbles(rows int) int {
	if rows <= ENSSmall {
		return 1
	}
	return 2
}

// builder is the state of a build.
type builder struct {
	Options
	form   leafForm
	spec   Spec
	list   *List
	nodes  []byte
	place  []uint32 // row → number of its leaf's node
	report *progress
}

func hashAt(nodes []byte, i int) []byte { return nodes[i*HashSize : (i+1)*HashSize : (i+1)*HashSize] }

// heap builds a complete heap. The leaves are hashed in list order into the
// space of the inner nodes, then sorted to the array's end. That space is one
// node too small, so the array has a spare one first; it also puts every pair
// on a cache line of its own.
func (b *builder) heap(ctx context.Context) (layout, error) {
	n := b.list.Len()
	h := heap{leaves: n}
	whole := makeUncleared((h.nodes() + 1) * HashSize)
	b.nodes = whole[HashSize:]
	scratch := whole[:n*HashSize]
	err := b.orderLeaves(ctx, scratch, whole[n*HashSize:], func(low int, rows []uint64) {
		first := h.leaf(low)
		for k, row := range rows {
			b.place[row] = uint32(first - k)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := b.settle(ctx, scratch, b.Workers); err != nil {
		return nil, err
	}
	return h, h.depths(func(first, last int) error {
		return b.pairs(ctx, first, 2*first+1, last-first+1)
	})
}

// promoted builds one tree of levels. In the format uniswap equal leaves become
// one.
func (b *builder) promoted(ctx context.Context) (layout, error) {
	n := b.list.Len()
	b.nodes = makeLarge[byte](max(newFilled(b.spec.Shape, n).nodes()+1, 2*n) * HashSize)
	scratch := b.nodes[len(b.nodes)-n*HashSize:]
	order, err := b.leaves(ctx, scratch, b.nodes[:n*HashSize])
	if err != nil {
		return nil, err
	}
	ranks := b.ranks(order, scratch, b.spec.unique)
	p := promoted{leaves: int(ranks[n-1]) + 1}
	workers := b.Workers
	if p.leaves < n {
		workers = 1 // equal leaves have one place, which two must not write at once
	}
	err = b.spread(ctx, n, func(low, high int) error {
		for k, row := range order[low:high] {
			b.place[row] = ranks[low+k]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := b.settle(ctx, scratch, workers); err != nil {
		return nil, err
	}
	return b.join(ctx, p)
}

// join hashes a tree of levels from its leaves and returns its layout.
func (b *builder) join(ctx context.Context, p promoted) (layout, error) {
	if b.spec.Shape == Promoted {
		b.nodes = b.nodes[:p.nodes()*HashSize]
		return p, b.levels(ctx, p)
	}
	f := newFilled(b.spec.Shape, p.leaves)
	b.nodes = b.nodes[:f.nodes()*HashSize]
	for level, filler := 0, b.spec.Shape.filler(); level < f.fillers; level, filler = level+1, b.spec.Join(filler, filler) {
		copy(hashAt(b.nodes, f.filler(level)), filler[:])
	}
	level := -1
	return f, p.levels(func(to, from, pairs int) error {
		level++
		return b.pairs(ctx, to, from, pairs)
	}, func(to, from int) error {
		odd := Hash(hashAt(b.nodes, from))
		other := odd
		if f.fillers > 0 {
			other = Hash(hashAt(b.nodes, f.filler(level)))
		}
		node := b.spec.Join(odd, other)
		copy(hashAt(b.nodes, to), node[:])
		return nil
	})
}

// filler returns the sibling of odd nodes.
func (s Shape) filler() Hash {
	if s == EmptyFilled {
		return keccak.Sum256(nil)
	}
	return Hash{}
}

// settle copies the leaves, which are in list order, to their places. Reading
// in order and writing to the places is twice as fast as the other way: a
// processor does not wait for writes.
func (b *builder) settle(ctx context.Context, leaves []byte, workers int) error {
	from, to := hashesOf(leaves), hashesOf(b.nodes)
	return spread(ctx, workers, len(b.place), func(low, high int) error {
		for i, place := range b.place[low:high] {
			to[place] = from[low+i]
		}
		return nil
	})
}

// ranks numbers the sorted leaves; with unique, equal ones have the same number.
func (b *builder) ranks(order []uint32, leaves []byte, unique bool) []uint32 {
	ranks := makeLarge[uint32](len(order))
	for k := 1; k < len(order); k++ {
		ranks[k] = ranks[k-1] + 1
		if unique && bytes.Equal(hashAt(leaves, int(order[k])), hashAt(leaves, int(order[k-1]))) {
			ranks[k] = ranks[k-1]
		}
	}
	return ranks
}

// levels hashes a promoted tree upwards from its leaves.
func (b *builder) levels(ctx context.Context, p promoted) error {
	return p.levels(func(to, from, pairs int) error {
		return b.pairs(ctx, to, from, pairs)
	}, func(to, from int) error {
		copy(hashAt(b.nodes, to), hashAt(b.nodes, from))
		return nil
	})
}

// pairs hashes count pairs that begin at node from into the nodes from to on.
func (b *builder) pairs(ctx context.Context, to, from, count int) error {
	return b.spread(ctx, count, func(low, high int) error {
		defer b.report.add(high - low)
		nodes, pairs := b.nodes[(to+low)*HashSize:(to+high)*HashSize], b.nodes[(from+2*low)*HashSize:(from+2*high)*HashSize]
		if b.spec.Positional {
			return b.Engine.Hash(nodes, pairs, keccak.PairSize)
		}
		return b.Engine.HashPairs(nodes, pairs)
	})
}

// sortRoom is what sorting needs for each row, in bytes.
const sortRoom = 16

// leaves calls sortLeaves and returns the order of all rows.
func (b *builder) leaves(ctx context.Context, leaves, room []byte) ([]uint32, error) {
	order := makeLarge[uint32](b.list.Len())
	return order, b.orderLeaves(ctx, leaves, room, into(order))
}

// orderLeaves is sortLeaves, or, where leaves are in the order of the list,
// hashing alone.
func (b *builder) orderLeaves(ctx context.Context, leaves, room []byte, take func(first int, rows []uint64)) error {
	if !b.spec.Listed {
		return b.sortLeaves(ctx, leaves, room, take)
	}
	n := b.list.Len()
	keys := wordsOf(room[:n*8])
	err := b.spread(ctx, n, func(low, high int) error {
		defer b.report.add(high - low)
		return hashRows(b.Engine, b.form, b.list, low, high, leaves, keys)
	})
	if err != nil {
		return err
	}
	return b.spread(ctx, n, func(low, high int) error {
		rows := keys[low:high]
		for k := range rows {
			rows[k] = uint64(low + k)
		}
		take(low, rows)
		return nil
	})
}

// sortLeaves hashes every row into leaves, in list order, and calls take with
// the rows in the order of their leaves as sortRows does. It sorts in room,
// where the sorted leaves will be: the first access to memory is slow.
func (b *builder) sortLeaves(ctx context.Context, leaves, room []byte, take func(first int, rows []uint64)) error {
	n := b.list.Len()
	words := wordsOf(room[:n*sortRoom])
	keys, packed := words[:n], words[n:]
	err := b.spread(ctx, n, func(low, high int) error {
		defer b.report.add(high - low)
		return hashRows(b.Engine, b.form, b.list, low, high, leaves, keys)
	})
	if err != nil {
		return err
	}
	sortRows(keys, packed, func(a, c uint32) int {
		return bytes.Compare(hashAt(leaves, int(a)), hashAt(leaves, int(c)))
	}, b.Workers, take)
	return nil
}

// batch is how many messages are hashed per call: enough for any width, and few
// enough for their digests to stay in the first-level cache.
const batch = 128

// hashRows writes the leaves of the rows [low, high) into leaves, and the
// first 64 bits of each into keys, at the places of their rows.
func hashRows(engine keccak.Engine, form leafForm, list *List, low, high int, leaves []byte, keys []uint64) error {
	if form.typed != nil {
		return hashValues(engine, list.values, low, high, leaves, keys)
	}
	var messages []byte
	if !form.inPlace() {
		messages = make([]byte, batch*form.size())
	}
	for low < high {
		rows := list.rows(low, min(batch, high-low))
		next := low + len(rows)/RowSize
		hashes := leaves[low*HashSize : next*HashSize]
		var err error
		if messages != nil {
			err = form.hash(engine, hashes, form.messages(messages, list, low, next))
		} else {
			err = form.hashRows(engine, hashes, rows)
		}
		if err != nil {
			return err
		}
		for ; low < next; low++ {
			keys[low] = binary.BigEndian.Uint64(hashes)
			hashes = hashes[HashSize:]
		}
	}
	return nil
}

// messages writes the messages of the rows [low, high) into room.
func (l leafForm) messages(room []byte, list *List, low, high int) []byte {
	size := l.size()
	for i := low; i < high; i++ {
		l.put(room[(i-low)*size:(i-low+1)*size], list.row(i), list.index(i))
	}
	return room[:(high-low)*size]
}
