package merkle

import (
	"bytes"
	"math/bits"

	"banyan/platform/wallet"
)

// walletOrder finds a wallet among rows in any order. A table has where among
// the sorted wallets each prefix begins; the entries there have the next 32
// bits of the wallet beside the row's number. So a look-up reads one element of
// the table, one entry, and one row.
type walletOrder struct {
	prefix  []uint32 // 1<<prefixBits+1 numbers: where in entries a prefix begins
	entries []uint64 // sorted by wallet, equal wallets in list order
}

// An entry is the fingerprint in its high half and the row in its low half.
func fingerprintOf(entry uint64) uint32 { return uint32(entry >> 32) }
func rowOf(entry uint64) int            { return int(uint32(entry)) }

// prefixBits is chosen so that about eight wallets share a prefix.
func prefixBits(count int) int { return max(0, bits.Len(uint(count))-4) }

// split divides the first 64 bits of a wallet into prefix and fingerprint.
func split(key uint64, size int) (prefix int, fingerprint uint32) {
	return int(key >> (64 - size)), uint32(key << size >> 32)
}

func newWalletOrder(count int, row func(int) []byte, workers int) walletOrder {
	keys, entries := makeLarge[uint64](count), makeLarge[uint64](count)
	rows := sortWallets(count, row, keys, entries, workers)
	size := prefixBits(count)
	table := make([]uint32, 1<<size+1)
	for _, key := range keys {
		table[key>>(64-size)+1]++
	}
	for p := 1; p < len(table); p++ {
		table[p] += table[p-1]
	}
	runAll(workers, func(w int) {
		low, high := span(count, w, workers)
		for i := low; i < high; i++ {
			_, fingerprint := split(keys[rows[i]], size)
			entries[i] = uint64(fingerprint)<<32 | uint64(rows[i])
		}
	})
	return walletOrder{prefix: table, entries: entries}
}

// sortWallets returns the rows in the order of their wallets, equal ones in
// list order. It fills keys with the first 64 bits of each row's wallet, and
// packed is a buffer of the same length.
func sortWallets(count int, row func(int) []byte, keys, packed []uint64, workers int) []uint32 {
	runAll(workers, func(w int) {
		low, high := span(count, w, workers)
		for i := low; i < high; i++ {
			keys[i] = walletKey(row(i))
		}
	})
	return sortOrder(keys, packed, func(a, b uint32) int {
		return bytes.Compare(row(int(a))[:walletSize], row(int(b))[:walletSize])
	}, workers)
}

// walletIndex is what findWallet searches; reads may fail when it is a file.
type walletIndex interface {
	prefix(i int) (begin, end int, err error) // where among the entries prefix i begins and ends
	entry(i int) (uint64, error)
	row(i int) ([]byte, error)
}

// findWallet returns the first row of who in list order.
func findWallet(count int, who wallet.Address, in walletIndex) (position int, found bool, err error) {
	_, position, found, err = findPlace(count, who, in)
	return position, found, err
}

// findSeveral is findWallet, and reports whether who has more rows.
func findSeveral(count int, who wallet.Address, in walletIndex) (position int, several, found bool, err error) {
	place, position, found, err := findPlace(count, who, in)
	if !found || err != nil {
		return 0, false, false, err
	}
	_, fingerprint := split(walletKey(who[:]), prefixBits(count))
	order, _, err := compareAt(place+1, count, fingerprint, who, in)
	return position, order == 0, true, err
}

// findAllRows calls yield with every row of who, in list order.
func findAllRows(count int, who wallet.Address, in walletIndex, yield func(position int) bool) error {
	place, position, found, err := findPlace(count, who, in)
	if !found || err != nil {
		return err
	}
	_, fingerprint := split(walletKey(who[:]), prefixBits(count))
	for order := 0; order == 0; {
		if !yield(position) {
			return nil
		}
		place++
		if order, position, err = compareAt(place, count, fingerprint, who, in); err != nil {
			return err
		}
	}
	return nil
}

// findPlace returns where in the order of wallets the first row of who is.
func findPlace(count int, who wallet.Address, in walletIndex) (place, position int, found bool, err error) {
	if count == 0 {
		return 0, 0, false, nil
	}
	prefix, fingerprint := split(walletKey(who[:]), prefixBits(count))
	low, end, err := in.prefix(prefix)
	if err != nil {
		return 0, 0, false, err
	}
	end = min(end, count)
	for high := end; low < high; {
		middle := int(uint(low+high) >> 1)
		entry, err := in.entry(middle)
		if err != nil {
			return 0, 0, false, err
		}
		if fingerprintOf(entry) < fingerprint {
			low = middle + 1
		} else {
			high = middle
		}
	}
	order, position, err := compareAt(low, end, fingerprint, who, in)
	if order < 0 && err == nil {
		low, order, position, err = searchFingerprint(low+1, end, fingerprint, who, in)
	}
	return low, position, order == 0 && err == nil, err
}

// compareAt compares the wallet at place i of the order with who, which has this
// fingerprint. order is 1 after the last wallet that has it.
func compareAt(i, end int, fingerprint uint32, who wallet.Address, in walletIndex) (order, position int, err error) {
	if i == end {
		return 1, 0, nil
	}
	entry, err := in.entry(i)
	if err != nil || fingerprintOf(entry) != fingerprint {
		return 1, 0, err
	}
	row, err := in.row(rowOf(entry))
	if err != nil {
		return 1, 0, err
	}
	return bytes.Compare(row[:walletSize], who[:]), rowOf(entry), nil
}

// searchFingerprint searches many wallets of one fingerprint, which only an
// attacker makes: otherwise there is one.
func searchFingerprint(low, end int, fingerprint uint32, who wallet.Address, in walletIndex) (place, order, position int, err error) {
	for high := end; low < high; {
		middle := int(uint(low+high) >> 1)
		order, _, err := compareAt(middle, end, fingerprint, who, in)
		if err != nil {
			return 0, 1, 0, err
		}
		if order < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	order, position, err = compareAt(low, end, fingerprint, who, in)
	return low, order, position, err
}

// walletsOf searches a list in memory.
type walletsOf struct {
	list  *List
	order *walletOrder
}

func (w walletsOf) prefix(i int) (begin, end int, err error) {
	return int(w.order.prefix[i]), int(w.order.prefix[i+1]), nil
}
func (w walletsOf) entry(i int) (uint64, error) { return w.order.entries[i], nil }
func (w walletsOf) row(i int) ([]byte, error)   { return w.list.row(i), nil }
