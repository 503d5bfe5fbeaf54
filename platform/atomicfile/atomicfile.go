// Package atomicfile writes files that are there whole or not at all, also
// after a power cut: without a name in the same folder, or where the system has
// no such files under a hidden one; then synced, renamed, and the folder synced.
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

// File is a file in the making. Write to it, then Commit or Discard.
type File struct {
	*os.File
	path   string
	mode   fs.FileMode
	hidden string // its name until it is complete; "" while it has none
}

// Create begins a file that will stand at path with this mode. An older file
// there stays as it is until Commit. It fails with fault.Invalid where a folder,
// a device or a pipe is: a file must not take the place of /dev/null.
func Create(path string, mode fs.FileMode) (*File, error) {
	if about, err := os.Stat(path); err == nil && !about.Mode().IsRegular() {
		return nil, fault.Newf(fault.Invalid, "%s is no regular file, and a file cannot take its place: name another one", path)
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

// Commit puts the file in its place, or discards it and says why it could not.
func (f *File) Commit() error { return f.CommitAs(f.path) }

// CommitAs is Commit under another path in the same folder, for a file whose
// name follows from what is in it.
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

// name gives a file without a name a hidden one: only renaming replaces another.
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

// remove takes the hidden name away.
func (f *File) remove() error {
	if f.hidden == "" {
		return nil
	}
	return os.Remove(f.hidden)
}

// Discard gives the file up.
func (f *File) Discard() error { return errors.Join(f.Close(), f.remove()) }

// Replace writes a file at once. When write fails, nothing has changed, and its
// error is given as it is.
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

// syncFolder makes a rename last.
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
