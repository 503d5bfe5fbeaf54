package merkle

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A network that sorts every sequence of zeros and ones sorts every sequence:
// Knuth, The Art of Computer Programming 3, section 5.3.4, theorem Z.
func TestTheNetworksSort(t *testing.T) {
	for ones := range 1 << 8 {
		var four [4]uint64
		var eight [8]uint64
		for i := range eight {
			eight[i] = uint64(ones >> i & 1)
		}
		copy(four[:], eight[:])
		sort4(&four)
		sort8(&eight)
		if !slices.IsSorted(four[:]) || !slices.IsSorted(eight[:]) {
			t.Fatalf("%08b becomes %v and %v", ones, four, eight)
		}
	}
}

// Keys that are even, that fall into few buckets, that differ only in the bits
// that the row's number replaces, and that are equal.
func TestRowsAreSorted(t *testing.T) {
	kinds := map[string]func(random *rand.Rand) uint64{
		"even":    (*rand.Rand).Uint64,
		"crowded": func(random *rand.Rand) uint64 { return random.Uint64() >> random.IntN(60) },
		"low":     func(random *rand.Rand) uint64 { return random.Uint64N(1 << 10) },
		"high":    func(random *rand.Rand) uint64 { return random.Uint64N(1<<10) << 54 },
		"equal":   func(*rand.Rand) uint64 { return 1 << 63 },
	}
	for kind, key := range kinds {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 8, 9, 17, 100, 1000, 1 << 14, 50_000} {
			for _, workers := range []int{1, 2, 3, 100} {
				t.Run(fmt.Sprintf("%s/%d/%d", kind, n, workers), func(t *testing.T) { checkOrder(t, key, n, workers) })
			}
		}
	}
}

// checkOrder sorts numbers of which one key in four has an equal one, and whose
// remainder after the key orders those, or is equal, too.
func checkOrder(t *testing.T, key func(*rand.Rand) uint64, n, workers int) {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	keys, rest, want := make([]uint64, n), make([]byte, n), make([]uint32, n)
	for i := range keys {
		keys[i], rest[i], want[i] = key(random), byte(random.IntN(3)), uint32(i)
		if i > 0 && i%4 == 0 {
			keys[i] = keys[random.IntN(i)]
		}
	}
	compare := func(a, b uint32) int { return cmp.Compare(rest[a], rest[b]) }
	slices.SortStableFunc(want, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(keys[a], keys[b]), compare(a, b))
	})
	if got := sortOrder(keys, make([]uint64, n), compare, workers); !slices.Equal(got, want) {
		t.Fatalf("%d rows are out of order", n)
	}
}
