package merkle_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet"
)

// The reference builds the same trees in the slow and obvious way: slices of
// slices and go-ethereum's hash, one at a time.

func madeUp(n int) *merkle.List {
	random := rand.New(rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}))
	list := merkle.NewList()
	for range n {
		var who wallet.Address
		for i := range who {
			who[i] = byte(random.Uint32())
		}
		if err := list.Append(who, *uint256.NewInt(1 + random.Uint64N(1e18))); err != nil {
			panic(err)
		}
	}
	return list
}

func referenceLeaf(format merkle.Format, e merkle.Entry) []byte {
	index, amount := common.BigToHash(uint256.NewInt(e.Index).ToBig()).Bytes(), e.Amount.Bytes32()
	padded := common.LeftPadBytes(e.Wallet[:], 32)
	switch format {
	case merkle.OZ:
		return crypto.Keccak256(crypto.Keccak256(padded, amount[:]))
	case merkle.OZIndexed:
		return crypto.Keccak256(crypto.Keccak256(index, padded, amount[:]))
	case merkle.Uniswap:
		return crypto.Keccak256(index, e.Wallet[:], amount[:])
	}
	return crypto.Keccak256(e.Wallet[:], amount[:])
}

func referencePair(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	return crypto.Keccak256(a, b)
}

func referenceHeap(leaves [][]byte) []byte {
	slices.SortFunc(leaves, bytes.Compare)
	t := make([][]byte, 2*len(leaves)-1)
	for i, leaf := range leaves {
		t[len(t)-1-i] = leaf
	}
	for i := len(leaves) - 2; i >= 0; i-- {
		t[i] = referencePair(t[2*i+1], t[2*i+2])
	}
	return t[0]
}

func referenceLevels(leaves [][]byte) []byte {
	slices.SortFunc(leaves, bytes.Compare)
	for len(leaves) > 1 {
		var next [][]byte
		for i := 0; i < len(leaves); i += 2 {
			if i+1 == len(leaves) {
				next = append(next, leaves[i])
			} else {
				next = append(next, referencePair(leaves[i], leaves[i+1]))
			}
		}
		leaves = next
	}
	return leaves[0]
}

func referenceRoot(format merkle.Format, list *merkle.List) []byte {
	var leaves [][]byte
	shards := map[byte][][]byte{}
	for i := range list.Len() {
		e := list.At(i)
		leaf := referenceLeaf(format, e)
		leaves = append(leaves, leaf)
		shards[e.Wallet[0]>>4] = append(shards[e.Wallet[0]>>4], leaf)
	}
	switch format {
	case merkle.OZ, merkle.OZIndexed:
		return referenceHeap(leaves)
	case merkle.Uniswap:
		slices.SortFunc(leaves, bytes.Compare)
		return referenceLevels(slices.CompactFunc(leaves, bytes.Equal))
	case merkle.ENS:
		var roots [][]byte
		for _, shard := range shards {
			roots = append(roots, referenceLevels(shard))
		}
		return referenceLevels(roots)
	}
	return referenceLevels(leaves)
}

func TestEveryFormatAgreesWithTheReference(t *testing.T) {
	for _, format := range merkle.Formats() {
		for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 600, 3001} {
			list := madeUp(n)
			tree := build(t, format, list, merkle.Options{})
			if root := tree.Root(); !bytes.Equal(root[:], referenceRoot(format, list)) {
				t.Errorf("%s of %d rows: root %s, want %x", format, n, root, referenceRoot(format, list))
			}
			checkProofs(t, tree)
		}
	}
}

func TestTheTreeDependsNeitherOnWorkersNorOnTheEngine(t *testing.T) {
	list := madeUp(40_001)
	for _, format := range merkle.Formats() {
		want := referenceRoot(format, list)
		for _, engine := range keccak.Engines() {
			for _, workers := range []int{1, 2, 3, 7, 16} {
				t.Run(fmt.Sprintf("%s/%s/%d", format, engine.Name(), workers), func(t *testing.T) {
					tree := build(t, format, list, merkle.Options{Workers: workers, Engine: engine, Nybbles: 1})
					if root := tree.Root(); !bytes.Equal(root[:], want) {
						t.Fatalf("root %s, want %x", root, want)
					}
				})
			}
		}
	}
}

// Equal rows hash to equal leaves: OpenZeppelin keeps both, Uniswap one.
func TestEqualRows(t *testing.T) {
	for _, format := range merkle.Formats() {
		for _, copies := range []int{2, 3, 30, 5000} {
			list := madeUp(5)
			twin := list.At(2)
			for range copies {
				if err := list.AppendIndexed(twin); err != nil {
					t.Fatal(err)
				}
			}
			tree := build(t, format, list, merkle.Options{})
			if root := tree.Root(); !bytes.Equal(root[:], referenceRoot(format, list)) {
				t.Errorf("%s with %d equal rows: root %s, want %x", format, copies, root, referenceRoot(format, list))
			}
			checkProofs(t, tree)
			if at, found, _ := tree.Find(twin.Wallet); !found || at != 2 {
				t.Errorf("%s: the wallet's first row is 2, found %d", format, at)
			}
		}
	}
}
