package trustlist

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// Job ranks the ids of a trust list into a file.
type Job struct {
	Inputs
	Out    string // replaced as a whole; "-" = Stdout
	Stdout io.Writer
	Now    func() time.Time
}

// Report says what was read and computed. Edges is the rows read, EdgesUsed the
// pairs that count in the method; the rest is named by why it does not.
type Report struct {
	Nodes        int     `json:"nodes"`
	Edges        int     `json:"edges"`
	EdgesUsed    int     `json:"edges_used"`
	Repeated     int     `json:"edges_repeated"` // a later row between the same two counts instead
	Self         int     `json:"edges_self"`
	Zero         int     `json:"edges_zero"`
	Negative     int     `json:"edges_negative"` // left out by eigentrust, used by banyan
	Seeds        int     `json:"seeds"`
	SeedsUnknown int     `json:"seeds_unknown"`
	Ranked       int     `json:"ranked"` // ids with a score over 0
	Method       string  `json:"method"`
	Alpha        float64 `json:"alpha"`
	Epsilon      float64 `json:"epsilon"`
	Iterations   int     `json:"iterations"`
	Seconds      float64 `json:"seconds"`
	Out          string  `json:"out"`
	Warning      string  `json:"warning,omitempty"`
	// Passed says what of the lists was not used, by their paths.
	Passed []string `json:"passed_over,omitempty"`
}

// pass notes what of a list was not used.
func (r *Report) pass(path, text string) {
	if text != "" {
		r.Passed = append(r.Passed, path+": "+text)
	}
}

// Run does the job. Nothing is written unless all of it succeeds.
func (j Job) Run(ctx context.Context) (Report, error) {
	begun := j.Now()
	report := Report{Out: j.Out}
	if err := j.check(); err != nil {
		return report, err
	}
	if err := j.checkOut(); err != nil {
		return report, err
	}
	l, err := j.load(ctx, &report, nil)
	if err != nil {
		return report, err
	}
	places := Order(l.ranking.Value)
	for _, p := range places {
		if p.Rank > 0 {
			report.Ranked++
		}
	}
	err = atomicfile.Output(j.Out, j.Stdout, 0o644, func(w io.Writer) error { // a ranking is made to be read by others
		text := bufio.NewWriterSize(w, 1<<16)
		if err := writeScores(ctx, text, places, l.ranking, l.names.Key); err != nil {
			return err
		}
		return text.Flush()
	})
	if err != nil {
		return report, err
	}
	report.Seconds = j.Now().Sub(begun).Seconds()
	return report, nil
}

func (j Job) checkOut() error {
	if j.Out == "" {
		return fault.UsageOf("--out", "name the file to write the scores to, or - for standard output")
	}
	if atomicfile.ToStdout(j.Out) {
		return nil
	}
	if folder, err := os.Stat(filepath.Dir(j.Out)); err != nil || !folder.IsDir() {
		return fault.UsageOf("--out", "there is no folder "+filepath.Dir(j.Out)+": make it first")
	}
	out, err := os.Stat(j.Out)
	if err != nil {
		return nil //nolint:nilerr // not there yet, or writing will say why not
	}
	if out.IsDir() {
		return fault.UsageOf("--out", j.Out+" is not a file: the scores replace a whole file")
	}
	for _, in := range []string{j.Trust, j.Seeds} {
		if i, err := os.Stat(in); err == nil && os.SameFile(i, out) {
			return fault.UsageOf("--out", j.Out+" is one of the inputs: choose another name")
		}
	}
	return nil
}
