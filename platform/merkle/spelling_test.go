package merkle_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"banyan/platform/merkle"
)

func TestUniswapsIndexesAreTheOrderOfTheSpelling(t *testing.T) {
	for _, n := range []int{1, 2, 60, 70_000} {
		list := madeUp(n)
		rows := make([]int, n)
		texts := make([]string, n)
		for i := range rows {
			rows[i], texts[i] = i, list.At(i).Wallet.String()
		}
		slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(texts[a], texts[b]) })
		if err := list.IndexBySpelling(context.Background(), merkle.Options{}); err != nil {
			t.Fatal(err)
		}
		for k, row := range rows {
			if got := list.At(row).Index; got != uint64(k) {
				t.Fatalf("%s has the index %d, want %d", texts[row], got, k)
			}
		}
		want := build(t, merkle.Uniswap, list, merkle.Options{}).Root()
		if got := rootOnDisk(t, n); got != want {
			t.Fatalf("%d rows have the root %s on disk, %s in memory", n, got, want)
		}
	}
}

// rootOnDisk is the root of the same list with next to no memory.
func rootOnDisk(t *testing.T, n int) merkle.Hash {
	t.Helper()
	list, err := merkle.NewExternalList(merkle.Options{Memory: 1, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	rows := madeUp(n)
	for i := range n {
		if err := list.AppendRows(context.Background(), rows.Row(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.IndexBySpelling(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/a.tree"
	tree, err := merkle.BuildFile(context.Background(), merkle.Uniswap, list, func(merkle.Hash) string { return path })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	return tree.Root()
}
