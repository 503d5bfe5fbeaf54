package contracts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Every compiled contract is of the sources that are here; `make contracts` writes
// the digest, in the order of compile.mjs.
func TestCompiledContractsAreOfTheseSources(t *testing.T) {
	const devchain = "../../../platform/chain/devchain"
	digest := sha256.New()
	var compiled []string
	for _, folder := range []struct{ sources, compiled string }{{"src", "build"}, {"test", "testdata"}, {devchain, devchain}} {
		files, err := filepath.Glob(folder.sources + "/*.sol")
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s (%v)", folder.sources, err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(digest, filepath.Base(path)+"\n"+string(text)) // never fails
		}
		found, err := filepath.Glob(folder.compiled + "/*.json")
		if err != nil {
			t.Fatal(err)
		}
		compiled = append(compiled, found...)
	}
	want := hex.EncodeToString(digest.Sum(nil))
	if len(compiled) < 4 {
		t.Fatalf("the compiled contracts are %v", compiled)
	}
	for _, path := range compiled {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var artefact struct{ Sources string }
		if err := json.Unmarshal(text, &artefact); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if artefact.Sources != want {
			t.Errorf("%s was compiled from other sources: run make contracts", path)
		}
	}
}
