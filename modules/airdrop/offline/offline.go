// Package offline is the airdrop work that needs no server: lists and tree
// files on disk in, tree files and answers out. The commands of
// `banyan airdrop` stand on it, and so may any program.
package offline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"banyan/platform/fault"
)

// Stdio is the path that means standard input or output.
const Stdio = "-"

// Desk is where the work is done.
type Desk struct {
	Now func() time.Time
	In  io.Reader // what the path "-" reads
	Out io.Writer // what the path "-" writes
	// Progress is told how far long work is, in units of the same kind as
	// total; nil tells nobody. total is 0 when it is not known.
	Progress func(stage string, done, total int64)
}

func (d Desk) progress(stage string, done, total int64) {
	if d.Progress != nil {
		d.Progress(stage, done, total)
	}
}

// since is how long it took, in seconds.
func (d Desk) since(start time.Time) float64 { return d.Now().Sub(start).Seconds() }

// open opens an input and gives its size, 0 when it is not known.
func (d Desk) open(path string) (in io.ReadCloser, size int64, err error) {
	if path == Stdio {
		return io.NopCloser(d.In), 0, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Wrap(err, fault.NotFound, "there is no file "+path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", path, err)
	}
	about, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(err, file.Close())
	case about.IsDir():
		return nil, 0, errors.Join(fault.Newf(fault.Invalid, "%s is a folder: name a file", path), file.Close())
	case about.Mode().IsRegular():
		size = about.Size()
	}
	return file, size, nil
}
