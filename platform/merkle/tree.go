package merkle

import (
	"context"
	"slices"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Tree is a list with its leaves and nodes. It never changes: any number of
// goroutines may read it. A tree of Build is in memory (RowSize + 64 + 4 bytes
// a row); reads fail only on a tree that is in a file.
type Tree struct {
	format  Format
	nybbles int // ENS only: hex digits of a shard's prefix
	count   int
	total   uint256.Int
	root    Hash
	layout  layout
	store   store
}

// store has a tree's arrays: in memory or in a mapped file.
type store interface {
	row(i int) ([]byte, error)   // RowSize bytes, read only
	index(i int) (uint64, error) // the index in row i's leaf
	place(i int) (int, error)    // the number of row i's leaf among the nodes
	node(i int) ([]byte, error)  // HashSize bytes, read only
	find(who wallet.Address) (position int, found bool, err error)
	ranked(i int) (position int, err error) // the i-th row in the order of wallets
}

// Root returns the root, which the contract stores.
func (t *Tree) Root() Hash { return t.root }

// Format returns the format it was built in.
func (t *Tree) Format() Format { return t.format }

// Nybbles returns the length of the shards' prefixes in hex digits; 0 in every
// format but ENS.
func (t *Tree) Nybbles() int { return t.nybbles }

// Count returns the number of rows.
func (t *Tree) Count() int { return t.count }

// Total returns the sum of all amounts.
func (t *Tree) Total() uint256.Int { return t.total }

// At returns row i of the list, from 0. It fails with fault.NotFound outside of
// it.
func (t *Tree) At(i int) (Entry, error) {
	if err := t.checkRow(i); err != nil {
		return Entry{}, err
	}
	row, err := t.store.row(i)
	if err != nil {
		return Entry{}, err
	}
	index, err := t.store.index(i)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(row, index), nil
}

// Find returns the position of the wallet's first row. found is false for a
// wallet that is not on the list; err is set when the list could not be read.
func (t *Tree) Find(who wallet.Address) (position int, found bool, err error) {
	return t.store.find(who)
}

// Ranked returns the position of the i-th row in the order of wallets.
func (t *Tree) Ranked(i int) (position int, err error) {
	if err := t.checkRow(i); err != nil {
		return 0, err
	}
	return t.store.ranked(i)
}

// Place returns the number of row i's leaf among the nodes, as the format
// numbers them; OpenZeppelin calls it treeIndex.
func (t *Tree) Place(i int) (int, error) {
	if err := t.checkRow(i); err != nil {
		return 0, err
	}
	return t.store.place(i)
}

// Nodes returns the number of nodes.
func (t *Tree) Nodes() int { return t.layout.nodes() }

// Node returns node i, as the format numbers them. It fails with fault.NotFound
// outside of the tree.
func (t *Tree) Node(i int) (Hash, error) {
	if i < 0 || i >= t.layout.nodes() {
		return Hash{}, fault.Newf(fault.NotFound, "node %d is not in the tree: it has nodes 0 to %d", i, t.layout.nodes()-1)
	}
	node, err := t.store.node(i)
	if err != nil {
		return Hash{}, err
	}
	return Hash(node), nil
}

// Leaf returns the leaf of row i.
func (t *Tree) Leaf(i int) (Hash, error) {
	place, err := t.Place(i)
	if err != nil {
		return Hash{}, err
	}
	return t.Node(place)
}

// Proof returns the proof of row i: the siblings from the leaf up. It is empty,
// and not nil, if there is only one leaf.
func (t *Tree) Proof(i int) ([]Hash, error) { return t.AppendProof([]Hash{}, i) }

// AppendProof appends the proof of row i to proof, for callers that reuse its
// memory.
func (t *Tree) AppendProof(proof []Hash, i int) ([]Hash, error) {
	place, err := t.Place(i)
	if err != nil {
		return proof, err
	}
	return t.appendSiblings(proof, place)
}

// Prove returns the results of Leaf and AppendProof.
func (t *Tree) Prove(to []Hash, i int) (leaf Hash, proof []Hash, err error) {
	place, err := t.Place(i)
	if err != nil {
		return Hash{}, to, err
	}
	proof, err = t.appendSiblings(to, place) // first: it waits longest for memory, and the leaf is next to its first node
	if err != nil {
		return Hash{}, to, err
	}
	leaf, err = t.Node(place)
	return leaf, proof, err
}

// appendSiblings appends the proof of the leaf at place.
func (t *Tree) appendSiblings(proof []Hash, place int) ([]Hash, error) {
	var room [MaxDepth]int
	return t.nodesAt(proof, siblings(t.layout, room[:0], place))
}

// nodesAt appends the nodes with these numbers.
func (t *Tree) nodesAt(to []Hash, numbers []int) ([]Hash, error) {
	had := len(to)
	to = slices.Grow(to, len(numbers))[:had+len(numbers)]
	if err := copyNodes(t.store, to[had:], numbers); err != nil {
		return to[:had], err
	}
	return to, nil
}

// copyNodes is from.copyNodes; through an interface numbers would escape, as in
// siblings.
func copyNodes(from store, to []Hash, numbers []int) error {
	switch s := from.(type) {
	case *inFile:
		return s.copyNodes(to, numbers)
	case *inMemory:
		return s.copyNodes(to, numbers)
	}
	panic("merkle: copyNodes does not support this store")
}

// MaxDepth is the length of the longest possible proof: 31 levels, and 8 above
// shards.
const MaxDepth = 40

// Proofs yields every row with its proof, in list order, until yield fails or
// ctx ends. The proof is valid during the call only.
func (t *Tree) Proofs(ctx context.Context, yield func(position int, e Entry, proof []Hash) error) error {
	proof := make([]Hash, 0, MaxDepth)
	for i := range t.count {
		if i%grain == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, err := t.At(i)
		if err != nil {
			return err
		}
		if proof, err = t.AppendProof(proof[:0], i); err != nil {
			return err
		}
		if err := yield(i, e, proof); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) checkRow(i int) error {
	if i < 0 || i >= t.count {
		return fault.Newf(fault.NotFound, "row %d is not on the list: it has rows 0 to %d", i, t.count-1)
	}
	return nil
}

// inMemory is the store of a tree that was just built.
type inMemory struct {
	list   *List
	nodes  []byte
	places []uint32
}

func (m *inMemory) row(i int) ([]byte, error)   { return m.list.row(i), nil }
func (m *inMemory) index(i int) (uint64, error) { return m.list.index(i), nil }
func (m *inMemory) place(i int) (int, error)    { return int(m.places[i]), nil }
func (m *inMemory) node(i int) ([]byte, error)  { return hashAt(m.nodes, i), nil }

func (m *inMemory) copyNodes(to []Hash, numbers []int) error {
	all := hashesOf(m.nodes)
	for i, number := range numbers {
		to[i] = all[number]
	}
	return nil
}

func (m *inMemory) find(who wallet.Address) (int, bool, error) {
	position, found := m.list.Find(who)
	return position, found, nil
}

func (m *inMemory) ranked(i int) (int, error) { return rowOf(m.list.order().entries[i]), nil }
