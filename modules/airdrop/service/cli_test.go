package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"banyan/modules/airdrop/offline"
	"banyan/modules/airdrop/service"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// command runs `banyan airdrop args…` and returns its standard output.
func command(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	c := service.Commands()
	var out, errOut bytes.Buffer
	c.SetArgs(args)
	c.SetIn(strings.NewReader(input))
	c.SetOut(&out)
	c.SetErr(&errOut)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(context.Background())
	return out.String(), err
}

// commandJSON runs a command that must succeed, and reads what it printed.
func commandJSON(t *testing.T, result any, args ...string) {
	t.Helper()
	out, err := command(t, "", append(args, "--json")...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		t.Fatalf("%v printed %s: %v", args, out, err)
	}
}

func TestCommandsOnTheUniswapAirdrop(t *testing.T) {
	list := testneeds.Data(t, "uni/uni_claims.csv.zst")
	folder := t.TempDir()
	var built offline.Built
	commandJSON(t, &built, "build", "--in", list, "--format", "uniswap", "--out", folder)
	const root = "0xc8500f8e2fcf3c9a32880e1b973fb28acc88be35787a8abcf9981b2b65dbdeb5"
	if built.Root.String() != root || built.Count != 252_803 || built.Total != "149999999975656000000000000" ||
		built.Tree != filepath.Join(folder, root+".tree") {
		t.Fatalf("built %+v", built)
	}

	var claim offline.Claim
	commandJSON(t, &claim, "proof", "--tree", built.Tree, "0x0000000000000000000000000000000000000001")
	if *claim.Index != 1 || claim.Amount != "5988626491000000000000" || merkle.ProcessProof(claim.Leaf, claim.Proof).String() != root {
		t.Fatalf("claim %+v", claim)
	}

	var sum offline.Verified
	commandJSON(t, &sum, "verify", "--tree", built.Tree, "--in", list) // with every amount
	if sum.Checked != 252_803 || sum.Eligible != 252_803 {
		t.Fatalf("verified %+v", sum)
	}
}

func TestCommandsOnOpenZeppelinsVectors(t *testing.T) {
	var vectors []struct {
		N       int         `json:"n"`
		Total   string      `json:"total"`
		Root    merkle.Hash `json:"root_address_amount"`
		Indexed merkle.Hash `json:"root_index_address_amount"`
		Proofs  []struct {
			Index        uint64         `json:"index"`
			Address      wallet.Address `json:"address"`
			Amount       string         `json:"amount"`
			Proof        []merkle.Hash  `json:"proof"`
			ProofIndexed []merkle.Hash  `json:"proof_indexed"`
		} `json:"proofs"`
	}
	if err := json.Unmarshal(testneeds.ReadData(t, "oz/oz_vectors.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		list := testneeds.Data(t, "oz/oz_"+strconv.Itoa(v.N)+".csv")
		for format, root := range map[string]merkle.Hash{"oz": v.Root, "oz-indexed": v.Indexed} {
			tree := filepath.Join(t.TempDir(), "oz.tree")
			var built offline.Built
			commandJSON(t, &built, "build", "--in", list, "--format", format, "--out", tree)
			if built.Root != root || built.Total != v.Total || built.Count != v.N || built.Tree != tree {
				t.Fatalf("%s of %d: %+v", format, v.N, built)
			}
			for _, p := range v.Proofs {
				want := p.Proof
				if format == "oz-indexed" {
					want = p.ProofIndexed
				}
				var claim offline.Claim
				commandJSON(t, &claim, "proof", "--tree", tree, p.Address.String())
				if *claim.Index != p.Index || claim.Amount != p.Amount || claim.Root != root || len(claim.Proof) != len(want) {
					t.Fatalf("%s of %d: %+v", format, v.N, claim)
				}
				for i := range want {
					if claim.Proof[i] != want[i] {
						t.Fatalf("%s of %d: %s has another proof", format, v.N, p.Address)
					}
				}
			}
		}
	}
}

const (
	alice = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	bob   = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
	carol = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
)

// smallTree builds a tree of alice and bob from standard input.
func smallTree(t *testing.T) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "small.tree")
	if _, err := command(t, alice+",1.5\n"+bob+",2\n", "build", "--in", "-", "--format", "oz", "--decimals", "1", "--out", tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestVerifyWritesAVerdictForEachLine(t *testing.T) {
	tree := smallTree(t)
	questions := alice + "\n" + strings.ToLower(bob) + ",20\n" + bob + ",21\n\n" + carol + "\n\"no\\wallet\"\t\n"
	want := `{"line":1,"address":"` + alice + `","status":"eligible","amount":"15"}
{"line":2,"address":"` + strings.ToLower(bob) + `","status":"eligible","amount":"20"}
{"line":3,"address":"` + bob + `","status":"ineligible","amount":"20","reason":"the wallet has another amount on the list"}
{"line":5,"address":"` + carol + `","status":"ineligible","reason":"the wallet is not on the list"}
{"line":6,"address":"no\\wallet","status":"invalid","reason":"address: \"no\\\\wallet\" is no address: write 0x and 40 hex digits"}
`
	out, err := command(t, questions, "verify", "--tree", tree, "--in", "-", "--out", "-")
	if err != nil || out != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, out, want)
	}
	verdicts := filepath.Join(t.TempDir(), "verdicts.ndjson")
	if _, err := command(t, questions, "verify", "--tree", tree, "--in", "-", "--out", verdicts, "--json"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(verdicts); err != nil || string(text) != want {
		t.Fatalf("%v\n%s", err, text)
	}
}

