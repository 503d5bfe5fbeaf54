// Package offline is the airdrop work that needs no server: lists and tree
// files on disk in, tree files and answers out. The commands of `banyan
// airdrop` use it, and so may any program.
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

// Runner runs the jobs of this package with its streams and clock.
type Runner struct {
	Now func() time.Time
	In  io.Reader // what the path "-" reads
	Out io.Writer // what the path "-" writes
	// Progress is called with the progress of long work, in the same units as
	// total; it may be nil. total is 0 when it is not known.
	Progress func(stage string, done, total int64)
}

func (r Runner) progress(stage string, done, total int64) {
	if r.Progress != nil {
		r.Progress(stage, done, total)
	}
}

// since returns the time since start, in seconds.
func (r Runner) since(start time.Time) float64 { return r.Now().Sub(start).Seconds() }

// open opens an input and returns its size in bytes, 0 when it is not known.
func (r Runner) open(path string) (in io.ReadCloser, size int64, err error) {
	if path == Stdio {
		return io.NopCloser(r.In), 0, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Wrap(err, fault.NotFound, "the file "+path+" does not exist: check its name and the folder")
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
