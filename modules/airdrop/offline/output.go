package offline

import (
	"bufio"
	"errors"
	"io"
	"os"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// output is a file that appears under its name when it is complete, and not
// at all otherwise.
type output struct {
	*bufio.Writer
	file *atomicfile.File // nil when it is standard output
}

// create begins an output; finish ends it.
func (d Desk) create(path string) (*output, error) {
	if path == Stdio {
		return &output{Writer: bufio.NewWriterSize(d.Out, 256<<10)}, nil
	}
	file, err := atomicfile.Create(path, 0o644) // results are to be shared
	if err != nil {
		return nil, err
	}
	return &output{Writer: bufio.NewWriterSize(file, 256<<10), file: file}, nil
}

// finish keeps the output when err is nil and drops it otherwise. It gives
// err, or why keeping failed.
func (o *output) finish(err error) error {
	if err == nil {
		err = o.Flush()
	}
	switch {
	case o.file == nil:
		return err
	case err != nil:
		return errors.Join(err, o.file.Discard())
	}
	return o.file.Commit()
}

var _ io.Writer = (*output)(nil)

// keepInputs refuses an output that would take the place of an input: a list is
// rarely meant to be replaced by its tree, and gone.
func keepInputs(out string, inputs ...string) error {
	if out == Stdio {
		return nil
	}
	about, err := os.Stat(out)
	if err != nil {
		return nil //nolint:nilerr // nothing is there that could be lost
	}
	for _, in := range inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(about, other) {
			return fault.UsageOf("--out", out+" is what is to be read: name another file")
		}
	}
	return nil
}
