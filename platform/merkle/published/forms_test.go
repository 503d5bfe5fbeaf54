package published_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/merkle/published"
)

// entries writes the claims of a tree as a tool does: one text for each row, with
// its wallet, index, amount and proof as JSON.
func entries(t testing.TB, tree *merkle.Tree, form string) []string {
	t.Helper()
	var all []string
	for i := range tree.Count() {
		e, err := tree.At(i)
		if err != nil {
			t.Fatal(err)
		}
		leaf, proof, err := tree.Prove(nil, i)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := json.Marshal(append([]merkle.Hash{}, proof...))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.NewReplacer(
			"WALLET", e.Wallet.String(), "INDEX", fmt.Sprint(e.Index), "AMOUNT", e.Amount.Dec(), "HEX", e.Amount.Hex(),
			"PROOF", string(nodes), "ROOT", tree.Root().String(), "LEAF", leaf.String(),
		).Replace(form))
	}
	return all
}

func TestReadsTreesAsOtherToolsPublishThem(t *testing.T) {
	oz, indexed, uniswap, cumulative := some(t, merkle.OZ, 7), some(t, merkle.OZIndexed, 7), some(t, merkle.Uniswap, 7), some(t, merkle.Cumulative, 7)
	list := func(tree *merkle.Tree, form string) string {
		return "[" + strings.Join(entries(t, tree, form), ",") + "]"
	}
	byWallet := func(tree *merkle.Tree, form string) string {
		return "{" + strings.Join(entries(t, tree, `"WALLET":`+form), ",") + "}"
	}
	snake := strings.NewReplacer("leafEncoding", "leaf_encoding", "treeIndex", "tree_index", `"format":"standard-v1",`, "").Replace(write(t, indexed))
	inside, err := json.Marshal(snake)
	if err != nil {
		t.Fatal(err)
	}
	total := indexed.Total()
	for name, c := range map[string]struct {
		text string
		tree *merkle.Tree
	}{
		"Sablier's campaign file":        {`{"root":"` + indexed.Root().String() + `","total_amount":"` + total.Dec() + `","number_of_recipients":7,"merkle_tree":` + string(inside) + `,"recipients":[{"address":"0x1","amount":"1"}]}`, indexed},
		"a dump with another total":      {write(t, oz), oz},
		"Uniswap's without a total":      {`{"merkleRoot":"` + uniswap.Root().String() + `","claims":` + byWallet(uniswap, `{"index":INDEX,"amount":"HEX","proof":PROOF}`) + `}`, uniswap},
		"like Uniswap's without indexes": {`{"merkleRoot":"` + cumulative.Root().String() + `","tokenTotal":"0x0","claims":` + byWallet(cumulative, `{"amount":"HEX","proof":PROOF}`) + `}`, nil},
		"UMA's":                          {`{"root":"` + uniswap.Root().String() + `","claims":` + byWallet(uniswap, `{"accountIndex":INDEX,"amount":"AMOUNT","metaData":{"reason":["a"]},"proof":PROOF}`) + `}`, uniswap},
		"a map by wallet":                {byWallet(oz, `{"amount":"AMOUNT","proof":PROOF}`), oz},
		"an array of claims":             {list(oz, `{"address":"WALLET","amount":"AMOUNT","proof":PROOF}`), oz},
		"proofs beside a root":           {`{"root":"` + oz.Root().String() + `","proofs":` + list(oz, `{"value":["WALLET","AMOUNT"],"proof":PROOF}`) + `}`, oz},
		"murky's output":                 {list(oz, `{"inputs":["WALLET","AMOUNT"],"proof":PROOF,"root":"ROOT","leaf":"LEAF"}`), oz},
	} {
		got, err := read(c.text)
		if c.tree == nil {
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "published total") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.Root() != c.tree.Root() || got.Count() != 7 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Rocket Pool's files have a part of the leaf in two, and padded trees.
func TestReadsRocketPoolsRewards(t *testing.T) {
	spec, err := merkle.Choices{Leaf: "address,uint256,uint256,uint256", Encoding: "packed", Hash: "1", Tree: "padded", Leaves: "sorted"}.Spec(merkle.OZ.Spec())
	if err != nil {
		t.Fatal(err)
	}
	list := merkle.NewTypedList(spec.Leaf)
	for i := range 11 {
		record, err := spec.Leaf.AppendRecord(nil, []string{fmt.Sprintf("0x%040x", i+1), "0", fmt.Sprint(7 + i), fmt.Sprint(i % 3)})
		if err == nil {
			err = list.AppendRecords(record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tree, err := merkle.Build(context.Background(), spec.Format(), list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for i := range tree.Count() {
		proof, err := tree.Proof(i)
		if err != nil || len(proof) != 4 {
			t.Fatalf("%d nodes, %v", len(proof), err)
		}
		hashes, err := json.Marshal(proof)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, fmt.Sprintf(`"0x%040x":{"rewardNetwork":0,"collateralRpl":"%d","oracleDaoRpl":"%d","smoothingPoolEth":"%d","smoothingPoolEligibilityRate":0.5,"merkleProof":%s}`,
			i+1, 7+i-i%5, i%5, i%3, hashes))
	}
	text := `{"rewardsFileVersion":1,"index":0,"merkleRoot":"` + tree.Root().String() + `","totalRewards":{"protocolDaoRpl":"1"},"nodeRewards":{` + strings.Join(nodes, ",") + `}}`
	got, err := read(text)
	if err != nil || got.Root() != tree.Root() || got.Count() != 11 || got.Spec().Shape != merkle.Padded {
		t.Fatalf("%v", err)
	}
	root := tree.Root()
	_, checks, err := published.CheckText(text, &root, spec.Format(), 20)
	if err != nil || len(checks) != 11 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	for _, c := range checks {
		if !c.Right {
			t.Errorf("%s: %s", c.Name, c.Text)
		}
	}
	if _, err := read(strings.Replace(text, `"oracleDaoRpl":"3"`, `"oracleDaoRpl":"4"`, 1)); !fault.Is(err, fault.Invalid) {
		t.Errorf("another amount: %v", err)
	}
}

func TestReadsMerkletreejsDumpsAndMurkysTrees(t *testing.T) {
	leaves := make([]merkle.Hash, 11)
	for i := range leaves {
		leaves[i] = keccak.Sum256([]byte{byte(i)})
	}
	for _, options := range []string{"", `"sortPairs":true,`, `"duplicateOdd":true,"sortPairs":false,`, `"duplicateOdd":true,"sortPairs":true,`} {
		positional, duplicate := !strings.Contains(options, `"sortPairs":true`), strings.Contains(options, "duplicateOdd")
		join := merkle.Spec{Positional: positional}
		layers := [][]merkle.Hash{leaves}
		for level := leaves; len(level) > 1; layers = append(layers, level) {
			var next []merkle.Hash
			for i := 0; i < len(level); i += 2 {
				switch {
				case i+1 < len(level):
					next = append(next, join.Join(level[i], level[i+1]))
				case duplicate:
					next = append(next, join.Join(level[i], level[i]))
				default:
					next = append(next, level[i])
				}
			}
			level = next
		}
		buffers := func(level []merkle.Hash) string {
			var all []string
			for _, h := range level {
				all = append(all, strings.ReplaceAll(fmt.Sprintf(`{"type":"Buffer","data":%v}`, h[:]), " ", ","))
			}
			return "[" + strings.Join(all, ",") + "]"
		}
		var levels []string
		for _, level := range layers {
			levels = append(levels, buffers(level))
		}
		text := `{` + options + `"isBitcoinTree":false,"fillDefaultHash":null,"leaves":` + buffers(leaves) + `,"layers":[` + strings.Join(levels, ",") + `]}`
		tree, err := read(text)
		if err != nil || tree.Root() != layers[len(layers)-1][0] {
			t.Errorf("%s: %v", options, err)
		}
		hexes, err := json.Marshal(leaves)
		if err != nil {
			t.Fatal(err)
		}
		known := layers[len(layers)-1][0]
		result, err := published.Read(context.Background(), strings.NewReader(string(hexes)), published.Options{Root: &known})
		if err != nil || result.Tree.Root() != known {
			t.Errorf("%s, leaves and root: %v", options, err)
		}
		broken := strings.Replace(text, levels[1], strings.Replace(levels[1], "[[", "[[1,", 1), 1)
		broken = strings.Replace(broken, levels[2], strings.Replace(levels[2], `"data":[`, `"data":[0,`, 1), 1)
		if _, err := read(broken); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s, broken: %v", options, err)
		}
	}
	for text, says := range map[string]string{
		`{"isBitcoinTree":true,"leaves":[],"layers":[[]]}`: "Bitcoin", `{"complete":true,"leaves":[],"layers":[[]]}`: "complete",
		`{"format":"simple-v1","hash":"custom","tree":[],"values":[]}`: "custom", `["a","b"]`: "texts", `[[` + strings.Repeat(`"`+leaves[0].String()+`",`, 3) + `"` + leaves[1].String() + `"],["` + leaves[2].String() + `"]]`: "no levels",
	} {
		if _, err := read(text); !fault.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A proof that does not hold is explained by what it does lead to.
func TestExplainsProofs(t *testing.T) {
	oz, packed := some(t, merkle.OZ, 7), some(t, merkle.Cumulative, 7)
	for name, c := range map[string]struct {
		tree *merkle.Tree
		form string
		says []string
	}{
		"right":                     {oz, `{"address":"WALLET","amount":"AMOUNT","proof":PROOF}`, []string{"the proof leads to the root"}},
		"another encoding":          {packed, `{"address":"WALLET","amount":"AMOUNT","proof":PROOF}`, []string{"does not lead", "abi.encodePacked, hashed once (cumulative)"}},
		"fewer digits":              {oz, `{"address":"WALLET","amount":"0.AMOUNT","proof":PROOF}`, []string{"times 10^3"}},
		"root and leaf are swapped": {oz, `{"address":"WALLET","amount":"AMOUNT","proof":PROOF,"root":"LEAF"}`, []string{"swapped"}},
		"another value":             {oz, `{"address":"WALLET","amount":"7777","proof":PROOF,"leaf":"LEAF"}`, []string{"the leaf LEAF that stands in the claim"}},
		"nothing known":             {oz, `{"address":"WALLET","amount":"7777","proof":PROOF}`, []string{"a value, a node or the root is another one"}},
	} {
		root := c.tree.Root()
		text := entries(t, c.tree, c.form)[3]
		leaf, err := c.tree.Leaf(3)
		if err != nil {
			t.Fatal(err)
		}
		against := &root
		if strings.Contains(c.form, `"root"`) {
			against = nil
		}
		_, checks, err := published.CheckText(text, against, merkle.OZ, 1)
		if err != nil || len(checks) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		for _, says := range c.says {
			if says = strings.ReplaceAll(says, "LEAF", leaf.String()); !strings.Contains(checks[0].Text, says) {
				t.Errorf("%s: %s", name, checks[0].Text)
			}
		}
	}
	who := "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	lower := merkle.Hash(keccak.Sum256([]byte(strings.ToLower(who))))
	_, checks, err := published.CheckText(`{"address":"`+who+`","amount":"1","proof":[]}`, &lower, "", 1)
	if err != nil || !strings.Contains(checks[0].Text, "the text of the address in lower case") {
		t.Errorf("%v %v", checks, err)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(`{"address":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","amount":"1","proof":[]}`)
	f.Add(`[{"value":["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","1"],"proof":[{"position":"left","data":"0x00"}]}]`)
	f.Add(`{"claims":{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":{"index":0,"amount":"0x1","proof":[]}}}`)
	root := merkle.Hash{1}
	f.Fuzz(func(t *testing.T, text string) {
		_, checks, err := published.CheckText(text, &root, "", 2)
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unsupported) {
			t.Fatal(err)
		}
		for _, c := range checks {
			if c.Right && c.Finding.Solidity == "" {
				t.Fatalf("right without a leaf: %+v", c)
			}
		}
	})
}
