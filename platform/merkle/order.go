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
	// insertionLimit is where pattern-defeating quicksort overtakes insertion.
	insertionLimit = 24
)

// sortOrder gives the numbers of the rows in ascending order of their keys,
// and of compare where keys are equal; rows equal in both keep their order.
// A key is the first 64 bits of what compare compares. packed is room for as
// many words as there are keys.
//
// Keys are usually hashes, hence spread evenly: rows are dealt to so many
// buckets that each holds a handful, and each bucket is sorted as plain
// integers with the row number in the low bits. Uneven keys stay correct and
// get slower, never worse than an ordinary sort.
func sortOrder(keys, packed []uint64, compare func(a, b uint32) int, workers int) []uint32 {
	s := sorter{keys: keys, packed: packed, compare: compare}
	s.rowBits = bits.Len(uint(max(len(keys)-1, 0)))
	s.bucketBits = min(max(s.rowBits-3, 0), maxBucketBits)
	s.order = makeLarge[uint32](len(keys))
	workers = min(max(workers, 1), maxSortWorkers)
	if len(keys) < 1<<14 {
		workers = 1
	}
	s.deal(workers)
	s.sortBuckets(workers)
	return s.order
}

type sorter struct {
	keys    []uint64
	packed  []uint64 // key without its bucket's bits, row number in the low bits
	order   []uint32
	starts  []uint32 // where each bucket begins, and the end
	compare func(a, b uint32) int

	rowBits, bucketBits int
}

func (s *sorter) bucket(key uint64) int { return int(key >> (64 - s.bucketBits)) }

// span is worker w's part of n.
func span(n, w, workers int) (int, int) { return n * w / workers, n * (w + 1) / workers }

// deal distributes the packed keys to their buckets.
func (s *sorter) deal(workers int) {
	counts := make([][]uint32, workers)
	together(workers, func(w int) {
		table := make([]uint32, 1<<s.bucketBits)
		low, high := span(len(s.keys), w, workers)
		for _, key := range s.keys[low:high] {
			table[s.bucket(key)]++
		}
		counts[w] = table
	})
	s.starts = make([]uint32, 1<<s.bucketBits+1)
	next := uint32(0)
	for b := range 1 << s.bucketBits {
		s.starts[b] = next
		for w := range counts {
			counts[w][b], next = next, next+counts[w][b]
		}
	}
	s.starts[1<<s.bucketBits] = next
	together(workers, func(w int) {
		table := counts[w]
		rowMask := uint64(1)<<s.rowBits - 1
		low, high := span(len(s.keys), w, workers)
		for i := low; i < high; i++ {
			key := s.keys[i]
			slot := &table[s.bucket(key)]
			s.packed[*slot] = key<<s.bucketBits&^rowMask | uint64(i)
			*slot++
		}
	})
}

func (s *sorter) sortBuckets(workers int) {
	buckets := len(s.starts) - 1
	rowMask := uint64(1)<<s.rowBits - 1
	together(workers, func(w int) {
		low, high := span(buckets, w, workers)
		for b := low; b < high; b++ {
			start, end := s.starts[b], s.starts[b+1]
			part := s.packed[start:end]
			if len(part) <= insertionLimit {
				insertionSort(part)
			} else {
				slices.Sort(part)
			}
			order := s.order[start:end]
			tie := false
			for i, p := range part {
				order[i] = uint32(p & rowMask)
				tie = tie || (i > 0 && p>>s.rowBits == part[i-1]>>s.rowBits)
			}
			if tie {
				slices.SortFunc(order, func(a, b uint32) int {
					return cmp.Or(cmp.Compare(s.keys[a], s.keys[b]), s.compare(a, b), cmp.Compare(a, b))
				})
			}
		}
	})
}

func insertionSort(part []uint64) {
	for i := 1; i < len(part); i++ {
		p := part[i]
		j := i
		for ; j > 0 && part[j-1] > p; j-- {
			part[j] = part[j-1]
		}
		part[j] = p
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
