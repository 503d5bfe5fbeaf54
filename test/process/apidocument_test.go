package process_test

import (
	"os"
	"testing"
)

// TestAPIDocument compares the API with the document in the repository, so that
// a change of it is seen and meant.
func TestAPIDocument(t *testing.T) {
	const golden = "testdata/openapi.json"
	code, text, errOut := banyan(t, "openapi")
	if code != exitOK {
		t.Fatal(errOut)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("the API is not what %s says: when the change is meant, run make generate and look at the difference", golden)
	}
}
