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
	// maxBucketBits keeps a table of counts inside the third-level cache.
	maxBucketBits = 21
	// bucketsAtOnce hold so few rows, usually, that they stay in the first-level
	// cache.
	bucketsAtOnce = 256
)

// sortOrder gives the numbers of the rows in ascending order of their keys,
// and of compare where keys are equal; rows equal in both keep their order.
// A key is the first 64 bits of what compare compares. packed is room for as
// many words as there are keys.
func sortOrder(keys, packed []uint64, compare func(a, b uint32) int, workers int) []uint32 {
	order := makeLarge[uint32](len(keys))
	sortRows(keys, packed, compare, workers, into(order))
	return order
}

// into takes sorted rows into their order.
func into(order []uint32) func(first int, rows []uint64) {
	return func(first int, rows []uint64) {
		for k, row := range rows {
			order[first+k] = uint32(row)
		}
	}
}

// sortRows is sortOrder without the order in memory: take is given the rows
// piece by piece, those from place first on, by all workers at once.
//
// Keys are usually hashes, hence spread evenly: rows are dealt to so many
// buckets that each holds a handful, and each bucket is sorted as plain
// integers with the row number in the low bits. Uneven keys stay correct and
// get slower, never worse than an ordinary sort.
func sortRows(keys, packed []uint64, compare func(a, b uint32) int, workers int, take func(first int, rows []uint64)) {
	s := sorter{keys: keys, packed: packed, compare: compare, take: take}
	s.rowBits = bits.Len(uint(max(len(keys)-1, 0)))
	s.bucketBits = min(max(s.rowBits-2, 0), maxBucketBits)
	workers = min(max(workers, 1), maxSortWorkers)
	if len(keys) < 1<<14 {
		workers = 1
	}
	s.deal(workers)
	together(workers, func(w int) {
		low, high := span(1<<s.bucketBits, w, workers)
		s.sortBuckets(low, high)
	})
}

type sorter struct {
	keys    []uint64
	packed  []uint64 // key with the row number in place of its low bits
	ends    []uint32 // where each bucket ends, once they are dealt
	compare func(a, b uint32) int
	take    func(first int, rows []uint64)

	rowBits, bucketBits int
}

// span is worker w's part of n.
func span(n, w, workers int) (int, int) { return n * w / workers, n * (w + 1) / workers }

// deal distributes the packed keys to their buckets.
func (s *sorter) deal(workers int) {
	shift := 64 - s.bucketBits // of a key, to its bucket
	counts := make([][]uint32, workers)
	together(workers, func(w int) {
		table := make([]uint32, 1<<s.bucketBits)
		low, high := span(len(s.keys), w, workers)
		for _, key := range s.keys[low:high] {
			table[key>>shift]++
		}
		counts[w] = table
	})
	next := uint32(0)
	for b := range 1 << s.bucketBits {
		for _, table := range counts {
			table[b], next = next, next+table[b]
		}
	}
	together(workers, func(w int) {
		table, packed := counts[w], s.packed
		rowMask := uint64(1)<<s.rowBits - 1
		low, high := span(len(s.keys), w, workers)
		for i, key := range s.keys[low:high] {
			slot := &table[key>>shift]
			packed[*slot] = key&^rowMask | uint64(low+i)
			*slot++
		}
	})
	s.ends = counts[workers-1] // its rows are the last ones of every bucket
}

// sortBuckets sorts the buckets [low, high) and has their rows taken.
func (s *sorter) sortBuckets(low, high int) {
	rowMask := uint64(1)<<s.rowBits - 1
	start, end := s.start(low), s.start(high) // behind end another worker sorts
	for low < high {
		next := min(low+bucketsAtOnce, high)
		first := start
		for _, stop := range s.ends[low:next] {
			s.sortBucket(start, int(stop), end)
			start = int(stop)
		}
		rows := s.packed[first:start]
		s.sortTies(rows)
		for i := range rows {
			rows[i] &= rowMask
		}
		s.take(first, rows)
		low = next
	}
}

// start is where a bucket begins, also the one behind the last.
func (s *sorter) start(bucket int) int {
	if bucket == 0 {
		return 0
	}
	return int(s.ends[bucket-1])
}

// sortBucket sorts packed[start:stop]. A small bucket is sorted together with
// what follows it before end: that is greater, so it stays behind, and sorting
// always as many takes no branch that is a matter of chance.
func (s *sorter) sortBucket(start, stop, end int) {
	size := stop - start
	switch {
	case size <= 4 && start+4 <= end:
		sort4((*[4]uint64)(s.packed[start:]))
	case size <= 8 && start+8 <= end:
		sort8((*[8]uint64)(s.packed[start:]))
	default:
		slices.Sort(s.packed[start:stop])
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

// together runs work(0) … work(n-1) at the same time and waits for all.
func together(n int, work func(int)) {
	var all sync.WaitGroup
	for i := 1; i < n; i++ {
		all.Go(func() { work(i) })
	}
	work(0)
	all.Wait()
}
