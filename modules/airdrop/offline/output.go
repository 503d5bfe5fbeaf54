package offline

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// output is a file that appears under its name when it is complete, and not
// at all otherwise.
type output struct {
	*bufio.Writer
	path      string
	temporary *os.File // nil when it is standard output
}

// create begins an output; keep or drop ends it.
func (d Desk) create(path string) (*output, error) {
	if path == Stdio {
		return &output{Writer: bufio.NewWriterSize(d.Out, 256<<10), path: path}, nil
	}
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("name a temporary file: %w", err)
	}
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+hex.EncodeToString(random[:])+".tmp")
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // results are to be shared
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &output{Writer: bufio.NewWriterSize(file, 256<<10), path: path, temporary: file}, nil
}

// finish keeps the output when err is nil and drops it otherwise. It gives
// err, or why keeping failed.
func (o *output) finish(err error) error {
	if err == nil {
		err = o.Flush()
	}
	if o.temporary == nil {
		return err
	}
	if err == nil {
		err = o.temporary.Sync()
	}
	err = errors.Join(err, o.temporary.Close())
	if err == nil {
		err = os.Rename(o.temporary.Name(), o.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.temporary.Name()))
	}
	return nil
}

var _ io.Writer = (*output)(nil)
