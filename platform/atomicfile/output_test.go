package atomicfile_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"banyan/platform/atomicfile"
)

func TestOutputGoesWhereItWasAskedFor(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	say := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	if err := os.WriteFile(in("old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "old", "further": "link", "dangling": in("made"), "circle": "circle"} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, file := range map[string]string{"new": "new", "link": "old", "further": "old", "dangling": "made"} {
		var stdout bytes.Buffer
		if err := atomicfile.Output(in(path), &stdout, 0o644, say("to "+path)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(in(file)); err != nil || string(got) != "to "+path || stdout.Len() > 0 {
			t.Errorf("%s: %s has %q, %v; standard output %q", path, file, got, err, &stdout)
		}
		if about, err := os.Lstat(in(path)); err != nil || path != file && about.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is not a link any more: %v, %v", path, about.Mode(), err)
		}
	}
	var stdout bytes.Buffer
	if err := atomicfile.Output(atomicfile.Stdio, &stdout, 0o644, say("text")); err != nil || stdout.String() != "text" {
		t.Errorf("standard output has %q, %v", &stdout, err)
	}
	for _, path := range []string{folder, in("circle")} {
		if err := atomicfile.Output(path, &stdout, 0o644, say("text")); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if err := atomicfile.Output(os.DevNull, &stdout, 0o644, say("text")); err != nil {
		t.Error(err)
	}
	if about, err := os.Stat(os.DevNull); err != nil || about.Mode().IsRegular() {
		t.Errorf("the device was replaced: %v, %v", about.Mode(), err)
	}
}
