package service_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
)

var pageWallets = flag.Int("page-wallets", 20_000, "how many wallets the exported claim page has")

// The manifest has every file with its hash, every prefix has a file, and a visitor's
// part is small; `go test -run Page -page-wallets 1000000 -v` prints how small.
func TestAnExportedPageIsWholeAndSmall(t *testing.T) {
	folder := t.TempDir()
	list, tree, out := filepath.Join(folder, "list.csv"), filepath.Join(folder, "a.tree"), filepath.Join(folder, "page")
	var text strings.Builder
	text.WriteString("address,amount\n")
	for i := range *pageWallets {
		sum := sha256.Sum256(fmt.Append(nil, i))
		fmt.Fprintf(&text, "0x%x,%d\n", sum[:20], i+1)
	}
	if err := os.WriteFile(list, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var built offline.Built
	commandJSON(t, &built, "build", "--in", list, "--format", "oz-indexed", "--out", tree)
	args := []string{"export-page", "--tree", tree, "--name", `<b>"Season" one`, "--symbol", "BAN", "--chain", "1", "--contract", numbered(7).String()}
	var done offline.PageExported
	commandJSON(t, &done, append(args, "--out", out)...)
	t.Logf("%d wallets: %d files in %.2f s, %d bytes of page and at most %d of the list (%d wallets)", done.Count, done.Files, done.Seconds, done.PageBytes, done.LargestShard, done.LargestRows)
	if done.Count != *pageWallets || done.LargestRows > 128 || done.LargestShard > 256<<10 || done.PageBytes > 40<<10 {
		t.Errorf("exported %+v", done)
	}
	var manifest struct {
		Root  string
		Files []struct{ Path, SHA256 string }
	}
	whole := read(t, out, "manifest.json")
	if sum := sha256.Sum256(whole); hex.EncodeToString(sum[:]) != done.ManifestSHA256 {
		t.Error("the manifest has another hash than was printed")
	}
	if err := json.Unmarshal(whole, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Files)+1 != done.Files || manifest.Root != done.Root.String() {
		t.Errorf("the manifest has %d files and the root %s", len(manifest.Files), manifest.Root)
	}
	shards := 0
	for _, f := range manifest.Files {
		if sum := sha256.Sum256(read(t, out, f.Path)); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s has another hash", f.Path)
		}
		if strings.HasPrefix(f.Path, "claims/") {
			shards++
		}
	}
	if shards != 1<<(4*done.ShardDigits) {
		t.Errorf("%d shards of %d digits", shards, done.ShardDigits)
	}
	if index := string(read(t, out, "index.html")); strings.Contains(index, "<b>") || !strings.Contains(index, done.Root.String()) || strings.Contains(index, "<script>") {
		t.Error("the page has a name that is markup, another root, or a script inside")
	}
	german := string(read(t, out, "de.html"))
	for _, want := range []string{`<html lang="de">`, `hreflang="en" href="index.html"`, "Wallet-Adresse", done.Root.String(), `src="claim.de.js"`, `src="browser-wallet.de.js"`} {
		if !strings.Contains(german, want) {
			t.Errorf("the page in German has no %s", want)
		}
	}
	if *pageWallets == 20_000 && !strings.Contains(german, "20.000 Claims") || strings.Contains(german, "<b>") {
		t.Errorf("the page in German is %s", german)
	}
	if script := string(read(t, out, "claim.de.js")); !strings.Contains(script, "Diese Wallet steht nicht auf der Liste") || strings.Contains(script, "This wallet is not on the list") {
		t.Error("the script of the page in German is not German")
	}
	for _, wrong := range [][]string{{"--contract", "0x12"}, {"--chain", "0"}, {"--name", ""}, {"--decimals", "78"}, {"--shard-digits", "5"}} {
		if _, err := command(t, "", append(append(args, "--out", filepath.Join(folder, "no")), wrong...)...); !fault.IsUsage(err) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	if _, err := command(t, "", append(args, "--out", out)...); !fault.IsUsage(err) {
		t.Errorf("into a folder that exists: %v", err)
	}
	commandJSON(t, &built, "build", "--in", list, "--format", "oz", "--out", tree)
	if _, err := command(t, "", append(args, "--out", filepath.Join(folder, "no"))...); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a tree without indexes: %v", err)
	}
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
