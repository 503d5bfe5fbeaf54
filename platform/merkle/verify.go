package merkle

import (
	"bytes"

	"banyan/platform/merkle/keccak"
)

// Verify reports whether proof leads from the entry's leaf to root, as
// OpenZeppelin's MerkleProof.verify does. It works for every format: a proof is
// a plain list of siblings in all of them.
func Verify(format Format, root Hash, e Entry, proof []Hash) bool {
	return ProcessProof(LeafHash(format, e), proof) == root
}

// ProcessProof returns the root that a leaf and its proof lead to, as
// OpenZeppelin's MerkleProof.processProof does.
func ProcessProof(leaf Hash, proof []Hash) Hash {
	node := leaf
	for _, sibling := range proof {
		node = joinPair(node, sibling)
	}
	return node
}

// ProcessSided is ProcessProof of a tree with positional pairs; left says of
// each sibling whether it is on the left.
func ProcessSided(leaf Hash, proof []Hash, left []bool) Hash {
	node := leaf
	for i, sibling := range proof {
		if i < len(left) && left[i] {
			node = hashPair(sibling, node)
		} else {
			node = hashPair(node, sibling)
		}
	}
	return node
}

// Join returns the node above two.
func (s Spec) Join(left, right Hash) Hash {
	if s.Positional {
		return hashPair(left, right)
	}
	return joinPair(left, right)
}

// joinPair hashes two nodes, the smaller first.
func joinPair(a, b Hash) Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return hashPair(a, b)
}

// hashPair hashes two nodes in this order.
func hashPair(a, b Hash) Hash {
	var pair [2 * HashSize]byte
	copy(pair[:HashSize], a[:])
	copy(pair[HashSize:], b[:])
	return keccak.Sum256(pair[:])
}
