package service_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/klauspost/compress/zstd"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/testneeds"
)

// zstdRows are the rows of a CSV file of the real data.
func zstdRows(t *testing.T, name string) [][]string {
	t.Helper()
	in, err := zstd.NewReader(bytes.NewReader(testneeds.ReadData(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The airdrop of PoolTogether, from its list with the reasons of each wallet to the
// root that is on mainnet, and again from the manifest on another machine.
func TestTheAirdropOfPoolTogetherIsReproduced(t *testing.T) {
	packed := testneeds.ReadData(t, "pooltogether/pool_claims.csv.zst")
	var published struct{ Root, Total string }
	if err := json.Unmarshal(testneeds.ReadData(t, "pooltogether/root.json"), &published); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rules := written(t, dir, "rules.yaml", `
version: 1
decimals: 18
sources:
  pool: {kind: list, file: pool.csv.zst, values: {amount: 0}}
allocation:
  - {name: retroactive, each: 0.000000000000000001, times: [{value: pool}]}
`)
	written(t, dir, "pool.csv.zst", string(packed))
	manifest, reasons := filepath.Join(dir, "manifest.json"), filepath.Join(dir, "reasons.csv")
	var a offline.Allocated
	commandJSON(t, &a, "allocate", rules, "--format", "uniswap", "--manifest", manifest, "--reasons", reasons)
	if a.Root.String() != published.Root || a.Preview.Total.Dec() != published.Total || a.Preview.Count != 17_072 {
		t.Errorf("the root is %s of %d wallets and %s, want %s of 17072 and %s", a.Root, a.Preview.Count, a.Preview.Total.Dec(), published.Root, published.Total)
	}
	text, err := os.ReadFile(reasons)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range zstdRows(t, "pooltogether/pool_claims.csv.zst")[1:5] {
		if !strings.Contains(string(text), row[1]+","+row[2]+",") || !strings.Contains(string(text), "pool says "+row[3]) {
			t.Errorf("%s has no reason %s", row[1], row[3])
		}
	}

	elsewhere := t.TempDir()
	moved := written(t, elsewhere, "m.json", readText(t, manifest))
	if _, err := command(t, "", "reproduce", moved); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "pool.csv.zst") {
		t.Errorf("without the input: %v", err)
	}
	written(t, elsewhere, "renamed.bin", string(packed))
	var again offline.Allocated
	commandJSON(t, &again, "reproduce", moved)
	if again.Root != a.Root {
		t.Errorf("reproduced as %s, want %s", again.Root, a.Root)
	}
	forged := written(t, elsewhere, "forged.json", strings.Replace(readText(t, manifest), published.Root, "0x"+strings.Repeat("11", 32), 1))
	if _, err := command(t, "", "reproduce", forged); !fault.Is(err, fault.Conflict) {
		t.Errorf("another root: %v", err)
	}
	var why offline.Why
	commandJSON(t, &why, "why", moved, "0x0006e4548AED4502ec8c844567840Ce6eF1013f5")
	if why.Amount != "321908588000000000000" || !strings.Contains(why.Reason, "pool says V2_USDC") {
		t.Errorf("why: %+v", why)
	}
	commandJSON(t, &why, "why", rules, "0x0000000000000000000000000000000000000001")
	if why.Amount != "0" || !strings.Contains(why.Reason, "in none of the lists") {
		t.Errorf("why not: %+v", why)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// All 28 rounds that Threshold published: each root, and every proof.
func TestTheRoundsOfThresholdAreBuilt(t *testing.T) {
	byDate := map[string]*strings.Builder{}
	wallets := map[string]int{}
	for _, row := range zstdRows(t, "threshold/rounds.csv.zst")[1:] {
		if byDate[row[0]] == nil {
			byDate[row[0]] = &strings.Builder{}
			byDate[row[0]].WriteString("account,beneficiary,cumulative\n")
		}
		byDate[row[0]].WriteString(strings.Join(row[1:], ",") + "\n")
		wallets[row[0]]++
	}
	roots, err := csv.NewReader(bytes.NewReader(testneeds.ReadData(t, "threshold/roots.csv"))).ReadAll()
	if err != nil || len(roots) != 29 {
		t.Fatal(len(roots), err)
	}
	for _, round := range roots[1:] {
		builds(t, byDate[round[0]].String(), "address account,address beneficiary,uint256 cumulative", round[1], wallets[round[0]])
	}
}

// builds builds the tree of a list of packed leaves, and checks its root and the proof
// of every row.
func builds(t *testing.T, list, leaf, root string, rows int) {
	t.Helper()
	dir := t.TempDir()
	in, tree := written(t, dir, "list.csv", list), filepath.Join(dir, "f.tree")
	var built offline.Built
	commandJSON(t, &built, "build", "--in", in, "--leaf", leaf, "--encoding", "packed", "--hash", "1", "--tree", "promoted", "--leaves", "sorted", "--pairs", "sorted", "--out", tree)
	if built.Root.String() != root || built.Count != rows {
		t.Fatalf("the root is %s of %d rows, want %s of %d", built.Root, built.Count, root, rows)
	}
	opened, err := merkle.Open(tree)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.Close() }() // only read
	proved := 0
	err = opened.Proofs(t.Context(), func(position int, _ merkle.Entry, proof []merkle.Hash) error {
		node, err := opened.Leaf(position)
		for _, sibling := range proof { // as a contract does
			low, high := node, sibling
			if bytes.Compare(low[:], high[:]) > 0 {
				low, high = high, low
			}
			node = merkle.Hash(crypto.Keccak256(low[:], high[:]))
		}
		if proved++; node.String() != root {
			t.Fatalf("the proof of row %d leads to %s", position, node)
		}
		return err
	})
	if err != nil || proved != rows {
		t.Fatalf("%d proofs of %d rows: %v", proved, rows, err)
	}
}

// Sources that a server reads from a chain need their files here: without one it is said
// which chain, and where the file is; with it the same root comes out, here and again from
// the manifest, and no chain is asked.
func TestSourcesOfAChainNeedTheirFilesOffline(t *testing.T) {
	dir := t.TempDir()
	for kind, more := range map[string]string{
		"holders":  "decimals: 18, token: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"",
		"averages": "decimals: 18, token: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\", from: 5",
		"callers":  "to: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\", from: 5",
	} {
		rules := written(t, dir, kind+".yaml", "version: 1\ndecimals: 18\nsources:\n  people: {kind: "+kind+", chain: 137, block: 9, "+more+"}\neligible: people\nallocation:\n  - {name: all, to: people, each: 5}\n")
		_, err := command(t, "", "allocate", rules)
		if !fault.IsUsage(err) {
			t.Fatalf("%s without a file: %v", kind, err)
		}
		for _, said := range []string{"the source people (line 4 of the rules)", "chain 137", "--input people=FILE", "chain.nodes", "download"} {
			if !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %q does not say %q", kind, err, said)
			}
		}
		inputs := filepath.Join(dir, kind)
		if err := os.Mkdir(inputs, 0o700); err != nil {
			t.Fatal(err)
		}
		header := map[string]string{"holders": "balance", "averages": "average", "callers": "calls"}[kind]
		file := written(t, inputs, "people.csv", "address,"+header+"\n"+numbered(1).String()+",3\n"+numbered(2).String()+",4\n")
		manifest := filepath.Join(dir, kind+".json")
		var made, again offline.Allocated
		commandJSON(t, &made, "allocate", rules, "--input", "people="+file, "--manifest", manifest)
		if made.Preview.Count != 2 {
			t.Errorf("%s: %+v", kind, made.Preview)
		}
		if _, err := command(t, "", "reproduce", manifest); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "--inputs") {
			t.Errorf("%s without its inputs: %v", kind, err)
		}
		commandJSON(t, &again, "reproduce", manifest, "--inputs", inputs)
		if again.Root != made.Root {
			t.Errorf("%s: the root %s became %s", kind, made.Root, again.Root)
		}
	}
}
