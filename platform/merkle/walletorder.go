package merkle

import (
	"bytes"
	"math/bits"

	"banyan/platform/wallet"
)

// walletOrder finds a wallet among rows that stand in any order: rows sorted
// by wallet, and a table of where each prefix begins, so that a look-up reads
// two or three rows instead of twenty.
type walletOrder struct {
	rows   []uint32 // row numbers; equal wallets in list order
	prefix []uint32 // 1<<prefixBits+1 entries: where in rows a prefix begins
}

// prefixBits is chosen so that about eight wallets share a prefix.
func prefixBits(count int) int { return max(0, bits.Len(uint(count))-4) }

func prefixOf(who []byte, size int) int { return int(walletKey(who) >> (64 - size)) }

func newWalletOrder(count int, row func(int) []byte) walletOrder {
	keys := make([]uint64, count)
	for i := range keys {
		keys[i] = walletKey(row(i))
	}
	rows := sortOrder(keys, func(a, b uint32) int {
		return bytes.Compare(row(int(a))[:walletSize], row(int(b))[:walletSize])
	}, 1)
	size := prefixBits(count)
	prefix := make([]uint32, 1<<size+1)
	for i := range count {
		prefix[prefixOf(row(i), size)+1]++
	}
	for p := 1; p < len(prefix); p++ {
		prefix[p] += prefix[p-1]
	}
	return walletOrder{rows: rows, prefix: prefix}
}

// find searches the rows of who's prefix; row may fail when it reads a file.
func (o *walletOrder) find(count int, who wallet.Address, row func(int) ([]byte, error)) (position int, found bool, err error) {
	if count == 0 {
		return 0, false, nil
	}
	p := prefixOf(who[:], prefixBits(count))
	low, high := int(o.prefix[p]), int(o.prefix[p+1])
	end := high
	for low < high {
		middle := int(uint(low+high) >> 1)
		r, err := row(int(o.rows[middle]))
		if err != nil {
			return 0, false, err
		}
		if bytes.Compare(r[:walletSize], who[:]) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == end {
		return 0, false, nil
	}
	r, err := row(int(o.rows[low]))
	if err != nil || !bytes.Equal(r[:walletSize], who[:]) {
		return 0, false, err
	}
	return int(o.rows[low]), true, nil
}
