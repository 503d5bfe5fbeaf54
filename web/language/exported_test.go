package language

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write generated files instead of comparing them")

// The claim page that is exported for any file host has no server that translates it: its
// German is made from its English with this catalogue, and stands beside it.
func TestTheExportedPageInGermanIsCurrent(t *testing.T) {
	const page = "../../modules/airdrop/offline/claimpage"
	for _, source := range []struct {
		file      string
		translate func(string) string
	}{
		{page + "/index.html", German.Template},
		{page + "/claim.js", German.Script},
		{"../../platform/browserwallet/browser-wallet.js", German.Script},
	} {
		english, err := os.ReadFile(source.file)
		if err != nil {
			t.Fatal(err)
		}
		german, kept := []byte(source.translate(string(english))), filepath.Join(page, "de", filepath.Base(source.file))
		if *update {
			if err := os.WriteFile(kept, german, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if has, err := os.ReadFile(kept); err != nil || !bytes.Equal(has, german) {
			t.Errorf("%s is not what %s is in German (%v): run `make generate`", kept, source.file, err)
		}
	}
}
