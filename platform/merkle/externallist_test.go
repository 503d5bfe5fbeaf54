package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/holiman/uint256"
	"golang.org/x/sync/errgroup"

	"banyan/platform/fault"
)

// externalList adds rows in pieces to a list that has at most one chunk of them
// in memory.
func externalList(t testing.TB, list *List, options Options) *ExternalList {
	t.Helper()
	if options.Memory == 0 {
		options.Memory = 1
	}
	options.Folder = t.TempDir()
	long, err := NewExternalList(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := long.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(options.Folder); err != nil || len(left) != 0 {
			t.Errorf("%v is left behind (%v)", left, err)
		}
	})
	const piece = 10_007
	for first := 0; first < list.Len(); first += piece {
		var rows []byte
		var indexes []uint64
		for i := first; i < min(first+piece, list.Len()); i++ {
			rows = append(rows, list.row(i)...)
			if list.Indexed() {
				indexes = append(indexes, list.index(i))
			}
		}
		if err := long.AppendRows(context.Background(), rows, indexes); err != nil {
			t.Fatal(err)
		}
	}
	return long
}

// withRepeats returns a list with some rows repeated far from the first time,
// some of them often and with the same index and amount.
func withRepeats(t testing.TB, n int, indexed bool) *List {
	t.Helper()
	once, list := someRows(t, n, indexed), NewList()
	for i := range n {
		e := once.At(i)
		switch i % 1000 {
		case 999:
			e = once.At(i / 2)
		case 500:
			e = once.At(3)
		case 501:
			e.Wallet = once.At(7).Wallet
		}
		if !indexed {
			e.Index = uint64(i)
		}
		if err := list.AppendIndexed(e); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func TestAFileBuiltOnDiskIsTheSameByteForByte(t *testing.T) {
	plain := someRows(t, rowsPerChunk+1, false)
	lists := map[string]*List{
		"one row more than fits into memory": plain,
		"repeats":                            withRepeats(t, 2*rowsPerChunk+4321, false),
		"repeats with indexes":               withRepeats(t, 2*rowsPerChunk+4321, true),
		"indexes from the last piece on":     lateIndexes(t),
	}
	for name, list := range lists {
		for _, format := range Formats() {
			t.Run(name+"/"+string(format), func(t *testing.T) {
				t.Parallel()
				for _, nybbles := range map[bool][]int{true: {1, 2}, false: {0}}[format == ENS] {
					_, want := buildFileWith(t, format, list, Options{Nybbles: nybbles})
					long := externalList(t, list, Options{Nybbles: nybbles})
					if long.InMemory() != nil || long.Len() != list.Len() || long.Total() != list.Total() || long.Indexed() != list.Indexed() {
						t.Fatalf("the list on disk has %d rows, %v", long.Len(), long.Indexed())
					}
					sameFiles(t, fileOf(t, format, long), want)
				}
			})
		}
	}
}

// lateIndexes returns a list whose first indexes are positions, and later ones
// are not.
func lateIndexes(t testing.TB) *List {
	t.Helper()
	list := someRows(t, 2*rowsPerChunk, false)
	more := someRows(t, 5, true)
	for i := range more.Len() {
		e := more.At(i)
		e.Wallet[0] ^= 0xff
		if err := list.AppendIndexed(e); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// fileOf builds the tree file of a list whose rows are on disk.
func fileOf(t testing.TB, format Format, long *ExternalList) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "on-disk.tree")
	tree, err := BuildFile(t.Context(), format, long, func(Hash) string { return path })
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func sameFiles(t *testing.T, got, want string) {
	t.Helper()
	a, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		t.Fatalf("the files have %d and %d bytes and differ from byte %d on", len(a), len(b), at)
	}
}

func TestRepeatedWalletsAreFoundAndMergedOnDiskAsInMemory(t *testing.T) {
	type pair struct{ first, again int }
	for _, indexed := range []bool{false, true} {
		list := withRepeats(t, 2*rowsPerChunk+4321, indexed)
		var want, got []pair
		for first, again := range list.Duplicates() {
			want = append(want, pair{first, again})
		}
		err := externalList(t, list, Options{}).Duplicates(t.Context(), func(first, again int) bool {
			got = append(got, pair{first, again})
			return true
		})
		if err != nil || !slices.Equal(got, want) || len(want) < 100 {
			t.Fatalf("%d repeats are found on disk, and %d in memory (%v)", len(got), len(want), err)
		}
		for _, sum := range []bool{false, true} {
			merged, err := list.merged(sum)
			if err != nil {
				t.Fatal(err)
			}
			long := externalList(t, list, Options{})
			if err := long.Merge(t.Context(), sum); err != nil {
				t.Fatal(err)
			}
			if long.Len() != merged.Len() || long.Total() != merged.Total() {
				t.Fatalf("%d rows are left of %d, want %d", long.Len(), list.Len(), merged.Len())
			}
			_, wanted := buildFile(t, Uniswap, merged)
			sameFiles(t, fileOf(t, Uniswap, long), wanted)
		}
	}
}

func TestMergingCanBringAListBackIntoMemory(t *testing.T) {
	list := NewList()
	few := someRows(t, 100, false)
	for i := range rowsPerChunk + 100 {
		if err := list.Append(few.At(i%100).Wallet, *uint256.NewInt(uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	long := externalList(t, list, Options{})
	if long.InMemory() != nil {
		t.Fatal("the list should begin on disk")
	}
	if err := long.Merge(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	rows := long.InMemory()
	if rows == nil || rows.Len() != 100 || rows.Total() != list.Total() {
		t.Fatalf("%d rows are left", long.Len())
	}
}

func TestAListOnDiskRefusesASumThatNoTokenCanPay(t *testing.T) {
	long := externalList(t, someRows(t, rowsPerChunk+10, false), Options{})
	row := Entry{Amount: *new(uint256.Int).SetAllOne()}.AppendRow(nil)
	if err := long.AppendRows(t.Context(), row, nil); !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
}

func TestATreeTooLargeForMemoryIsCheckedOnDisk(t *testing.T) {
	for _, format := range []Format{OZ, Uniswap} {
		_, path := buildFile(t, format, someRows(t, rowsPerChunk+5, format == Uniswap))
		options := Options{Memory: 1, Folder: t.TempDir()}
		check := func() error {
			tree, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			return tree.Check(t.Context(), options)
		}
		if err := check(); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		forge(t, path)
		if err := check(); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%s: a forged node is not detected: %v", format, err)
		}
		if left, err := os.ReadDir(options.Folder); err != nil || len(left) != 0 {
			t.Fatalf("%v is left behind (%v)", left, err)
		}
	}
}

// One process may check several trees, or one tree twice, at a time.
func TestConcurrentChecksOnDiskDoNotInterfere(t *testing.T) {
	list := someRows(t, rowsPerChunk+5, false)
	folder := t.TempDir()
	var checks errgroup.Group
	for _, format := range []Format{OZ, Cumulative, OZ} {
		_, path := buildFile(t, format, list)
		checks.Go(func() error {
			tree, err := Open(path)
			if err != nil {
				return err
			}
			return errors.Join(tree.Check(t.Context(), Options{Memory: 1, Folder: folder}), tree.Close())
		})
	}
	if err := checks.Wait(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Fatalf("%v is left behind (%v)", left, err)
	}
}

// forge changes a node in the middle, and corrects the checksums.
func forge(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := decodeHeader(data[:blockSize])
	if err != nil {
		t.Fatal(err)
	}
	extents, _ := h.extents()
	nodes, sums := extents[partNodes], extents[partSums]
	at := nodes.start + nodes.length/2
	data[at] ^= 1
	block := at / blockSize
	binary.LittleEndian.PutUint32(data[sums.start+(block-1)*4:], checksum(data[block*blockSize:(block+1)*blockSize]))
	h.sums = checksum(data[sums.start:])
	copy(data, h.encode())
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAbandonedListsLeaveNothingOnDisk(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := t.TempDir()
	options := Options{}
	options.Progress = func(stage string, done, total int64) {
		if stage == "building" && done > total/2 {
			cancel()
		}
	}
	long := externalList(t, someRows(t, 2*rowsPerChunk, false), options)
	_, err := BuildFile(ctx, OZ, long, func(Hash) string { return filepath.Join(out, "some.tree") })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 0 {
		t.Fatalf("%v is left behind (%v)", left, err)
	}
}

func TestProgressOfEachStageRisesToItsEnd(t *testing.T) {
	var stages []string
	last := map[string]int64{}
	options := Options{Workers: 3}
	options.Progress = func(stage string, done, total int64) {
		if len(stages) == 0 || stages[len(stages)-1] != stage {
			stages = append(stages, stage)
		}
		if done < last[stage] || done > total {
			t.Errorf("%s: %d of %d after %d", stage, done, total, last[stage])
		}
		last[stage] = done
	}
	n := 2*rowsPerChunk + 77
	fileOf(t, Cumulative, externalList(t, someRows(t, n, false), options))
	if want := []string{"sorting", "building", "writing"}; !slices.Equal(stages, want) {
		t.Errorf("the stages are %v, want %v", stages, want)
	}
	if last["sorting"] != int64(n) || last["building"] < int64(n) || last["writing"] == 0 {
		t.Errorf("the stages end at %v", last)
	}
}

func TestAFullDiskReportsWhatToDo(t *testing.T) {
	for _, reason := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		full := &fs.PathError{Op: "write", Path: "x", Err: reason}
		if err := explainFullDisk(fmt.Errorf("sort: %w", full)); !fault.Is(err, fault.Unavailable) || !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	}
	if err := explainFullDisk(fs.ErrClosed); !errors.Is(err, fs.ErrClosed) || fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestRunsMergeInOrder(t *testing.T) {
	r := rand.New(rand.NewChaCha8([32]byte{7}))
	for _, runs := range []int{0, 1, 2, 9} {
		for _, size := range []int{8, 37} {
			sorted, err := newSortedRuns(t.TempDir(), size)
			if err != nil {
				t.Fatal(err)
			}
			var want [][]byte
			for range runs {
				records := make([]byte, r.IntN(2*recordsAtOnce)*size)
				for i := range records {
					records[i] = byte(r.IntN(2)) // hence many that are nearly or exactly the same
				}
				for i := 0; i < len(records); i += size {
					want = append(want, records[i:i+size])
				}
				if err := sorted.addUnsorted(t.Context(), 2, records); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortFunc(want, bytes.Compare)
			err = sorted.merge(t.Context(), 1, func(records []byte) error {
				for ; len(records) > 0; records = records[size:] {
					if !bytes.Equal(records[:size], want[0]) {
						return fmt.Errorf("%x instead of %x", records[:size], want[0])
					}
					want = want[1:]
				}
				return nil
			})
			if err != nil || len(want) != 0 {
				t.Errorf("%d runs of %d bytes: %v, %d records are missing", runs, size, err, len(want))
			}
			if err := sorted.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
