package merkle

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"
)

const (
	// maxSortWorkers bounds the tables of counts, one for each worker.
	maxSortWorkers = 8
	// partRowBits makes parts of 4096 rows, which stay in the first-level cache
	// while they are sorted.
	partRowBits = 12
	// maxPartBits bounds the parts: the cache lines of so many alternating
	// write positions stay there, too.
	maxPartBits = 10
)

// sortOrder returns the numbers of the rows in ascending order of their keys,
// and of compare where keys are equal; rows equal in both keep their order. A
// key must be the first 64 bits of what compare compares. packed is a buffer of
// as many words as there are keys.
func sortOrder(keys, packed []uint64, compare func(a, b uint32) int, workers int) []uint32 {
	order := makeLarge[uint32](len(keys))
	sortRows(keys, packed, compare, workers, into(order))
	return order
}

// into returns a take function that copies sorted rows into order.
func into(order []uint32) func(first int, rows []uint64) {
	return func(first int, rows []uint64) {
		for k, row := range rows {
			order[first+k] = uint32(row)
		}
	}
}

// sortRows is sortOrder without the order in memory: take is called with pieces
// of the rows, those from place first on, by all workers concurrently.
//
// Keys are usually hashes, hence spread evenly: rows are distributed to parts,
// and those of a part to buckets of a few rows each, which are sorted as plain
// integers with the row number in the low bits. Distributed to as many buckets
// in one step, each row would wait for memory. With uneven keys it is still
// correct but slower, never slower than an ordinary sort.
func sortRows(keys, packed []uint64, compare func(a, b uint32) int, workers int, take func(first int, rows []uint64)) {
	s := sorter{keys: keys, packed: packed, compare: compare, take: take}
	s.rowBits = bits.Len(uint(max(len(keys)-1, 0)))
	s.partBits = min(max(s.rowBits-partRowBits, 0), maxPartBits)
	s.bucketBits = max(s.rowBits-s.partBits-2, 0)
	workers = min(max(workers, 1), maxSortWorkers)
	if len(keys) < 1<<14 {
		workers = 1
	}
	ends := s.distribute(workers)
	runAll(workers, func(w int) {
		low, high := span(1<<s.partBits, w, workers)
		t := table{counts: make([]uint32, 1<<s.bucketBits), shift: 64 - s.partBits - s.bucketBits}
		start := 0
		if low > 0 {
			start = int(ends[low-1])
		}
		for _, end := range ends[low:high] {
			s.sortPart(start, int(end), &t)
			start = int(end)
		}
	})
}

type sorter struct {
	keys    []uint64
	packed  []uint64 // key with the row number in place of its low bits
	compare func(a, b uint32) int
	take    func(first int, rows []uint64)

	rowBits, partBits, bucketBits int
}

// span returns worker w's part of n.
func span(n, w, workers int) (int, int) { return n * w / workers, n * (w + 1) / workers }

// distribute packs the keys and distributes them to their parts. It returns
// where each part ends.
func (s *sorter) distribute(workers int) []uint32 {
	shift := 64 - s.partBits // of a key, to its part
	counts := make([][]uint32, workers)
	runAll(workers, func(w int) {
		table := make([]uint32, 1<<s.partBits)
		low, high := span(len(s.keys), w, workers)
		for _, key := range s.keys[low:high] {
			table[key>>shift]++
		}
		counts[w] = table
	})
	next := uint32(0)
	for part := range 1 << s.partBits {
		for _, table := range counts {
			table[part], next = next, next+table[part]
		}
	}
	runAll(workers, func(w int) {
		table, packed := counts[w], s.packed
		rowMask := uint64(1)<<s.rowBits - 1
		low, high := span(len(s.keys), w, workers)
		for i, key := range s.keys[low:high] {
			slot := &table[key>>shift]
			packed[*slot] = key&^rowMask | uint64(low+i)
			*slot++
		}
	})
	return counts[workers-1] // its rows are the last ones of every part
}

// sortPart sorts packed[start:end] and calls take with its rows.
func (s *sorter) sortPart(start, end int, t *table) {
	rows := s.packed[start:end]
	if len(rows) > bucketRows*len(t.counts) {
		slices.Sort(rows) // uneven keys, too many for the buckets
	} else {
		rows = t.sort(rows)
	}
	s.sortTies(rows)
	rowMask := uint64(1)<<s.rowBits - 1
	for i := range rows {
		rows[i] &= rowMask
	}
	s.take(start, rows)
}

// table sorts the rows of one part after the other; each worker has one.
type table struct {
	counts []uint32 // of the rows in each bucket, then where it ends
	shift  int      // of a row, to its bucket; higher bits are the same for all
	room   []uint64
}

// bucketRows is the most rows of a bucket on average: twice the average with
// even keys.
const bucketRows = 8

// sort distributes rows to their buckets and sorts those. The result is valid
// until the next call.
func (t *table) sort(rows []uint64) []uint64 {
	counts, mask := t.counts, uint64(len(t.counts)-1)
	clear(counts)
	for _, row := range rows {
		counts[row>>t.shift&mask]++
	}
	next := uint32(0)
	for bucket, count := range counts {
		counts[bucket], next = next, next+count
	}
	t.room = slices.Grow(t.room[:0], len(rows))[:len(rows)]
	for _, row := range rows {
		slot := &counts[row>>t.shift&mask]
		t.room[*slot] = row
		*slot++
	}
	start := 0
	for _, end := range counts {
		sortBucket(t.room, start, int(end))
		start = int(end)
	}
	return t.room
}

// sortBucket sorts rows[start:end]. A small bucket is sorted together with the
// rows that follow it: those are greater, so they stay after it, and sorting
// always the same number needs no unpredictable branch.
func sortBucket(rows []uint64, start, end int) {
	size := end - start
	switch {
	case size <= 4 && start+4 <= len(rows):
		sort4((*[4]uint64)(rows[start:]))
	case size <= 8 && start+8 <= len(rows):
		sort8((*[8]uint64)(rows[start:]))
	default:
		slices.Sort(rows[start:end])
	}
}

// sortTies puts rows in order whose packed keys agree in all but the row.
func (s *sorter) sortTies(packed []uint64) {
	tie := false
	for i := 1; i < len(packed); i++ {
		tie = tie || packed[i]>>s.rowBits == packed[i-1]>>s.rowBits
	}
	if !tie {
		return
	}
	for len(packed) > 0 {
		same := 1
		for same < len(packed) && packed[same]>>s.rowBits == packed[0]>>s.rowBits {
			same++
		}
		if same > 1 {
			rowMask := uint64(1)<<s.rowBits - 1
			slices.SortFunc(packed[:same], func(p, q uint64) int {
				a, b := uint32(p&rowMask), uint32(q&rowMask)
				return cmp.Or(cmp.Compare(s.keys[a], s.keys[b]), s.compare(a, b), cmp.Compare(a, b))
			})
		}
		packed = packed[same:]
	}
}

// runAll runs work(0) … work(n-1) concurrently and waits for all.
func runAll(n int, work func(int)) {
	var all sync.WaitGroup
	for i := 1; i < n; i++ {
		all.Go(func() { work(i) })
	}
	work(0)
	all.Wait()
}
