package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/airdrop/list"
	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// spreadList is CSV of n wallets whose first digits differ.
func spreadList(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "0x%02x%038x,%d\n", byte(i*37), i, 1000+i)
	}
	return text.String()
}

func treeOf(t *testing.T, format, csv string) (path string, built offline.Built) {
	t.Helper()
	path = filepath.Join(t.TempDir(), format+".tree")
	out, err := command(t, csv, "build", "--in", "-", "--format", format, "--out", path, "--json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &built); err != nil {
		t.Fatal(err)
	}
	return path, built
}

func TestExportedTreesComeBackTheSame(t *testing.T) {
	for format, kind := range map[string]string{"oz": "oz-json", "oz-indexed": "oz-json", "uniswap": "uniswap-json"} {
		tree, built := treeOf(t, format, spreadList(300))
		out := filepath.Join(t.TempDir(), "published.json")
		var done offline.Exported
		commandJSON(t, &done, "export", "--tree", tree, "--as", kind, "--out", out)
		if done.Count != 300 || done.Files != 1 {
			t.Fatalf("%s: %+v", format, done)
		}
		var again offline.Built
		commandJSON(t, &again, "import", "--in", out, "--out", filepath.Join(t.TempDir(), "again.tree"))
		if again.Root != built.Root || again.Total != built.Total || string(again.Format) != format {
			t.Fatalf("%s came back as %+v", format, again)
		}
	}
}

func TestExportedCSVBuildsTheSameTree(t *testing.T) {
	for _, format := range merkle.Formats() {
		tree, built := treeOf(t, string(format), spreadList(300))
		csv, err := command(t, "", "export", "--tree", tree, "--as", "csv", "--out", "-")
		if err != nil {
			t.Fatal(err)
		}
		if _, again := treeOf(t, string(format), csv); again.Root != built.Root {
			t.Errorf("%s: the exported list has the root %s, the tree %s", format, again.Root, built.Root)
		}
	}
}

// A claim page has only the shards: what it finds there must lead to the root.
func TestShardsProveEveryWalletWithoutAServer(t *testing.T) {
	for _, format := range merkle.Formats() {
		for _, digits := range []string{"0", "1", "2"} {
			if format == merkle.ENS && digits == "2" {
				continue // this tree has prefixes of one digit
			}
			tree, built := treeOf(t, string(format), spreadList(500))
			folder := filepath.Join(t.TempDir(), "public")
			var done offline.Exported
			commandJSON(t, &done, "export", "--tree", tree, "--as", "shards", "--out", folder, "--shard-digits", digits)
			found := 0
			root := readJSON[struct {
				Root    merkle.Hash `json:"root"`
				Nybbles int         `json:"shardNybbles"`
				Total   string      `json:"total"`
			}](t, filepath.Join(folder, "root.json"))
			if root.Root != built.Root || root.Total != built.Total || (digits != "0" && fmt.Sprint(root.Nybbles) != digits) {
				t.Fatalf("%s: root.json says %+v", format, root)
			}
			files, err := filepath.Glob(filepath.Join(folder, "*.json"))
			if err != nil || len(files) != done.Files {
				t.Fatalf("%d files, %v", len(files), err)
			}
			for _, file := range files {
				prefix := strings.TrimSuffix(filepath.Base(file), ".json")
				if prefix != "root" {
					found += proveShard(t, format, built.Root, prefix, file)
				}
			}
			if found != 500 {
				t.Fatalf("%s: %d wallets are in the shards", format, found)
			}
		}
	}
}

