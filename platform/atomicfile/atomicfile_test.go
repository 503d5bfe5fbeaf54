package atomicfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scores.csv")
	put := func(text string, mode fs.FileMode, failure error) error {
		return atomicfile.Replace(path, mode, func(f *os.File) error {
			if _, err := f.WriteString(text); err != nil {
				return err
			}
			if now, err := os.ReadFile(path); err == nil && string(now) == text {
				t.Errorf("%q exists before it is complete", text)
			}
			return failure
		})
	}
	check := func(text string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(got) != text || info.Mode().Perm() != mode {
			t.Errorf("there is %q, %v, %v; want %q with %v", got, err, info, text, mode)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v, %v", entries, err)
		}
	}
	if err := put("first", 0o600, nil); err != nil {
		t.Fatal(err)
	}
	check("first", 0o600)
	full := errors.New("disk full")
	if err := put("second", 0o644, full); !errors.Is(err, full) {
		t.Errorf("a failed write returned %v", err)
	}
	check("first", 0o600)
	if err := put("third", 0o644, nil); err != nil {
		t.Fatal(err)
	}
	check("third", 0o644)
}

func TestAFileCanBeNamedAtTheEnd(t *testing.T) {
	folder := t.TempDir()
	f, err := atomicfile.Create(filepath.Join(folder, "unnamed"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("scores"); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(folder, "scores.csv")
	if err := f.CommitAs(named); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(named)
	entries, _ := os.ReadDir(folder)
	if err != nil || string(text) != "scores" || len(entries) != 1 {
		t.Errorf("there is %q (%v) among %v", text, err, entries)
	}
}

func TestWhatCannotBePutThereLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "taken")
	f, err := atomicfile.Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
	if _, err := atomicfile.Create(filepath.Join(folder, "nowhere", "x"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

func TestOnlyAFileIsReplaced(t *testing.T) {
	folder := t.TempDir()
	socket, err := net.Listen("unix", filepath.Join(folder, "socket"))
	if err != nil {
		t.Skip("there are no sockets in folders here:", err)
	}
	defer func() { _ = socket.Close() }()
	link := filepath.Join(folder, "link")
	if err := os.Symlink("socket", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, link, socket.Addr().String()} {
		if _, err := atomicfile.Create(path, 0o600); !fault.Is(err, fault.Invalid) {
			t.Errorf("a file that would replace %s: got error %v", path, err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}
