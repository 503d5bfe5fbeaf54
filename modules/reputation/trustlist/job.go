package trustlist

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/platform/atomicfile"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// Job ranks the ids of a trust list into a file. Everything but Seeds,
// HalfLife and Progress must be given; trust has the defaults.
type Job struct {
	Trust, Seeds, Out string // paths; Out is replaced as a whole
	UniformPreTrust   bool   // trust everybody from the start, instead of Seeds
	HalfLife          time.Duration
	At                int64 // UTC milliseconds that ages are counted from; trust.NoTime = the list's latest
	Options           trust.Options
	Parameters        trust.Parameters

	Now      func() time.Time
	Progress func(read, size int64) // bytes of the trust list; nil = not told
}

// Report says what a Job did. Edges is the rows read, EdgesUsed the pairs that
// count in the method; the rest is named by why it does not.
type Report struct {
	Nodes        int     `json:"nodes"`
	Edges        int     `json:"edges"`
	EdgesUsed    int     `json:"edges_used"`
	Repeated     int     `json:"edges_repeated"`
	Self         int     `json:"edges_self"`
	Zero         int     `json:"edges_zero"`
	Negative     int     `json:"edges_negative"` // left out by eigentrust, used by banyan
	Seeds        int     `json:"seeds"`
	SeedsUnknown int     `json:"seeds_unknown"`
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

// Run does the job. Nothing is written unless all of it succeeds.
func (j Job) Run(ctx context.Context) (Report, error) {
	begun := j.Now()
	report := Report{Method: j.Parameters.Method, Out: j.Out, Alpha: j.Options.Alpha, Epsilon: j.Options.Epsilon}
	if err := j.check(); err != nil {
		return report, err
	}
	names, edges, latest, err := j.readTrust(ctx, &report)
	if err != nil {
		return report, err
	}
	pre, err := j.preTrust(ctx, names, &report)
	if err != nil {
		return report, err
	}
	decay, err := j.decay(latest)
	if err != nil {
		return report, err
	}
	g, err := trust.NewGraph(names.Len(), edges, decay)
	if err != nil {
		return report, err
	}
	ranking, err := trust.Rank(ctx, g, pre, j.Parameters, j.Options)
	if err != nil {
		return report, err
	}
	counts := g.Counts()
	report.EdgesUsed = counts.Positive
	if j.Parameters.Method == trust.MethodBanyan {
		report.EdgesUsed += counts.Negative
	}
	err = atomicfile.Replace(j.Out, 0o644, func(f *os.File) error { // a ranking is made to be read by others
		text := bufio.NewWriterSize(f, 1<<16)
		if err := writeScores(ctx, text, Order(ranking.Value), ranking, names.Key); err != nil {
			return err
		}
		return text.Flush()
	})
	if err != nil {
		return report, err
	}
	report.Nodes, report.Edges, report.Iterations = g.Nodes(), counts.Rows, ranking.Iterations
	report.Repeated, report.Self, report.Zero = counts.Repeated, counts.Self, counts.Zero
	report.Negative = counts.Negative
	report.Seconds = j.Now().Sub(begun).Seconds()
	return report, nil
}

// check refuses bad usage before anything long begins. Its faults name flags.
func (j Job) check() error {
	switch {
	case j.Trust == "":
		return fault.UsageOf("--trust", "name the trust list: a CSV file of source,target[,weight[,time]]")
	case j.Out == "":
		return fault.UsageOf("--out", "name the file to write the scores to")
	case j.Parameters.Method != trust.MethodBanyan && j.Parameters.Method != trust.MethodEigenTrust:
		return fault.UsageOf("--method", fmt.Sprintf("choose %s or %s", trust.MethodBanyan, trust.MethodEigenTrust))
	case j.Seeds == "" && !j.UniformPreTrust:
		return fault.UsageOf("--seeds", fault.From(trust.NoSeeds()).Message+
			" (a CSV file of id[,weight]). To compare with trust in everybody alike, ask for it with --uniform-pretrust")
	case !(j.Options.Alpha > 0 && j.Options.Alpha <= 1):
		return fault.UsageOf("--alpha", "the share that returns to the seeds in each step is over 0 and at most 1")
	case !(j.Options.Epsilon > 0 && j.Options.Epsilon <= 1):
		return fault.UsageOf("--epsilon", "the change to stop at is over 0 and at most 1")
	case j.Options.MaxIterations <= 0:
		return fault.UsageOf("--max-iterations", "at least one iteration is needed")
	case j.Seeds != "" && j.UniformPreTrust:
		return fault.UsageOf("--uniform-pretrust", "trust comes from the seeds or from everybody: leave one of the two out")
	}
	for _, l := range j.Parameters.Limits() {
		if wrong := l.Wrong(); wrong != "" {
			return fault.UsageOf("--"+strings.ReplaceAll(l.Name, "_", "-"), wrong)
		}
	}
	if folder, err := os.Stat(filepath.Dir(j.Out)); err != nil || !folder.IsDir() {
		return fault.UsageOf("--out", "there is no folder "+filepath.Dir(j.Out)+": make it first")
	}
	out, err := os.Stat(j.Out)
	if err != nil {
		return nil //nolint:nilerr // not there yet, or writing will say why not
	}
	if !out.Mode().IsRegular() {
		return fault.UsageOf("--out", j.Out+" is not a file: the scores replace a whole file")
	}
	for _, in := range []string{j.Trust, j.Seeds} {
		if i, err := os.Stat(in); err == nil && os.SameFile(i, out) {
			return fault.UsageOf("--out", j.Out+" is one of the inputs: choose another name")
		}
	}
	return nil
}

// readTrust numbers the ids in the order of their bytes, so that scores do not
// depend on the order of the rows, and gives the latest time.
func (j Job) readTrust(ctx context.Context, report *Report) (names *trust.Interner[string], edges *trust.Edges, latest int64, err error) {
	names, edges, latest = trust.NewInterner[string](0), &trust.Edges{}, trust.NoTime
	err = readFile(j.Trust, j.Progress, func(r io.Reader) error {
		read, err := Read(ctx, r, decompress.Files(), Named(names), func(row Row[uint32]) error {
			latest = max(latest, row.Time)
			if j.HalfLife == 0 {
				row.Time = trust.NoTime // nothing fades, so times need not be kept
			}
			return edges.Add(trust.Edge{Source: row.Source, Target: row.Target, Weight: row.Weight, Time: row.Time})
		})
		report.pass(j.Trust, Passed(read))
		return err
	})
	if err != nil {
		return nil, nil, 0, err
	}
	edges.Renumber(names.Sort(strings.Compare))
	return names, edges, latest, nil
}

func (j Job) preTrust(ctx context.Context, names *trust.Interner[string], report *Report) (trust.PreTrust, error) {
	if j.UniformPreTrust {
		report.Warning = "everybody is trusted alike from the start: sybils can take most of the trust"
		return trust.Uniform(names.Len()), nil
	}
	var seeds Seeds
	err := readFile(j.Seeds, nil, func(r io.Reader) (err error) {
		var read table.Report
		seeds, read, err = ReadSeeds(ctx, r, decompress.Files(), names)
		report.pass(j.Seeds, read.Passed())
		return err
	})
	if err != nil {
		return trust.PreTrust{}, err
	}
	report.Seeds, report.SeedsUnknown = len(seeds.Known), len(seeds.Unknown)
	if len(seeds.Unknown) > 0 {
		report.Warning = fmt.Sprintf("%d seeds are not in the trust list and were left out: %s", len(seeds.Unknown), seeds.UnknownBrief())
	}
	return trust.Seeded(names.Len(), seeds.Known)
}

// pass notes what of a list was not used.
func (r *Report) pass(path, text string) {
	if text != "" {
		r.Passed = append(r.Passed, path+": "+text)
	}
}

func (j Job) decay(latest int64) (trust.Decay, error) {
	at := j.At
	if at == trust.NoTime {
		at = latest
	}
	if j.HalfLife != 0 && latest == trust.NoTime {
		return trust.Decay{}, fault.UsageOf("--half-life", "no row has a time, so nothing can fade: give the rows a fourth column, or leave the half-life out")
	}
	return trust.Decay{HalfLife: j.HalfLife, At: at}, nil
}

// readFile opens a file, and names it in whatever goes wrong.
func readFile(path string, progress func(read, size int64), read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(err, fault.NotFound, "cannot open "+path+": check the name and that you may read it")
	}
	defer func() { _ = f.Close() }() // only read
	var r io.Reader = f
	if progress != nil {
		about, err := f.Stat()
		if err != nil {
			return err
		}
		r = &counted{f, about.Size(), 0, progress}
	}
	err = read(r)
	var known *fault.Fault
	if errors.As(err, &known) { // people see the message alone
		named := known.With()
		named.Message = path + ": " + known.Message
		return named
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// counted tells how far a file has been read.
type counted struct {
	file       io.Reader
	size, read int64
	tell       func(read, size int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.read += int64(n)
	c.tell(c.read, c.size)
	return n, err
}
