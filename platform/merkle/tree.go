package merkle

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Tree is a list with its leaves and nodes. It never changes: any number of
// goroutines may read it. A tree of Build is in memory (RowSize + 64 + 4 bytes
// a row); reads fail only on a tree that is in a file.
type Tree struct {
	format  Format
	spec    Spec
	nybbles int // ENS only: hex digits of a shard's prefix
	count   int
	total   uint256.Int
	root    Hash
	layout  layout
	store   store
}

// store has a tree's arrays: in memory or in a mapped file.
type store interface {
	row(i int) ([]byte, error)    // RowSize bytes, read only
	index(i int) (uint64, error)  // the index in row i's leaf
	place(i int) (int, error)     // the number of row i's leaf among the nodes
	node(i int) ([]byte, error)   // HashSize bytes, read only
	record(i int) ([]byte, error) // of a typed list, read only
	recordBytes() int64
	find(who wallet.Address) (position int, found bool, err error)
	findAll(who wallet.Address, yield func(position int) bool) error
	findSeveral(who wallet.Address) (position int, several, found bool, err error)
	ranked(i int) (position int, err error) // the i-th row in the order of wallets
}

// Root returns the root, which the contract stores.
func (t *Tree) Root() Hash { return t.root }

// Format returns the format it was built in.
func (t *Tree) Format() Format { return t.format }

// Spec returns the description of the leaf and the tree.
func (t *Tree) Spec() Spec { return t.spec }

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

// FindAll calls yield with the positions of the wallet's rows, in list order,
// until it returns false.
func (t *Tree) FindAll(who wallet.Address, yield func(position int) bool) error {
	return t.store.findAll(who, yield)
}

// FindSeveral is Find, and reports whether the wallet has more rows.
func (t *Tree) FindSeveral(who wallet.Address) (position int, several, found bool, err error) {
	return t.store.findSeveral(who)
}

// FindAmount returns the first of the wallet's rows that has this amount. rows is
// how many rows it has, counted up to that one.
func (t *Tree) FindAmount(who wallet.Address, amount uint256.Int) (position, rows int, found bool, err error) {
	var failed error
	err = t.FindAll(who, func(row int) bool {
		rows++
		var e Entry
		e, failed = t.At(row)
		position, found = row, failed == nil && e.Amount == amount
		return failed == nil && !found
	})
	return position, rows, found, errors.Join(err, failed)
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

// Typed reports whether the rows have other values than a wallet, an amount and
// maybe an index.
func (t *Tree) Typed() bool { return t.format.form().typed != nil }

// Values returns the values of row i's leaf as text, in the leaf's order.
func (t *Tree) Values(i int) ([]string, error) {
	e, err := t.At(i)
	if err != nil {
		return nil, err
	}
	if t.Typed() {
		record, err := t.store.record(i)
		if err != nil {
			return nil, err
		}
		return t.spec.Leaf.Values(record)
	}
	values := []string{e.Wallet.String(), e.Amount.Dec()}
	if t.format.Indexed() {
		values = append([]string{strconv.FormatUint(e.Index, 10)}, values...)
	}
	return values, nil
}

// LeftSides returns of a tree with positional pairs whether each node of row i's
// proof is on the left; nil where pairs are sorted.
func (t *Tree) LeftSides(i int) ([]bool, error) {
	place, err := t.Place(i)
	if err != nil || !t.spec.Positional {
		return nil, err
	}
	return leftSides([]bool{}, t.layout, place), nil
}

// SideNames returns "left" or "right" for each node of a proof (LeftSides).
func SideNames(left []bool) []string {
	var names []string
	for _, is := range left {
		if is {
			names = append(names, "left")
		} else {
			names = append(names, "right")
		}
	}
	return names
}

// RecordBytes returns how much memory the values of a typed tree's rows take
// beside their wallets and amounts.
func (t *Tree) RecordBytes() int64 { return t.store.recordBytes() }

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

func (m *inMemory) findSeveral(who wallet.Address) (position int, several, found bool, err error) {
	return findSeveral(m.list.count, who, walletsOf{list: m.list, order: m.list.order()})
}

func (m *inMemory) findAll(who wallet.Address, yield func(position int) bool) error {
	return findAllRows(m.list.count, who, walletsOf{list: m.list, order: m.list.order()}, yield)
}

func (m *inMemory) recordBytes() int64 {
	if v := m.list.values; v != nil {
		return int64(len(v.data) + 8*len(v.ends))
	}
	return 0
}

func (m *inMemory) record(i int) ([]byte, error) { return m.list.values.record(i), nil }

func (m *inMemory) ranked(i int) (int, error) { return rowOf(m.list.order().entries[i]), nil }
