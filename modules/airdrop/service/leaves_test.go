package service_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// tiers are rows of three values; the first wallet has two.
func tiers() string {
	return numbered(1).String() + ",7,100\n" + numbered(2).String() + ",8,250\n" + numbered(1).String() + ",9,300\n"
}

// A campaign may have any leaf and any tree: a wallet with several rows gets all
// its claims, and each of its amounts is right.
func TestACampaignOfAnyLeafAndTree(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		const described = "leaf=address wallet,uint8 tier,uint256 amount;encoding=packed;hash=1;tree=duplicated;leaves=listed;pairs=positional"
		c := w.built(t, draft(described), tiers())
		claim := must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(1)}))(t)
		if claim.Rows != 2 || len(claim.Claims) != 2 || claim.Amount.Uint64() != 100 || claim.Claims[1].Amount.Uint64() != 300 {
			t.Fatalf("%+v", claim)
		}
		leaf := c.Format.Spec().Leaf
		for i, row := range claim.Claims {
			record, err := leaf.AppendRecord(nil, row.Values)
			if err != nil || leaf.Hash(record) != row.Leaf {
				t.Fatalf("claim %d: the values %q are not those of its leaf (%v)", i, row.Values, err)
			}
			left := make([]bool, len(row.Sides))
			for k, side := range row.Sides {
				left[k] = side == "left"
			}
			if merkle.ProcessSided(row.Leaf, row.Proof, left) != *c.Root {
				t.Errorf("claim %d does not lead to the root", i)
			}
		}
		asked := numbered(1).String() + ",300\n" + numbered(1).String() + ",301\n" + numbered(2).String() + "\n"
		stream := must(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(asked)}))(t)
		var out bytes.Buffer
		if err := stream.Write(&out); err != nil || strings.Count(out.String(), `"status":"eligible"`) != 2 || strings.Count(out.String(), "ineligible") != 1 {
			t.Errorf("%v: %s", err, out.String())
		}
		if _, err := w.Multiproof(anybody, airdrop.MultiproofQuery{ID: c.ID, Wallets: []wallet.Address{numbered(1)}}); !fault.Is(err, fault.Unsupported) {
			t.Errorf("a multiproof of positional pairs: %v", err)
		}
	})
}

func TestMultiproofAndCheckOfAProof(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		m := must(w.Multiproof(anybody, airdrop.MultiproofQuery{ID: c.ID, Wallets: []wallet.Address{numbered(3), numbered(1), numbered(3)}}))(t)
		if len(m.Values) != 2 || !(merkle.Multiproof{Leaves: m.Leaves, Proof: m.Proof, Flags: m.Flags}).Verify(*c.Root) {
			t.Errorf("%+v", m)
		}
		if _, err := w.Multiproof(anybody, airdrop.MultiproofQuery{ID: c.ID, Wallets: []wallet.Address{numbered(9)}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown wallet: %v", err)
		}
		claim := must(w.Claim(anybody, airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(2)}))(t)
		text := must(claim.MarshalJSON())(t)
		checked := must(w.CheckProof(anybody, airdrop.ProofCheck{Text: string(text)}))(t)
		if len(checked.Proofs) != 1 || !checked.Proofs[0].Right || checked.Root != *c.Root || checked.Proofs[0].Format != merkle.OZ {
			t.Errorf("%+v", checked)
		}
		if _, err := w.CheckProof(anybody, airdrop.ProofCheck{Text: "no claim", Root: c.Root.String()}); !fault.Is(err, fault.Invalid) {
			t.Errorf("no claim: %v", err)
		}
	})
}

// What export writes of a tree of any leaf, build reads again, and shards have
// all claims of a wallet.
func TestExportsOfAnyLeafBuildAgain(t *testing.T) {
	folder := t.TempDir()
	list, tree := filepath.Join(folder, "list.csv"), filepath.Join(folder, "a.tree")
	text := "wallet,note,tier\n" + numbered(1).String() + ",\"a, \"\"b\"\"\",-7\n" + numbered(1).String() + ",,5\n" + numbered(2).String() + ",c,6\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var built, again offline.Built
	commandJSON(t, &built, "build", "--in", list, "--leaf", "address,string,int16", "--tree", "promoted", "--out", tree)
	csv := filepath.Join(folder, "again.csv")
	commandJSON(t, &offline.Exported{}, "export", "--tree", tree, "--as", "csv", "--out", csv)
	commandJSON(t, &again, "build", "--in", csv, "--leaf", "address,string,int16", "--tree", "promoted", "--out", tree)
	if built.Root != again.Root || built.Count != 3 || again.Format != built.Format {
		t.Errorf("%+v\n%+v", built, again)
	}
	shards := filepath.Join(folder, "shards")
	commandJSON(t, &offline.Exported{}, "export", "--tree", tree, "--as", "shards", "--out", shards)
	files, err := filepath.Glob(filepath.Join(shards, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	found := slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), `"`+numbered(1).String()+`":[{"values":["`+numbered(1).String()+`","a, \"b\"","-7"]`)
	})
	if !found {
		t.Errorf("no shard of %q has both claims of the wallet as an array", files)
	}
	if _, err := command(t, "", "build", "--in", csv, "--leaf", "address,string,int16", "--on-duplicate", "sum", "--out", tree); !fault.Is(err, fault.Invalid) {
		t.Errorf("sums of other leaves: %v", err)
	}
}

// The answer to a wallet is the same whether rows repeat or not.
func TestRowsThatAreEqualAreRefusedUnlessTheyAreKept(t *testing.T) {
	folder := t.TempDir()
	list, tree := filepath.Join(folder, "list.csv"), filepath.Join(folder, "a.tree")
	if err := os.WriteFile(list, []byte(strings.Repeat(numbered(1).String()+"\n", 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := command(t, "", "build", "--in", list, "--leaf", "address", "--out", tree)
	if f := fault.From(err); !fault.Is(err, fault.Invalid) || len(f.Fields) != 1 || f.Fields[0].Line != 2 {
		t.Errorf("equal rows: %v", err)
	}
	for rule, count := range map[string]int{"first": 1, "keep": 2} {
		var built offline.Built
		commandJSON(t, &built, "build", "--in", list, "--leaf", "address", "--on-duplicate", rule, "--out", tree)
		if built.Count != count {
			t.Errorf("%s: %d rows", rule, built.Count)
		}
	}
}
