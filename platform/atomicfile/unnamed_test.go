package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAnUncommittedFileDisappearsWithItsProcess(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "scores.csv")
	f := createUnnamed(path)
	if f == nil {
		t.Skip("there are no files without a name in", folder)
	}
	defer func() { _ = f.Close() }()
	made, err := Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.WriteString("scores"); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("a killed process would leave %v (%v)", entries, err)
	}
	if err := made.Discard(); err != nil {
		t.Error(err)
	}
}

func TestAFileWithAHiddenNameTakesItsPlaceToo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "scores.csv")
	for _, text := range []string{"first", "second"} {
		f, err := createNamed(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		entries, _ := os.ReadDir(folder)
		if err != nil || string(got) != text || len(entries) != 1 {
			t.Errorf("there is %q (%v) among %v", got, err, entries)
		}
	}
	f, err := createNamed(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("a discarded file leaves %v", entries)
	}
}
