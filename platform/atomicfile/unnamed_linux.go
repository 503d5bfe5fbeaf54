package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createUnnamed creates a file in path's folder without a name, so that it
// disappears with a process that is killed. Its errors name path. It returns
// nil where the file system has no such files, or does not let them be named
// later: that is tried first with another one, because after hours of work is
// too late to find out.
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

// link gives an unnamed file a name that is not in use.
func link(f *os.File, name string) error {
	from := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	return os.NewSyscallError("linkat", unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW))
}
