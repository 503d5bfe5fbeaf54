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

func newWalletOrder(count int, row func(int) []byte, workers int) walletOrder {
	keys := makeLarge[uint64](count)
	together(workers, func(w int) {
		low, high := span(count, w, workers)
		for i := low; i < high; i++ {
			keys[i] = walletKey(row(i))
		}
	})
	size := prefixBits(count)
	prefix := make([]uint32, 1<<size+1)
	for _, key := range keys {
		prefix[key>>(64-size)+1]++
	}
	for p := 1; p < len(prefix); p++ {
		prefix[p] += prefix[p-1]
	}
	rows := sortOrder(keys, func(a, b uint32) int {
		return bytes.Compare(row(int(a))[:walletSize], row(int(b))[:walletSize])
	}, workers)
	return walletOrder{rows: rows, prefix: prefix}
}

// walletIndex is what findWallet searches; reads may fail when it is a file.
type walletIndex interface {
	prefix(i int) (int, error) // where in the order prefix i begins
	ranked(i int) (int, error) // the i-th row in the order
	row(i int) ([]byte, error)
}

// findWallet gives the first row of who in list order.
func findWallet(count int, who wallet.Address, in walletIndex) (position int, found bool, err error) {
	if count == 0 {
		return 0, false, nil
	}
	p := prefixOf(who[:], prefixBits(count))
	low, err := in.prefix(p)
	if err != nil {
		return 0, false, err
	}
	end, err := in.prefix(p + 1)
	if err != nil {
		return 0, false, err
	}
	for high := end; low < high; {
		middle := int(uint(low+high) >> 1)
		_, row, err := rankedRow(in, middle)
		if err != nil {
			return 0, false, err
		}
		if bytes.Compare(row[:walletSize], who[:]) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low >= end {
		return 0, false, nil
	}
	position, row, err := rankedRow(in, low)
	if err != nil || !bytes.Equal(row[:walletSize], who[:]) {
		return 0, false, err
	}
	return position, true, nil
}

func rankedRow(in walletIndex, i int) (position int, row []byte, err error) {
	if position, err = in.ranked(i); err != nil {
		return 0, nil, err
	}
	row, err = in.row(position)
	return position, row, err
}

// walletsOf searches a list in memory.
type walletsOf struct {
	list  *List
	order *walletOrder
}

func (w walletsOf) prefix(i int) (int, error) { return int(w.order.prefix[i]), nil }
func (w walletsOf) ranked(i int) (int, error) { return int(w.order.rows[i]), nil }
func (w walletsOf) row(i int) ([]byte, error) { return w.list.row(i), nil }
