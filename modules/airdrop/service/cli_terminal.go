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

// openDesk gives the commands their surroundings, with a progress bar when
// stderr is a terminal. stop clears the bar away.
func openDesk(c *cobra.Command) (desk offline.Desk, stop func()) {
	desk = offline.Desk{Now: time.Now, In: interruptible(c.Context(), c.InOrStdin()), Out: c.OutOrStdout()}
	width := columns(c.ErrOrStderr())
	if width < narrowest {
		return desk, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	desk.Progress = func(stage string, done, total int64) {
		if stage != shown {
			if bar != nil {
				_ = bar.Clear() // a bar that cannot be drawn is no reason to stop
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
	return desk, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}

const (
	narrowest = 30 // columns that a bar needs by itself
	roomy     = 60 // columns where speed and remaining time fit beside it
)

// inUnits says what a stage counts (merkle.Options.Progress), where there is
// room: a bar longer than its line would leave a trail.
func inUnits(stage string, width int) []progressbar.Option {
	if width < roomy {
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

// columns is the width of a terminal, 0 when w is none.
func columns(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	switch {
	case err != nil:
		return 0
	case width == 0: // a terminal that does not say
		return roomy
	}
	return width
}

// interruptible lets a command that waits for a person or a pipe end with its
// context: no system call would wake the read.
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

// interruptibleReader reads nothing before it is asked: the input may be meant
// for the next command.
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

// begin starts the copying. When the context ends, it goes on waiting for the
// input, and ends with that or with the program.
func (r *interruptibleReader) begin() {
	read, write := io.Pipe()
	r.pipe = read
	context.AfterFunc(r.ctx, func() { _ = write.CloseWithError(r.ctx.Err()) })
	go func() {
		// Without the file's own ways to copy, which know no large buffer.
		_, err := io.CopyBuffer(write, struct{ io.Reader }{r.in}, make([]byte, 256<<10))
		_ = write.CloseWithError(err)
	}()
}
