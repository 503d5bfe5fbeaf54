package merkle

import (
	"cmp"
	"slices"

	"banyan/platform/fault"
)

// Multiproof proves several leaves at once, as OpenZeppelin's MerkleProof does
// (https://docs.openzeppelin.com/contracts/5.x/api/utils/cryptography#MerkleProof-multiProofVerify):
// the contract takes leaves and nodes from two queues; each flag is true if the
// second of a pair is from the leaves, and false if it is from Proof.
type Multiproof struct {
	Rows   []int  `json:"rows"` // of Leaves, in their order
	Leaves []Hash `json:"leaves"`
	Proof  []Hash `json:"proof"`
	Flags  []bool `json:"proofFlags"`
}

// Multiproof returns one proof of all these rows. Only a complete
// tree with sorted pairs has multiproofs that contracts accept: other formats
// fail with fault.Unsupported. A row named twice fails with fault.Invalid.
func (t *Tree) Multiproof(rows []int) (Multiproof, error) {
	if _, complete := t.layout.(heap); !complete || t.spec.Positional {
		return Multiproof{}, fault.Newf(fault.Unsupported, "trees of the format %s have no multiproofs: contracts accept those of a complete tree with sorted pairs alone (oz, oz-indexed, --tree complete); use one proof for each wallet", t.format)
	}
	m := Multiproof{Rows: slices.Clone(rows), Proof: []Hash{}, Flags: []bool{}, Leaves: []Hash{}}
	places := make(map[int]int, len(rows))
	for _, row := range rows {
		place, err := t.Place(row)
		if err != nil {
			return Multiproof{}, err
		}
		if _, twice := places[row]; twice {
			return Multiproof{}, fault.Newf(fault.Invalid, "row %d is named twice: name each row once", row)
		}
		places[row] = place
	}
	slices.SortFunc(m.Rows, func(a, b int) int { return cmp.Compare(places[b], places[a]) })
	var queue []int
	for _, row := range m.Rows {
		queue = append(queue, places[row])
		leaf, err := t.Node(places[row])
		if err != nil {
			return Multiproof{}, err
		}
		m.Leaves = append(m.Leaves, leaf)
	}
	return m, t.multiproofNodes(&m, queue)
}

// multiproofNodes fills in the nodes and flags; queue has nodes from the
// deepest on.
func (t *Tree) multiproofNodes(m *Multiproof, queue []int) error {
	if len(queue) == 0 {
		m.Proof = append(m.Proof, t.root)
		return nil
	}
	for len(queue) > 0 && queue[0] > 0 {
		node := queue[0]
		queue = queue[1:]
		sibling := node + node%2*2 - 1
		together := len(queue) > 0 && queue[0] == sibling
		if together {
			queue = queue[1:]
		} else {
			hash, err := t.Node(sibling)
			if err != nil {
				return err
			}
			m.Proof = append(m.Proof, hash)
		}
		m.Flags = append(m.Flags, together)
		queue = append(queue, (node-1)/2)
	}
	return nil
}

// Verify reports whether the multiproof leads from its leaves to root. It
// checks hashes of leaves: the caller must check with LeafHash that a leaf
// belongs to an entry.
func (m Multiproof) Verify(root Hash) bool {
	if len(m.Leaves)+len(m.Proof) != len(m.Flags)+1 {
		return false
	}
	if len(m.Flags) == 0 {
		return append(slices.Clone(m.Leaves), m.Proof...)[0] == root
	}
	queue, proof := slices.Clone(m.Leaves), m.Proof
	take := func(from *[]Hash) (Hash, bool) {
		if len(*from) == 0 {
			return Hash{}, false
		}
		first := (*from)[0]
		*from = (*from)[1:]
		return first, true
	}
	for _, together := range m.Flags {
		a, ok := take(&queue)
		second := &proof
		if together {
			second = &queue
		}
		b, also := take(second)
		if !ok || !also {
			return false
		}
		queue = append(queue, joinPair(a, b))
	}
	return len(queue) == 1 && len(proof) == 0 && queue[0] == root
}
