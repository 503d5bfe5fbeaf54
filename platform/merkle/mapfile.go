package merkle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"banyan/platform/fault"
)

// openError returns the error of a tree file that cannot be opened.
func openError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "the tree file does not exist: build it with banyan airdrop build --out")
	}
	return fmt.Errorf("open the tree file: %w", err)
}

// sizeOf returns the size of a regular file, in bytes.
func sizeOf(file *os.File) (int, error) {
	about, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("open the tree file: %w", err)
	}
	if !about.Mode().IsRegular() {
		return 0, fault.Newf(fault.Invalid, "%s is not a file: name a tree file", file.Name())
	}
	return int(about.Size()), nil
}