func TestABadListLeavesNoTree(t *testing.T) {
	folder := t.TempDir()
	_, err := command(t, alice+",1\n"+bob+",0\n", "build", "--in", "-", "--format", "oz", "--out", filepath.Join(folder, "x.tree"))
	f := fault.From(err)
	if f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Line != 2 || f.Fields[0].Name != "amount" {
		t.Fatalf("got %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Fatalf("the folder holds %v, %v", entries, err)
	}
}

func TestColumnsAreChosenAndTheOthersNamed(t *testing.T) {
	list := "Rank,Address,Quantity,Value\n1," + alice + ",5,700\n2," + bob + ",6,840\n"
	tree := filepath.Join(t.TempDir(), "x.tree")
	build := []string{"build", "--in", "-", "--format", "uniswap", "--out", tree, "--json"}
	if _, err := command(t, list, build...); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "choose one with --amount-column") {
		t.Fatalf("two columns that could be the amount: %v", err)
	}
	out, err := command(t, list, append(build, "--amount-column", "quantity", "--index-column", "1", "--address-column", "Address")...)
	var built offline.Built
	if err != nil || json.Unmarshal([]byte(out), &built) != nil || built.Total != "11" || built.PassedOver != "not used: Value" {
		t.Fatalf("built %s, %v", out, err)
	}
	var claim offline.Claim
	if commandJSON(t, &claim, "proof", "--tree", tree, bob); *claim.Index != 2 {
		t.Errorf("bob has the index %d", *claim.Index)
	}
	out, err = command(t, list, "verify", "--tree", tree, "--in", "-", "--amount-column", "3", "--json")
	var sum offline.Verified
	if err != nil || json.Unmarshal([]byte(out), &sum) != nil || sum.Eligible != 2 || sum.PassedOver != "not used: Rank, Value" {
		t.Errorf("verified %s, %v", out, err)
	}
	if out, err = command(t, "address,amount\r", "verify", "--tree", tree, "--in", "-", "--json"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list that asks nothing: %s, %v", out, err)
	}
}

func TestOnDuplicateAllowsAnAddressTwice(t *testing.T) {
	list := alice + ",1\n" + bob + ",2\n" + alice + ",3\n"
	for choice, amount := range map[string]string{"sum": "4", "first": "1"} {
		tree := filepath.Join(t.TempDir(), "x.tree")
		if _, err := command(t, list, "build", "--in", "-", "--format", "oz", "--on-duplicate", choice, "--out", tree); err != nil {
			t.Fatal(err)
		}
		var claim offline.Claim
		commandJSON(t, &claim, "proof", "--tree", tree, alice)
		if claim.Amount != amount {
			t.Errorf("%s: alice gets %s", choice, claim.Amount)
		}
	}
}

