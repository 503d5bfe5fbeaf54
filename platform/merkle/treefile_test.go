package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// someRows returns a list in which some wallets share their first bytes.
func someRows(t testing.TB, n int, indexed bool) *List {
	t.Helper()
	list := NewList()
	for i := range n {
		hash := LeafHash(Cumulative, Entry{Index: 1, Amount: *uint256.NewInt(uint64(i))})
		who := wallet.Address(hash[:20])
		if i%7 == 0 {
			clear(who[:9])
		}
		e := Entry{Index: uint64(i), Wallet: who, Amount: *uint256.NewInt(uint64(1000 + i))}
		if indexed {
			e.Index = uint64(5 * i)
		}
		if err := list.AppendIndexed(e); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func buildFile(t testing.TB, format Format, list *List) (*Tree, string) {
	t.Helper()
	return buildFileWith(t, format, list, Options{})
}

func buildFileWith(t testing.TB, format Format, list *List, options Options) (*Tree, string) {
	t.Helper()
	tree, err := Build(context.Background(), format, list, options)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "some.tree")
	if err := tree.WriteFile(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	return tree, path
}

// sameAnswers compares the results of a file with those of the built tree. It
// returns the first error of the file, which must be a fault, or fails the test
// on any wrong result.
func sameAnswers(t *testing.T, file, built *Tree) error {
	t.Helper()
	if file.Root() != built.Root() || file.Count() != built.Count() || file.Total() != built.Total() || file.Format() != built.Format() {
		t.Fatalf("the file has another tree: %s with %d rows", file.Root(), file.Count())
	}
	var failure error
	keep := func(err error) bool {
		if err != nil && failure == nil {
			failure = err
		}
		return err != nil
	}
	for i := range built.Count() {
		file.ReadAhead(built.Count()-i, func(k int) *wallet.Address { // must not fail on damaged data
			next, _ := built.At(i + k)
			return &next.Wallet
		})
		want, _ := built.At(i)
		wantProof, _ := built.Proof(i)
		wantAt, _, _ := built.Find(want.Wallet)
		if got, err := file.At(i); !keep(err) && got != want {
			t.Fatalf("row %d is %v, want %v", i, got, want)
		}
		if at, found, err := file.Find(want.Wallet); !keep(err) && (!found || at != wantAt) {
			t.Fatalf("row %d's wallet is found at %d (%v)", i, at, found)
		}
		foreign := want.Wallet
		foreign[19] ^= 0x55
		if at, found, err := file.Find(foreign); !keep(err) && found {
			t.Fatalf("a foreign wallet is found at %d", at)
		}
		proof, err := file.Proof(i)
		if !keep(err) && !equalProofs(proof, wantProof) {
			t.Fatalf("row %d's proof is wrong", i)
		}
		leaf, err := file.Leaf(i)
		if !keep(err) && leaf != LeafHash(built.Format(), want) {
			t.Fatalf("row %d's leaf is wrong", i)
		}
		both, climbed, err := file.Prove([]Hash{{1}}, i)
		if !keep(err) && (both != leaf || climbed[0] != Hash{1} || !equalProofs(climbed[1:], wantProof)) {
			t.Fatalf("row %d's leaf and proof differ between Prove and the single calls", i)
		}
	}
	return failure
}

func equalProofs(a, b []Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTreeFilesAnswerAsTheTreeDoes(t *testing.T) {
	for _, format := range Formats() {
		for _, n := range []int{1, 2, 3, 17, 256, 3000} {
			for _, indexed := range []bool{false, true} {
				built, path := buildFile(t, format, someRows(t, n, indexed))
				for _, whole := range []int{0, wholeCheck} {
					file, err := openFile(path, whole)
					if err != nil {
						t.Fatal(err)
					}
					if err := sameAnswers(t, file, built); err != nil {
						t.Fatalf("%s of %d: %v", format, n, err)
					}
					if err := file.Check(context.Background(), Options{}); err != nil {
						t.Fatalf("%s of %d: %v", format, n, err)
					}
					if err := file.Close(); err != nil {
						t.Fatal(err)
					}
					if _, err := file.At(0); !fault.Is(err, fault.Unavailable) {
						t.Fatalf("a closed tree answers: %v", err)
					}
				}
			}
		}
	}
}

func TestManyRowsCrossChunksAndPieces(t *testing.T) {
	list := someRows(t, 2*rowsPerChunk+77, false)
	_, path := buildFile(t, Uniswap, list)
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Check(context.Background(), Options{}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < list.Len(); i += 997 {
				e, err := file.At(i)
				proof, proofErr := file.Proof(i)
				at, found, findErr := file.Find(e.Wallet)
				if errors.Join(err, proofErr, findErr) != nil || e != list.At(i) || !found || at != i || !Verify(Uniswap, file.Root(), e, proof) {
					t.Errorf("row %d: %v at %d", i, e, at)
				}
			}
		})
	}
	all.Wait()
}

// Whatever byte of a file changes, no result may be wrong: opening it or the
// look-up that needs the byte fails, and Check always does.
func TestEveryByteFlipped(t *testing.T) {
	for _, format := range []Format{OZ, ENS} {
		built, path := buildFile(t, format, someRows(t, 4, true))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range good {
			bad := bytes.Clone(good)
			bad[at] ^= 1 << (at % 8)
			m := &inFile{data: bad}
			file, err := m.open()
			if err != nil {
				mustBeRefusal(t, at, err)
				continue
			}
			if err := sameAnswers(t, file, built); err != nil {
				mustBeRefusal(t, at, err)
			}
			mustBeRefusal(t, at, file.Check(context.Background(), Options{}))
		}
	}
}

func mustBeRefusal(t *testing.T, at int, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unsupported) {
		t.Fatalf("byte %d: %v", at, err)
	}
}

