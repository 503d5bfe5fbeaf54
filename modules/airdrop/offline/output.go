package offline

import (
	"bufio"
	"errors"
	"io"
	"os"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// output is a file that appears under its name only when it is complete.
type output struct {
	*bufio.Writer
	file *atomicfile.File // nil when it is standard output
}

// create opens an output; finish closes it.
func (r Runner) create(path string) (*output, error) {
	if path == Stdio {
		return &output{Writer: bufio.NewWriterSize(r.Out, 256<<10)}, nil
	}
	file, err := atomicfile.Create(path, 0o644) // results are to be shared
	if err != nil {
		return nil, err
	}
	return &output{Writer: bufio.NewWriterSize(file, 256<<10), file: file}, nil
}

// finish commits the output when err is nil and discards it otherwise. It
// returns err, or why committing failed.
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

// refuseOverwriting refuses an output that would replace one of the inputs:
// nobody means to replace a list by its tree.
func refuseOverwriting(out string, inputs ...string) error {
	if out == Stdio {
		return nil
	}
	about, err := os.Stat(out)
	if err != nil {
		return nil //nolint:nilerr // no file there that could be lost
	}
	for _, in := range inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(about, other) {
			return fault.UsageOf("--out", out+" is also the input, which would be overwritten: name another file")
		}
	}
	return nil
}