// An error that names a --flag or an ARGUMENT is bad usage, which main answers
// with exit code 2.
func TestUsageAndFailureAreDistinguished(t *testing.T) {
	tree := smallTree(t)
	cases := map[string]struct {
		args []string
		code fault.Code
		flag string
	}{
		"no list":             {[]string{"build", "--format", "oz", "--out", tree}, fault.Invalid, "--in"},
		"no output":           {[]string{"build", "--in", "-", "--format", "oz"}, fault.Invalid, "--out"},
		"unknown format":      {[]string{"build", "--in", "-", "--format", "zo", "--out", tree}, fault.Invalid, "--format"},
		"unknown duplicates":  {[]string{"build", "--in", "-", "--format", "oz", "--on-duplicate", "last", "--out", tree}, fault.Invalid, "--on-duplicate"},
		"too many decimals":   {[]string{"build", "--in", "-", "--format", "oz", "--decimals", "78", "--out", tree}, fault.Invalid, "--decimals"},
		"shards of a heap":    {[]string{"build", "--in", "-", "--format", "oz", "--shard-digits", "1", "--out", tree}, fault.Invalid, "--shard-digits"},
		"no tree":             {[]string{"proof", alice}, fault.Invalid, "--tree"},
		"no address":          {[]string{"proof", "--tree", tree, "0x12"}, fault.Invalid, "ADDRESS"},
		"two addresses":       {[]string{"proof", "--tree", tree, alice, bob}, fault.Invalid, "ADDRESS"},
		"no tree to check":    {[]string{"tree", "check"}, fault.Invalid, "F.tree"},
		"proofs and a tree":   {[]string{"verify", "--tree", tree, "--proofs", "-"}, fault.Invalid, "--tree"},
		"a tree and a root":   {[]string{"verify", "--tree", tree, "--in", "-", "--root", "0x12"}, fault.Invalid, "--root"},
		"memory below zero":   {[]string{"tree", "check", tree, "--memory", "-1"}, fault.Invalid, "--memory"},
		"a path by itself":    {[]string{"export", tree}, fault.Invalid, "ARGUMENTS"},
		"nothing to verify":   {[]string{"verify", "--tree", tree}, fault.Invalid, "--in"},
		"list is not there":   {[]string{"build", "--in", tree + ".csv", "--format", "oz", "--out", tree}, fault.NotFound, ""},
		"tree is not there":   {[]string{"proof", "--tree", tree + "x", alice}, fault.NotFound, ""},
		"tree is a list":      {[]string{"proof", "--tree", "cli_test.go", alice}, fault.Invalid, ""},
		"wallet not on it":    {[]string{"proof", "--tree", tree, carol}, fault.NotFound, ""},
		"list is a folder":    {[]string{"build", "--in", t.TempDir(), "--format", "oz", "--out", tree}, fault.Invalid, ""},
		"wallets not there":   {[]string{"verify", "--tree", tree, "--in", tree + ".csv"}, fault.NotFound, ""},
		"output nowhere":      {[]string{"verify", "--tree", tree, "--in", "-", "--out", tree + "/x/y"}, fault.NotFound, ""},
		"empty standard in":   {[]string{"build", "--in", "-", "--format", "oz", "--out", tree}, fault.Invalid, ""},
		"verdicts from empty": {[]string{"verify", "--tree", tree, "--in", "-"}, fault.Invalid, ""},
	}
	for name, c := range cases {
		_, err := command(t, "", c.args...)
		f := fault.From(err)
		if f == nil || f.Code != c.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		flag := ""
		if len(f.Fields) > 0 {
			flag = f.Fields[0].Name
		}
		if flag != c.flag {
			t.Errorf("%s: names %q", name, flag)
		}
	}
}
