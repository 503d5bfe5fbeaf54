package trust

import (
	"math"
	"slices"

	"banyan/platform/fault"
)

// Interner numbers keys (names, wallets) densely from 0 in order of appearance,
// until Sort. The zero value is not usable: use NewInterner. It is not safe for
// concurrent use while it grows.
type Interner[K comparable] struct {
	numbers map[K]uint32
	keys    []K
	compare func(a, b K) int // of Sort
}

// NewInterner returns an interner with room for about size keys.
func NewInterner[K comparable](size int) *Interner[K] {
	return &Interner[K]{numbers: make(map[K]uint32, size), keys: make([]K, 0, size)}
}

// Number returns the key's number, the next one when the key is new. It fails
// with fault.TooLarge after 2³²−1 keys.
func (in *Interner[K]) Number(key K) (uint32, error) {
	if n, ok := in.numbers[key]; ok {
		return n, nil
	}
	if len(in.keys) >= math.MaxUint32 {
		return 0, fault.Newf(fault.TooLarge, "a trust graph has at most %d nodes", uint32(math.MaxUint32))
	}
	n := uint32(len(in.keys))
	in.numbers[key] = n
	in.keys = append(in.keys, key)
	return n, nil
}

// NumberOfText is Number for a name that is still bytes: a known name costs no
// allocation.
func NumberOfText(in *Interner[string], name []byte) (uint32, error) {
	if n, ok := in.numbers[string(name)]; ok {
		return n, nil
	}
	return in.Number(string(name))
}

// Lookup returns the key's number if it has one.
func (in *Interner[K]) Lookup(key K) (uint32, bool) {
	if in.compare != nil {
		n, ok := slices.BinarySearchFunc(in.keys, key, in.compare)
		return uint32(n), ok
	}
	n, ok := in.numbers[key]
	return n, ok
}

// Key returns the key of a number.
func (in *Interner[K]) Key(number uint32) K { return in.keys[number] }

// Len returns the number of keys.
func (in *Interner[K]) Len() int { return len(in.keys) }

// Sort renumbers the keys in the order of compare and returns the new number of
// each old one. Scores then do not depend, to the last bit, on the order in
// which the keys were first seen. No key can be numbered after that: the table
// is freed, and Lookup searches the keys.
func (in *Interner[K]) Sort(compare func(a, b K) int) (renumbered []uint32) {
	order := make([]uint32, len(in.keys))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(in.keys[a], in.keys[b]) })
	renumbered = make([]uint32, len(order))
	sorted := make([]K, len(order))
	for now, before := range order {
		renumbered[before] = uint32(now)
		sorted[now] = in.keys[before]
	}
	in.keys, in.numbers, in.compare = sorted, nil, compare
	return renumbered
}