func readJSON[T any](t *testing.T, path string) (value T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

// proveShard verifies a file's wallets and counts them.
func proveShard(t *testing.T, format merkle.Format, root merkle.Hash, prefix, file string) int {
	t.Helper()
	shard := readJSON[struct {
		Proof   []merkle.Hash
		Entries map[string]struct{ Balance string }
		Claims  map[string]struct {
			Index  uint64
			Amount string
			Proof  []merkle.Hash
		}
	}](t, file)
	for address, c := range shard.Claims {
		e := merkle.Entry{Index: c.Index, Wallet: wallet.MustParse(address)}
		if err := e.Amount.SetFromDecimal(c.Amount); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(strings.ToLower(address[2:]), prefix) || !merkle.Verify(format, root, e, c.Proof) {
			t.Fatalf("%s: %s in shard %s cannot be verified", format, address, prefix)
		}
	}
	if format != merkle.ENS {
		return len(shard.Claims)
	}
	// As ENS's page does: a tree of the shard's entries, then the shard's proof.
	var csv strings.Builder
	for address, entry := range shard.Entries {
		csv.WriteString(address + "," + entry.Balance + "\n")
	}
	rows, err := list.Read(context.Background(), strings.NewReader(csv.String()), list.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := merkle.Build(context.Background(), merkle.Cumulative, rows, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if merkle.ProcessProof(own.Root(), shard.Proof) != root {
		t.Fatalf("the shard %s does not lead to the root", prefix)
	}
	return len(shard.Entries)
}

func TestExportRefusesWhatItCannotDo(t *testing.T) {
	tree, _ := treeOf(t, "oz", spreadList(3))
	folder := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		code fault.Code
	}{
		"another tool's format": {[]string{"--as", "uniswap-json", "--out", filepath.Join(folder, "x.json")}, fault.Unsupported},
		"unknown kind":          {[]string{"--as", "xml", "--out", filepath.Join(folder, "x.xml")}, fault.Invalid},
		"a folder there is":     {[]string{"--as", "shards", "--out", folder}, fault.Invalid},
		"shards to a pipe":      {[]string{"--as", "shards", "--out", "-"}, fault.Invalid},
		"digits of a file":      {[]string{"--as", "csv", "--shard-digits", "2", "--out", filepath.Join(folder, "x.csv")}, fault.Invalid},
		"too many digits":       {[]string{"--as", "shards", "--shard-digits", "5", "--out", filepath.Join(folder, "x")}, fault.Invalid},
		"no output":             {[]string{"--as", "csv"}, fault.Invalid},
	} {
		if _, err := command(t, "", append([]string{"export", "--tree", tree}, c.args...)...); !fault.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Fatalf("refused exports left %v, %v", entries, err)
	}
}

func TestVerifyChecksFullProofsWithoutTheTree(t *testing.T) {
	tree, built := treeOf(t, "oz-indexed", spreadList(60))
	var claims bytes.Buffer
	for i := range 60 {
		out, err := command(t, "", "proof", "--tree", tree, "--json", fmt.Sprintf("0x%02x%038x", byte(i*37), i))
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 7: // somebody claims more
			out = strings.Replace(out, `"amount":"1007"`, `"amount":"9007"`, 1)
		case 9: // somebody else's index
			out = strings.Replace(out, `"index":9`, `"index":8`, 1)
		case 20:
			out = "not a claim\n"
		case 21:
			out = `{"address":"0x00","amount":"1","proof":[]}` + "\n"
		case 22:
			out = `{"address":"` + alice + `","amount":"-1","proof":[]}` + "\n"
		case 23:
			out = `{"address":"` + alice + `","amount":"1"}` + "\n"
		}
		claims.WriteString(out)
	}
	path := filepath.Join(t.TempDir(), "claims.ndjson")
	if err := os.WriteFile(path, claims.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var sum offline.Verified
	verdicts := path + ".verdicts"
	commandJSON(t, &sum, "verify", "--proofs", path, "--root", built.Root.String(), "--format", "oz-indexed", "--out", verdicts)
	if sum.Checked != 60 || sum.Eligible != 54 || sum.Ineligible != 2 || sum.Invalid != 4 {
		t.Fatalf("verified %+v", sum)
	}
	text, err := os.ReadFile(verdicts)
	if err != nil || strings.Count(string(text), "\n") != 60 || !strings.Contains(string(text), `"line":8,`) {
		t.Fatalf("%v: %s", err, text)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		want := "eligible"
		switch i {
		case 7, 9:
			want = "ineligible"
		case 20, 21, 22, 23:
			want = "invalid"
		}
		if !strings.HasPrefix(line, fmt.Sprintf(`{"line":%d,`, i+1)) || !strings.Contains(line, `"status":"`+want+`"`) {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
	for _, args := range [][]string{
		{"--proofs", path, "--root", "0x12", "--format", "oz"},
		{"--proofs", path, "--root", built.Root.String(), "--format", "none"},
	} {
		if _, err := command(t, "", append([]string{"verify"}, args...)...); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// A line with less than a claim must not count as one whose proof is wrong.
func TestVerifyReportsWhyALineIsNotAClaim(t *testing.T) {
	tree, built := treeOf(t, "oz-indexed", spreadList(3))
	who := fmt.Sprintf("0x%040x", 0)
	good, err := command(t, "", "proof", "--tree", tree, "--json", who)
	if err != nil {
		t.Fatal(err)
	}
	good = strings.TrimSpace(good)
	as := func(before, after string) string {
		changed := strings.Replace(good, before, after, 1)
		if changed == good {
			t.Fatalf("%q is not in %s", before, good)
		}
		return changed
	}
	for line, want := range map[string]string{
		good:                                    `"status":"eligible"`,
		as(`"address"`, `"wallet"`):             `"status":"eligible"`, // as the API and its pages return it
		as(`{`, `{"wallet":"`+who+`",`):         `"status":"eligible"`,
		as(`{`, `{"wallet":"`+alice+`",`):       `its address and its wallet differ`,
		as(`"address"`, `"account"`):            `"status":"eligible"`,
		as(`"amount"`, `"value"`):               `"status":"eligible"`,
		as(`"address"`, `"where"`):              `it has no address`,
		as(`"amount"`, `"campaign"`):            `it has no amount`,
		as(`"proof"`, `"path"`):                 `it has no proof`,
		as(`"index":0,`, ``):                    `it has no index, which the leaf (uint256, address, uint256) includes`,
		as(`"amount":"1000"`, `"amount":"1e3"`): `its amount is not right: \"1e3\" is not a uint256`,
		as(`"index":0`, `"index":"0"`):          `"status":"eligible"`, // as Sablier writes it
		as(who, who[:20]):                       `40 hex digits`,
		`{"a" 1}`:                               `it is not one JSON object`,
	} {
		out, err := command(t, line+"\n", "verify", "--proofs", "-", "--root", built.Root.String(), "--format", "oz-indexed", "--out", "-")
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s:\n%s%v, want %s", line, out, err, want)
		}
	}
}

func TestTreeInfoAndCheck(t *testing.T) {
	path, built := treeOf(t, "ens", spreadList(500))
	for _, name := range []string{"info", "check"} {
		var about offline.Description
		commandJSON(t, &about, "tree", name, path)
		if about.Root != built.Root || about.Count != 500 || about.Total != built.Total || about.Nybbles != 1 {
			t.Fatalf("%s: %+v", name, about)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, fs.FileMode(0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "", "tree", "check", path); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a damaged file: %v", err)
	}
}
