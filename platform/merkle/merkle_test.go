package merkle_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/holiman/uint256"
	"github.com/klauspost/compress/zstd"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// readList reads a published CSV by its header, as simply as possible.
func readList(t testing.TB, path string) *merkle.List {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var in io.Reader = file
	if filepath.Ext(path) == ".zst" {
		decoder, err := zstd.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer decoder.Close()
		in = decoder
	}
	records, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range records[0] {
		column[name] = i
	}
	list := merkle.NewList()
	for position, record := range records[1:] {
		e := merkle.Entry{Index: uint64(position), Wallet: wallet.MustParse(record[column["address"]])}
		e.Amount = *uint256.MustFromDecimal(record[column["amount"]])
		if i, indexed := column["index"]; indexed {
			if e.Index, err = strconv.ParseUint(record[i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		if err := list.AppendIndexed(e); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func build(t testing.TB, format merkle.Format, list *merkle.List, options merkle.Options) *merkle.Tree {
	t.Helper()
	tree, err := merkle.Build(context.Background(), format, list, options)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checkProofs asserts that every row's proof leads to the root, and that
// neither another amount nor another wallet's proof does.
func checkProofs(t *testing.T, tree *merkle.Tree) {
	t.Helper()
	for i := range tree.Count() {
		e, err := tree.At(i)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := tree.Proof(i)
		if err != nil {
			t.Fatal(err)
		}
		if proof == nil || !merkle.Verify(tree.Format(), tree.Root(), e, proof) { // nil would be null in JSON
			t.Fatalf("%s: row %d's proof does not lead to the root", tree.Format(), i)
		}
		richer := e
		richer.Amount.AddUint64(&e.Amount, 1)
		if merkle.Verify(tree.Format(), tree.Root(), richer, proof) {
			t.Fatalf("%s: row %d's proof verifies with another amount", tree.Format(), i)
		}
		leaf, err := tree.Leaf(i)
		if err != nil {
			t.Fatal(err)
		}
		if leaf != merkle.LeafHash(tree.Format(), e) {
			t.Fatalf("%s: row %d's leaf is %s", tree.Format(), i, leaf)
		}
	}
}

func TestAgreesWithOpenZeppelinsPackage(t *testing.T) {
	text, err := os.ReadFile(testneeds.Data(t, "oz/oz_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		N       int         `json:"n"`
		Total   string      `json:"total"`
		Root    merkle.Hash `json:"root_address_amount"`
		Indexed merkle.Hash `json:"root_index_address_amount"`
		Proofs  []struct {
			Index        int            `json:"index"`
			Address      wallet.Address `json:"address"`
			Proof        []merkle.Hash  `json:"proof"`
			ProofIndexed []merkle.Hash  `json:"proof_indexed"`
		} `json:"proofs"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		list := readList(t, testneeds.Data(t, "oz/oz_"+strconv.Itoa(v.N)+".csv"))
		plain := build(t, merkle.OZ, list, merkle.Options{})
		indexed := build(t, merkle.OZIndexed, list, merkle.Options{})
		total := plain.Total()
		if plain.Root() != v.Root || indexed.Root() != v.Indexed || total.Dec() != v.Total || plain.Count() != v.N {
			t.Fatalf("n=%d: roots %s and %s, total %s", v.N, plain.Root(), indexed.Root(), total.Dec())
		}
		for _, p := range v.Proofs {
			at, found, err := plain.Find(p.Address)
			if err != nil || !found || at != p.Index {
				t.Fatalf("n=%d: %s found at %d (%v, %v), want %d", v.N, p.Address, at, found, err, p.Index)
			}
			sameProof(t, plain, p.Index, p.Proof)
			sameProof(t, indexed, p.Index, p.ProofIndexed)
		}
		checkProofs(t, plain)
		checkProofs(t, indexed)
	}
}

func sameProof(t *testing.T, tree *merkle.Tree, i int, want []merkle.Hash) {
	t.Helper()
	got, err := tree.Proof(i)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s of %d, row %d: proof of %d nodes, want %d", tree.Format(), tree.Count(), i, len(got), len(want))
	}
	for k := range want {
		if got[k] != want[k] {
			t.Fatalf("%s of %d, row %d: node %d of the proof is %s, want %s", tree.Format(), tree.Count(), i, k, got[k], want[k])
		}
	}
}

func TestAgreesWithTheUniswapAirdrop(t *testing.T) {
	list := readList(t, testneeds.Data(t, "uni/uni_claims.csv.zst"))
	tree := build(t, merkle.Uniswap, list, merkle.Options{})
	total := tree.Total()
	const root = "0xc8500f8e2fcf3c9a32880e1b973fb28acc88be35787a8abcf9981b2b65dbdeb5"
	if tree.Root().String() != root || tree.Count() != 252_803 || total.Dec() != "149999999975656000000000000" {
		t.Fatalf("root %s, %d rows, total %s", tree.Root(), tree.Count(), total.Dec())
	}
	for i := 0; i < tree.Count(); i += 1009 {
		e, _ := tree.At(i)
		proof, err := tree.Proof(i)
		if err != nil || !merkle.Verify(merkle.Uniswap, tree.Root(), e, proof) {
			t.Fatalf("row %d: %v", i, err)
		}
		if at, found, err := tree.Find(e.Wallet); err != nil || !found || at != i {
			t.Fatalf("%s found at %d (%v, %v), want %d", e.Wallet, at, found, err, i)
		}
	}
}

func TestAgreesWithTheSecondENSAirdrop(t *testing.T) {
	list := readList(t, testneeds.Data(t, "ens/ens_ep2_claims.csv.zst"))
	const root = "0xf4ee7e270b86a22c265f8738c1fa0ebda41ef906f761892025bbebb70fe5e8ea"
	tree := build(t, merkle.ENS, list, merkle.Options{})
	if tree.Root().String() != root || tree.Nybbles() != 1 {
		t.Fatalf("root %s with prefixes of %d digits", tree.Root(), tree.Nybbles())
	}
	checkProofs(t, tree)
	finer := build(t, merkle.ENS, list, merkle.Options{Nybbles: 2})
	if finer.Root() == tree.Root() {
		t.Fatal("256 shards and 16 shards have the same root")
	}
	checkProofs(t, finer)
}

func TestRefusesAnEmptyList(t *testing.T) {
	for _, format := range merkle.Formats() {
		_, err := merkle.Build(context.Background(), format, merkle.NewList(), merkle.Options{})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestStopsWhenTheCallerLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	leave()
	if _, err := merkle.Build(ctx, merkle.OZ, madeUp(10), merkle.Options{}); !fault.Is(err, fault.Canceled) {
		t.Fatalf("got %v", err)
	}
}
