package export

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/sha3"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
)

const word = 32 // bytes of ABI encoding

// keccak is a hash that is used again and again.
type keccak struct {
	state   hasher
	encoded []byte
}

type hasher interface {
	Write(p []byte) (int, error)
	Reset()
	Read(p []byte) (int, error)
}

func newKeccak() *keccak { return &keccak{state: sha3.NewLegacyKeccak256().(hasher)} }

func (k *keccak) sum(parts ...[]byte) (h exchangereview.Hash) {
	k.state.Reset()
	for _, part := range parts {
		_, _ = k.state.Write(part) // a hash never fails
	}
	_, _ = k.state.Read(h[:])
	return h
}

// Leaf returns the leaf of a line: keccak(keccak(abi.encode(kind, line))).
func (k *keccak) leaf(kind string, line []byte) exchangereview.Hash {
	k.encoded = appendABI(k.encoded[:0], kind, line)
	inner := k.sum(k.encoded)
	return k.sum(inner[:])
}

// appendABI appends abi.encode(string, string).
func appendABI(to []byte, kind string, line []byte) []byte {
	number := func(n int) {
		var w [word]byte
		binary.BigEndian.PutUint64(w[word-8:], uint64(n))
		to = append(to, w[:]...)
	}
	padded := func(n int) int { return (n + word - 1) / word * word }
	number(2 * word)
	number(3*word + padded(len(kind)))
	for _, text := range [][]byte{[]byte(kind), line} {
		number(len(text))
		to = append(to, text...)
		to = append(to, make([]byte, padded(len(text))-len(text))...)
	}
	return to
}

// tree is a StandardMerkleTree: the root is its first node, the leaves are at
// its end, the smallest last.
type tree []exchangereview.Hash

// newTree builds the tree over leaves, which it sorts. There is at least one.
func newTree(leaves []exchangereview.Hash) tree {
	slices.SortFunc(leaves, func(a, b exchangereview.Hash) int { return bytes.Compare(a[:], b[:]) })
	t := make(tree, 2*len(leaves)-1)
	for i, leaf := range leaves {
		t[len(t)-1-i] = leaf
	}
	k := newKeccak()
	for i := len(t) - 1 - len(leaves); i >= 0; i-- {
		a, b := t[2*i+1], t[2*i+2]
		if bytes.Compare(a[:], b[:]) > 0 {
			a, b = b, a
		}
		t[i] = k.sum(a[:], b[:])
	}
	return t
}

// proof returns the siblings from a leaf up to the root.
func (t tree) proof(leaf exchangereview.Hash) (siblings []exchangereview.Hash) {
	at := slices.Index(t[len(t)/2:], leaf) + len(t)/2
	for ; at > 0; at = (at - 1) / 2 {
		if at%2 == 1 {
			siblings = append(siblings, t[at+1])
		} else {
			siblings = append(siblings, t[at-1])
		}
	}
	return siblings
}

// sortedBy returns the places of exchanges in the order of their scores.
func sortedBy(exchanges []Exchange, scores []ranking.Score) []int {
	order := make([]int, len(exchanges))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(scores[a].Compare(scores[b]), cmp.Compare(exchanges[a].Slug, exchanges[b].Slug))
	})
	return order
}
