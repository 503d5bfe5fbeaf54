package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"banyan/platform/fault"
)

// Stdio is the path that means standard output.
const Stdio = "-"

// Output writes what a command was asked for to a path: a file as a whole or not
// at all, where a link leads to, and into a pipe, a device or standard output as
// it comes. stdout is for the path Stdio.
func Output(path string, stdout io.Writer, mode fs.FileMode, write func(io.Writer) error) error {
	if ToStdout(path) {
		return write(stdout)
	}
	target, err := follow(path)
	if err != nil {
		return err
	}
	if about, err := os.Stat(target); err == nil && !about.Mode().IsRegular() {
		if about.IsDir() {
			return fault.Newf(fault.Invalid, "%s is a folder: name a file in it", path)
		}
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return errors.Join(write(f), f.Close())
	}
	return Replace(target, mode, func(f *os.File) error { return write(f) })
}

// ToStdout reports whether a path is standard output: Stdio, or another name of
// it such as /dev/stdout. A file that is also standard output must not be
// replaced, because whoever opened it would not see what was written.
func ToStdout(path string) bool {
	if path == Stdio {
		return true
	}
	about, err := os.Stat(path)
	if err != nil {
		return false
	}
	out, err := os.Stdout.Stat()
	return err == nil && os.SameFile(about, out)
}

// follow returns where links lead, also to what does not exist yet.
func follow(path string) (string, error) {
	for range 40 { // as many as Linux follows
		about, err := os.Lstat(path)
		if err != nil || about.Mode()&fs.ModeSymlink == 0 {
			return path, nil //nolint:nilerr // not there yet, or writing will say why not
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", fmt.Errorf("follow the link %s: %w", path, err)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", fault.Newf(fault.Invalid, "%s leads from link to link without an end: name the file itself", path)
}
