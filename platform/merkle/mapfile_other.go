//go:build !unix

package merkle

import (
	"fmt"
	"io"
	"os"
)

// mapFile reads the whole file, on systems where mapping is not available.
func mapFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, openFailed(err)
	}
	defer func() { _ = file.Close() }() // only read
	size, err := sizeOf(file)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("read the tree file %s: %w", path, err)
	}
	return data, nil
}

func unmapFile([]byte) error { return nil }
