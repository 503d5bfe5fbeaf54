package merkle

import (
	"slices"
	"testing"
)

func TestAnIndexOfTwoWalletsIsFoundInMemoryAndOnDisk(t *testing.T) {
	const n = 2*rowsPerChunk + 100
	type pair struct{ first, again int }
	for name, c := range map[string]struct {
		index func(i int) uint64
		want  []pair
	}{
		"ascending": {func(i int) uint64 { return uint64(2 * i) }, nil},
		"falling":   {func(i int) uint64 { return uint64(n - i) }, nil},
		"one of the first row in the last": {func(i int) uint64 {
			if i == n-1 {
				return 1
			}
			return uint64(i + 1)
		}, []pair{{0, n - 1}}},
		"large ones": {func(i int) uint64 {
			if i == 5 || i == rowsPerChunk || i == rowsPerChunk+1 {
				return 1<<64 - 1
			}
			return uint64(i)
		}, []pair{{5, rowsPerChunk}, {5, rowsPerChunk + 1}}},
		"the same wallet": {func(i int) uint64 { return uint64(i % (n - 3)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, rows := NewList(), someRows(t, n, false)
			for i := range n {
				e := rows.At(i)
				if name == "the same wallet" {
					e = rows.At(i % (n - 3))
				}
				e.Index = c.index(i)
				if err := list.AppendIndexed(e); err != nil {
					t.Fatal(err)
				}
			}
			for place, long := range map[string]*ExternalList{"in memory": externalList(t, list, Options{Memory: 1 << 30}), "on disk": externalList(t, list, Options{})} {
				var got []pair
				collect := func(first, again int) bool {
					got = append(got, pair{first, again})
					return true
				}
				if err := long.RepeatedIndexes(t.Context(), collect); err != nil || !slices.Equal(got, c.want) {
					t.Errorf("%s: found %v (%v), want %v", place, got, err, c.want)
				}
				calls := 0
				err := long.RepeatedIndexes(t.Context(), func(int, int) bool { calls++; return false })
				if err != nil || calls != min(len(c.want), 1) {
					t.Errorf("%s: it went on %d times (%v)", place, calls, err)
				}
			}
		})
	}
}
