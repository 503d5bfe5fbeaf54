package atomicfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// createUnnamed makes a file in a folder that has no name there, so that it goes
// with a process that is killed. label is what its errors call it. It is nil
// where the file system has no such files, or /proc, which gives the name, is
// not there.
func createUnnamed(folder, label string) *os.File {
	number, err := unix.Open(folder, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(number), label)
	if _, err := os.Stat(descriptor(f)); err != nil {
		_ = f.Close() // nothing was written
		return nil
	}
	return f
}

// link gives an unnamed file a name that is free.
func link(f *os.File, name string) error {
	return os.NewSyscallError("linkat", unix.Linkat(unix.AT_FDCWD, descriptor(f), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW))
}

func descriptor(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
