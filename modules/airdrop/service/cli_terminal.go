package service

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"banyan/modules/airdrop/offline"
)

// openRunner returns the Runner of a command, with a progress bar when stderr
// is a terminal. stop removes the bar.
func openRunner(c *cobra.Command) (runner offline.Runner, stop func()) {
	runner = offline.Runner{Now: time.Now, In: interruptible(c.Context(), c.InOrStdin()), Out: c.OutOrStdout()}
	width := columns(c.ErrOrStderr())
	if width < narrowest {
		return runner, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	runner.Progress = func(stage string, done, total int64) {
		if stage != shown {
			if bar != nil {
				_ = bar.Clear() // a bar that cannot be drawn must not end the work
			}
			if total == 0 {
				total = -1 // a spinner
			}
			bar = progressbar.NewOptions64(total, append(inUnits(stage, width), progressbar.OptionSetWriter(c.ErrOrStderr()),
				progressbar.OptionSetDescription(stage), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish())...)
			shown = stage
		}
		_ = bar.Set64(done)
	}
	return runner, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}

const (
	narrowest = 30 // columns that a bar needs by itself
	wide      = 60 // columns where speed and remaining time fit beside it
)

// inUnits returns the options that show what a stage counts
// (merkle.Options.Progress), if the terminal is wide enough: a bar longer than
// its line would leave remains.
func inUnits(stage string, width int) []progressbar.Option {
	if width < wide {
		return []progressbar.Option{progressbar.OptionSetWidth(8), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false)}
	}
	options := []progressbar.Option{progressbar.OptionSetPredictTime(true)}
	switch stage {
	case "sorting", "sharding":
		return append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"))
	case "building":
		return append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("nodes"))
	}
	return append(options, progressbar.OptionShowBytes(true))
}

// columns returns the width of a terminal, 0 when w is not one.
func columns(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	switch {
	case err != nil:
		return 0
	case width == 0: // a terminal that does not report its width
		return wide
	}
	return width
}

// interruptible returns a reader that fails when the context ends, also while
// it waits for a person or a pipe: no system call would interrupt that read.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	file, ok := in.(*os.File)
	if !ok {
		return in
	}
	if about, err := file.Stat(); err == nil && about.Mode().IsRegular() {
		return in
	}
	return &interruptibleReader{ctx: ctx, in: in}
}

// interruptibleReader reads nothing before its first Read: the input may be
// meant for the next command.
type interruptibleReader struct {
	ctx  context.Context
	in   io.Reader
	pipe *io.PipeReader
}

func (r *interruptibleReader) Read(p []byte) (int, error) {
	if r.pipe == nil {
		r.begin()
	}
	return r.pipe.Read(p)
}

// begin starts the copying. When the context ends, the copying still waits for
// the input; it ends with the input or with the program.
func (r *interruptibleReader) begin() {
	read, write := io.Pipe()
	r.pipe = read
	context.AfterFunc(r.ctx, func() { _ = write.CloseWithError(r.ctx.Err()) })
	go func() {
		// Without the file's own WriteTo, which uses no large buffer.
		_, err := io.CopyBuffer(write, struct{ io.Reader }{r.in}, make([]byte, 256<<10))
		_ = write.CloseWithError(err)
	}()
}
