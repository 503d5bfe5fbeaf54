package merkle_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/testenv/testneeds"
)

// Every proof of the UNI airdrop as it was published, as one digest of all.
func TestEveryProofOfTheUniswapAirdrop(t *testing.T) {
	tree := build(t, merkle.Uniswap, readList(t, testneeds.Data(t, "uni/uni_claims.csv.zst")), merkle.Options{})
	sum := sha256.New()
	out := bufio.NewWriterSize(sum, 1<<20)
	next := uint64(0)
	err := tree.Proofs(context.Background(), func(_ int, e merkle.Entry, proof []merkle.Hash) error {
		if e.Index != next {
			t.Fatalf("index %d comes where %d should", e.Index, next)
		}
		next++
		amount := strings.TrimPrefix(e.Amount.Hex(), "0x")
		if len(amount)%2 == 1 {
			amount = "0" + amount
		}
		line := fmt.Appendf(nil, `{"index":%d,"address":"0x%x","amount":"0x%s","proof":[`, e.Index, e.Wallet[:], amount)
		for i, node := range proof {
			if i > 0 {
				line = append(line, ',')
			}
			line = append(line, '"')
			line, _ = node.AppendText(line)
			line = append(line, '"')
		}
		_, err := out.Write(append(line, "]}\n"...))
		return err
	})
	if err != nil || out.Flush() != nil {
		t.Fatal(err)
	}
	const want = "314a2562852b6af8ee0f9fca65d88c3126e00e5536a23d011c9ff8ffdc081aa0"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want || next != 252_803 {
		t.Fatalf("%d proofs with the digest %s", next, got)
	}
}

func TestManyProofsAtOnceAreVerifiedAsOneByOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, format := range merkle.Formats() {
		tree := build(t, format, madeUp(3000), merkle.Options{})
		claims := make([]merkle.Claimed, tree.Count())
		for i := range claims {
			e, _ := tree.At(i)
			proof, _ := tree.Proof(i)
			switch random.IntN(6) {
			case 0: // a foreign amount
				e.Amount.AddUint64(&e.Amount, 1)
			case 1: // a node changed
				proof[random.IntN(len(proof))][random.IntN(32)] ^= 1
			case 2: // cut or empty
				proof = proof[:random.IntN(len(proof))]
			case 3: // too long
				proof = append(proof, merkle.Hash{1})
			}
			claims[i] = merkle.Claimed{Entry: e, Proof: proof}
		}
		for _, engine := range keccak.Engines() {
			ok, err := merkle.VerifyMany(context.Background(), format, tree.Root(), claims, merkle.Options{Engine: engine, Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			right := 0
			for i, claim := range claims {
				if want := merkle.Verify(format, tree.Root(), claim.Entry, claim.Proof); ok[i] != want {
					t.Fatalf("%s by %s: claim %d is %v, want %v", format, engine.Name(), i, ok[i], want)
				}
				if ok[i] {
					right++
				}
			}
			if right < 500 || right > 1500 {
				t.Fatalf("%d of %d claims verify: the test proves little", right, len(claims))
			}
		}
	}
}

func TestMultiproofsLeadToTheRoot(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 5, 8, 33, 100} {
		tree := build(t, merkle.OZ, madeUp(n), merkle.Options{})
		for range 50 {
			rows := random.Perm(n)[:random.IntN(n+1)]
			m, err := tree.Multiproof(rows)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Verify(tree.Root()) || len(m.Leaves) != len(rows) {
				t.Fatalf("%d rows of %d: %+v", len(rows), n, m)
			}
			for i, row := range m.Rows {
				if leaf, _ := tree.Leaf(row); leaf != m.Leaves[i] || !slices.Contains(rows, row) {
					t.Fatalf("leaf %d is not row %d's", i, row)
				}
			}
			spoiled(t, tree.Root(), m)
		}
	}
}

// spoiled asserts that a multiproof with any part changed does not verify.
func spoiled(t *testing.T, root merkle.Hash, m merkle.Multiproof) {
	t.Helper()
	for i := range m.Leaves {
		bad := m
		bad.Leaves = slices.Clone(m.Leaves)
		bad.Leaves[i][5] ^= 1
		if bad.Verify(root) {
			t.Fatalf("leaf %d may be anything", i)
		}
	}
	for i := range m.Proof {
		bad := m
		bad.Proof = slices.Clone(m.Proof)
		bad.Proof[i][5] ^= 1
		if bad.Verify(root) {
			t.Fatalf("node %d may be anything", i)
		}
	}
	for i := range m.Flags {
		bad := m
		bad.Flags = slices.Delete(slices.Clone(m.Flags), i, i+1)
		if bad.Verify(root) {
			t.Fatalf("flag %d may be left out", i)
		}
	}
}

// The multiproof that @openzeppelin/merkle-tree makes of a tree of five: by
// hand, from its algorithm, for rows whose leaves are nodes 8 and 5.
func TestMultiproofTakesNodesInOpenZeppelinsOrder(t *testing.T) {
	tree := build(t, merkle.OZ, madeUp(5), merkle.Options{})
	byPlace := map[int]int{}
	for row := range 5 {
		place, err := tree.Place(row)
		if err != nil {
			t.Fatal(err)
		}
		byPlace[place] = row
	}
	m, err := tree.Multiproof([]int{byPlace[5], byPlace[8]})
	if err != nil {
		t.Fatal(err)
	}
	// 8 with 7, 5 with 6, then 3 with 4, and at last 2 with 1.
	wantProof := []int{7, 6, 4}
	wantFlags := []bool{false, false, false, true}
	if !slices.Equal(m.Rows, []int{byPlace[8], byPlace[5]}) || !slices.Equal(m.Flags, wantFlags) || len(m.Proof) != len(wantProof) {
		t.Fatalf("got %+v", m)
	}
	for i, place := range wantProof {
		if node, _ := tree.Node(place); node != m.Proof[i] {
			t.Fatalf("node %d of the proof is not number %d", i, place)
		}
	}
}

func TestMultiproofRefusesWhatNoContractAccepts(t *testing.T) {
	tree := build(t, merkle.OZ, madeUp(5), merkle.Options{})
	if _, err := tree.Multiproof([]int{1, 2, 1}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a row twice: %v", err)
	}
	if _, err := tree.Multiproof([]int{5}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a row that is not there: %v", err)
	}
	if _, err := build(t, merkle.Uniswap, madeUp(5), merkle.Options{}).Multiproof([]int{1}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("another format: %v", err)
	}
}