func TestEveryTruncation(t *testing.T) {
	_, path := buildFile(t, Uniswap, someRows(t, 3, false))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range good {
		if _, err := (&inFile{data: good[:size:size]}).open(); !fault.Is(err, fault.Invalid) {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
	}
	for _, file := range [][]byte{nil, append(bytes.Clone(good), 0), good[:len(good)-1]} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%d bytes of %d: %v", len(file), len(good), err)
		}
	}
}

func TestSmallFilesAreCheckedWhenOpened(t *testing.T) {
	_, path := buildFile(t, OZ, someRows(t, 300, false))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[2*blockSize+5] ^= 4
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	if file, err := openFile(path, 0); err != nil {
		t.Fatal(err)
	} else {
		defer file.Close()
	}
}

// FuzzTreeFile reads forged files with correct checksums: the reader must
// neither panic nor report them as valid.
func FuzzTreeFile(f *testing.F) {
	var files [][]byte
	for i, format := range Formats() {
		_, path := buildFile(f, format, someRows(f, 20+i, i%2 == 0))
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, data)
		f.Add(uint8(i), uint32(blockSize+3), []byte{9, 8, 7})
		f.Add(uint8(i), uint32(2*blockSize+1), []byte{255, 255, 255, 255})
		f.Add(uint8(i), uint32(32), []byte{0, 0, 0, 0, 0, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, patch []byte) {
		good := files[int(which)%len(files)]
		data := bytes.Clone(good)
		copy(data[int(at)%len(data):], patch)
		forgeSums(data)
		tree, err := (&inFile{data: data}).open()
		if err != nil {
			return
		}
		for i := range min(tree.Count(), 1000) {
			e, _ := tree.At(i)
			_, _ = tree.Proof(i)
			_, _ = tree.Leaf(i)
			_, _, _ = tree.Find(e.Wallet)
		}
		if tree.Count() < 100_000 && tree.Check(context.Background(), Options{}) == nil && !bytes.Equal(good, data) && ProcessProof(leafAndProof(t, tree)) != tree.Root() {
			t.Fatal("a forged file passes the check with a proof that does not verify")
		}
	})
}

func leafAndProof(t *testing.T, tree *Tree) (Hash, []Hash) {
	t.Helper()
	leaf, err := tree.Leaf(0)
	proof, proofErr := tree.Proof(0)
	if errors.Join(err, proofErr) != nil {
		t.Fatal(err, proofErr)
	}
	return leaf, proof
}

// forgeSums corrects the checksums of a changed file.
func forgeSums(data []byte) {
	if len(data) < blockSize {
		return
	}
	binary.LittleEndian.PutUint32(data[headerChecksum:], checksum(data[:headerChecksum]))
	h, err := decodeHeader(data[:blockSize])
	if err != nil {
		return
	}
	extents, size := h.extents()
	if int64(len(data)) != size {
		return
	}
	sums := data[extents[partSums].start:]
	for b := range len(sums) / 4 {
		block := data[(b+1)*blockSize : (b+2)*blockSize]
		binary.LittleEndian.PutUint32(sums[b*4:], checksum(block))
	}
	h.sums = checksum(sums)
	copy(data, h.encode())
}

func TestWriteFileLeavesAllOrNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "one.tree")
	old, err := Build(context.Background(), OZ, someRows(t, 5, false), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.WriteFile(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	reader, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	next, err := Build(context.Background(), OZ, someRows(t, 6, false), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	leave()
	if err := next.WriteFile(ctx, path); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	onlyFile(t, folder, path, old.Root())
	if err := next.WriteFile(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, folder, path, next.Root())
	if err := sameAnswers(t, reader, old); err != nil { // a tree of the old file keeps it
		t.Fatal(err)
	}
	if err := next.WriteFile(context.Background(), filepath.Join(folder, "absent", "x.tree")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	if _, err := Open(filepath.Join(folder, "absent.tree")); !fault.Is(err, fault.NotFound) {
		t.Fatalf("got %v", err)
	}
}

func onlyFile(t *testing.T, folder, path string, root Hash) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the folder holds %v, %v", entries, err)
	}
	tree, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if tree.Root() != root {
		t.Fatalf("the file's root is %s, want %s", tree.Root(), root)
	}
}
