package main

import (
	"bytes"
	"os"
	"testing"
)

// TestAPIDocument compares the API with the document in the repository, so that
// a change of it is seen and meant.
func TestAPIDocument(t *testing.T) {
	const golden = "testdata/openapi.json"
	text, err := apiDocument()
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the API is not what %s says: when the change is meant, run make generate and look at the difference", golden)
	}
}
