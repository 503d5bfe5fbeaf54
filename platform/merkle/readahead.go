package merkle

import (
	"encoding/binary"

	"banyan/platform/wallet"
)

// LookAhead is how many wallets ReadAhead reads for at a time.
const LookAhead = 64

// ReadAhead prefetches for the wallets that Find will look up next, count of
// them and LookAhead at most: a hint, which makes long checks faster. A look-up
// waits for memory three times, for the prefix, the entry and the row of a
// wallet, one after the other. Those of different wallets can overlap: here all
// prefixes are read first, then all entries, then all rows.
func (t *Tree) ReadAhead(count int, who func(i int) *wallet.Address) {
	m, file := t.store.(*inFile)
	if !file || m.closed.Load() {
		return
	}
	count = min(count, LookAhead)
	rows := m.header.rows
	size := prefixBits(rows)
	prefixes, order, list := m.section(partPrefixes), m.section(partOrder), m.section(partRows)
	var begins [LookAhead]int
	var fingerprints [LookAhead]uint32
	touched := byte(0)
	for i := range count {
		begins[i], fingerprints[i] = split(walletKey(who(i)[:]), size)
		touched ^= prefixes[begins[i]*4]
	}
	for i := range count {
		// The values of a block that may not be checked yet are not trusted.
		begins[i] = min(int(binary.LittleEndian.Uint32(prefixes[begins[i]*4:])), rows-1)
		touched ^= order[begins[i]*8]
	}
	for i := range count {
		for at := begins[i]; at < min(begins[i]+LookAhead, rows); at++ {
			entry := binary.LittleEndian.Uint64(order[at*8:])
			if fingerprintOf(entry) >= fingerprints[i] {
				touched ^= list[min(rowOf(entry), rows-1)*RowSize]
				break
			}
		}
	}
	m.touched.Store(uint32(touched))
}

// section returns all of a section, also blocks that may not be checked yet.
func (m *inFile) section(p part) []byte {
	e := m.extents[p]
	return m.data[e.start : e.start+e.length]
}
