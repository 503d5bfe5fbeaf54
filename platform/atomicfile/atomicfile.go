// Package atomicfile writes files that exist whole or not at all, also after a
// power failure: they are written without a name in the same folder, or under a
// hidden one where the system has no unnamed files; then synced, renamed, and
// the folder synced.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"banyan/platform/fault"
)

// File is a file that is being written. Write to it, then Commit or Discard.
type File struct {
	*os.File
	path   string
	mode   fs.FileMode
	hidden string // its name until it is complete; "" while it has none
}

// Create opens a file that Commit will put at path with this mode. An older
// file there stays unchanged until then. It fails with fault.Invalid if path is
// a folder, a device or a pipe: a file must not replace /dev/null.
func Create(path string, mode fs.FileMode) (*File, error) {
	if about, err := os.Stat(path); err == nil && !about.Mode().IsRegular() {
		return nil, fault.Newf(fault.Invalid, "%s is not a regular file and cannot be replaced by one: name another file", path)
	}
	if f := createUnnamed(path); f != nil {
		return &File{File: f, path: path, mode: mode}, nil
	}
	return createNamed(path, mode)
}

func createNamed(path string, mode fs.FileMode) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &File{File: f, path: path, mode: mode, hidden: f.Name()}, nil
}

// Commit puts the file at its path, or discards it and returns why it could not.
func (f *File) Commit() error { return f.CommitAs(f.path) }

// CommitAs is Commit under another path in the same folder, for a file whose
// name depends on its content.
func (f *File) CommitAs(path string) error {
	err := errors.Join(f.Chmod(f.mode), f.Sync())
	if err == nil {
		err = f.name(path)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.hidden, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, f.remove()))
	}
	return syncFolder(filepath.Dir(path))
}

// name gives an unnamed file a hidden name: only renaming replaces another file.
func (f *File) name(path string) error {
	if f.hidden != "" {
		return nil
	}
	hidden := hiddenName(path)
	err := link(f.File, hidden)
	if err == nil {
		f.hidden = hidden
	}
	return err
}

func hiddenName(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:10]+".partial")
}

// remove deletes the hidden name.
func (f *File) remove() error {
	if f.hidden == "" {
		return nil
	}
	return os.Remove(f.hidden)
}

// Discard deletes the file without committing it.
func (f *File) Discard() error { return errors.Join(f.Close(), f.remove()) }

// Replace creates, writes and commits a file. When write fails, nothing has
// changed, and its error is returned unchanged.
func Replace(path string, mode fs.FileMode, write func(*os.File) error) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	if err := write(f.File); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Commit()
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync the folder %s: %w", path, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync the folder %s: %w", path, err)
	}
	return nil
}
