package merkle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"banyan/platform/fault"
)

// openFailed says what to do about a tree file that cannot be opened.
func openFailed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "there is no such tree file: make it with banyan airdrop build --out")
	}
	return fmt.Errorf("open the tree file: %w", err)
}

// sizeOf gives the size of a regular file.
func sizeOf(file *os.File) (int, error) {
	about, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("open the tree file: %w", err)
	}
	if !about.Mode().IsRegular() {
		return 0, fault.Newf(fault.Invalid, "%s is no file: name a tree file", file.Name())
	}
	return int(about.Size()), nil
}
