package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createUnnamed makes a file in path's folder that has no name there, so that it
// goes with a process that is killed. Its errors call it path. It is nil where
// the file system has no such files, or lets none of them have a name later: that
// is tried with another one, for after hours of work is too late to learn it.
func createUnnamed(path string) *os.File {
	trial, err := openUnnamed(path)
	if err != nil {
		return nil
	}
	name := hiddenName(path)
	if err = link(trial, name); err == nil {
		err = os.Remove(name)
	}
	if errors.Join(err, trial.Close()) != nil {
		return nil
	}
	f, err := openUnnamed(path)
	if err != nil {
		return nil
	}
	return f
}

func openUnnamed(path string) (*os.File, error) {
	number, err := unix.Open(filepath.Dir(path), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	return os.NewFile(uintptr(number), path), nil
}

// link gives an unnamed file a name that is free.
func link(f *os.File, name string) error {
	from := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	return os.NewSyscallError("linkat", unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW))
}
