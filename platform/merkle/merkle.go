// Package merkle builds the Merkle trees of airdrops: it computes from a list
// of (wallet, amount) the root that a contract stores, and the proofs that
// wallets claim with. Roots and proofs are byte for byte those of the tools
// named at each Format, whatever the number of cores and the hash engine.
//
//	list := merkle.NewList()
//	err := list.Append(merkle.Entry{Wallet: wallet, Amount: amount})
//	tree, err := merkle.Build(ctx, merkle.OZ, list, merkle.Options{})
//	proof, err := tree.Proof(0)
//	merkle.Verify(merkle.OZ, tree.Root(), entry, proof) // true
//
// The pieces, from the bottom: keccak hashes batches; format.go has the content
// of leaves; layout.go has where nodes are and which ones are a proof; order.go
// sorts; build.go builds; tree.go reads; treefile.go has the layout of the
// file. A list that may be longer than memory is an ExternalList, and BuildFile
// builds its tree on disk (externalbuild.go).
package merkle

import (
	"encoding/binary"
	"slices"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// MaxRows is the longest list a tree is built over: node numbers are 32 bits.
const MaxRows = 1<<31 - 1

// RowSize is the binary size of a row: 20 bytes of wallet, then 32 bytes of
// amount, big-endian. That is also what abi.encodePacked(address, uint256)
// returns.
const RowSize = walletSize + amountSize

const (
	walletSize = 20
	amountSize = 32
)

// Entry is one row of a list: this wallet may claim this amount.
type Entry struct {
	// Index is the row's number in the leaf in the formats that have one
	// (oz-indexed, uniswap): its position, unless the list has its own.
	Index  uint64
	Wallet wallet.Address
	Amount uint256.Int // in base units
}

// entryOf reads a binary row; index is its index.
func entryOf(row []byte, index uint64) Entry {
	var e Entry
	e.Index = index
	copy(e.Wallet[:], row[:walletSize])
	e.Amount.SetBytes32(row[walletSize:RowSize])
	return e
}

// AppendRow appends the binary form of the entry, without its index.
func (e Entry) AppendRow(to []byte) []byte {
	to = slices.Grow(to, RowSize)
	row := to[len(to) : len(to)+RowSize]
	copy(row, e.Wallet[:])
	e.Amount.PutUint256(row[walletSize:])
	return to[:len(to)+RowSize]
}

// errOverflow returns the error of a list whose sum exceeds uint256.
func errOverflow() error {
	return fault.New(fault.Invalid, "the amounts of this list add up to more than 2^256-1, which no token can pay: check the amounts")
}

// addAmounts adds the amounts of binary rows to total.
func addAmounts(total *uint256.Int, rows []byte) error {
	var amount uint256.Int
	for ; len(rows) >= RowSize; rows = rows[RowSize:] {
		amount.SetBytes32(rows[walletSize:RowSize])
		if _, over := total.AddOverflow(total, &amount); over {
			return errOverflow()
		}
	}
	return nil
}

// walletKey returns the first 64 bits of a row's wallet, for sorting.
func walletKey(row []byte) uint64 { return binary.BigEndian.Uint64(row) }
