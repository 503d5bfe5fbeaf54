package trustlist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// stdin is the path of standard input.
const stdin = "-"

// Inputs are a trust list and how to rank it. Everything but Seeds, HalfLife,
// Stdin and Progress must be given; trust has the defaults.
type Inputs struct {
	Trust, Seeds    string // paths, "-" = Stdin
	UniformPreTrust bool   // trust everybody from the start, instead of Seeds
	HalfLife        time.Duration
	At              int64 // UTC milliseconds that ages are counted from; trust.NoTime = the list's latest
	Parameters      trust.Parameters
	Options         trust.Options

	Stdin    io.Reader
	Progress func(read, size int64) // bytes of the trust list; nil = not told
}

// loaded is a list that was read and ranked.
type loaded struct {
	names   *trust.Interner[string]
	seeds   []trust.Seed
	graph   *trust.Graph
	pre     trust.PreTrust
	ranking trust.Ranking
}

// check refuses bad usage before anything long begins. Its faults name flags.
func (in Inputs) check() error {
	switch {
	case in.Trust == "":
		return fault.UsageOf("--trust", "name the trust list: a CSV file of source,target[,weight[,time]]")
	case in.Parameters.Method != trust.MethodBanyan && in.Parameters.Method != trust.MethodEigenTrust:
		return fault.UsageOf("--method", fmt.Sprintf("choose %s or %s", trust.MethodBanyan, trust.MethodEigenTrust))
	case in.Seeds == "" && !in.UniformPreTrust:
		return fault.UsageOf("--seeds", fault.From(trust.NoSeeds()).Message+
			" (a CSV file of id[,weight]). To compare with trust in everybody alike, ask for it with --uniform-pretrust")
	case !(in.Options.Alpha > 0 && in.Options.Alpha <= 1):
		return fault.UsageOf("--alpha", "the share that returns to the seeds in each step is over 0 and at most 1")
	case !(in.Options.Epsilon > 0 && in.Options.Epsilon <= 1):
		return fault.UsageOf("--epsilon", "the change to stop at is over 0 and at most 1")
	case in.Options.MaxIterations <= 0:
		return fault.UsageOf("--max-iterations", "at least one iteration is needed")
	case in.Seeds != "" && in.UniformPreTrust:
		return fault.UsageOf("--uniform-pretrust", "trust comes from the seeds or from everybody: leave one of the two out")
	case in.Trust == stdin && in.Seeds == stdin:
		return fault.UsageOf("--seeds", "only one of the lists can be standard input: name a file for the other")
	}
	for _, l := range in.Parameters.Limits() {
		if wrong := l.Wrong(); wrong != "" {
			return fault.UsageOf("--"+strings.ReplaceAll(l.Name, "_", "-"), wrong)
		}
	}
	return nil
}

// load reads the lists and ranks them. keep, unless it is nil, gets every edge,
// its nodes numbered as in the graph, once all are read.
func (in Inputs) load(ctx context.Context, report *Report, keep func([]trust.Edge)) (loaded, error) {
	report.Method, report.Alpha, report.Epsilon = in.Parameters.Method, in.Options.Alpha, in.Options.Epsilon
	l := loaded{names: trust.NewInterner[string](0)}
	edges, latest, err := in.readTrust(ctx, l.names, report, keep)
	if err != nil {
		return l, err
	}
	if err := in.preTrust(ctx, &l, report); err != nil {
		return l, err
	}
	decay, err := in.decay(latest)
	if err != nil {
		return l, err
	}
	if l.graph, err = trust.NewGraph(l.names.Len(), edges, decay); err != nil {
		return l, err
	}
	if l.ranking, err = trust.Rank(ctx, l.graph, l.pre, in.Parameters, in.Options); err != nil {
		return l, err
	}
	counts := l.graph.Counts()
	report.Nodes, report.Edges, report.Iterations = l.graph.Nodes(), counts.Rows, l.ranking.Iterations
	report.Repeated, report.Self, report.Zero, report.Negative = counts.Repeated, counts.Self, counts.Zero, counts.Negative
	report.EdgesUsed = counts.Positive
	if in.Parameters.Method == trust.MethodBanyan {
		report.EdgesUsed += counts.Negative
	}
	return l, nil
}

// readTrust numbers the ids in the order of their bytes, so that scores do not
// depend on the order of the rows, and returns the latest time.
func (in Inputs) readTrust(ctx context.Context, names *trust.Interner[string], report *Report, keep func([]trust.Edge)) (*trust.Edges, int64, error) {
	edges, latest := &trust.Edges{}, trust.NoTime
	var kept []trust.Edge
	err := in.readFile(in.Trust, in.Progress, func(r io.Reader) error {
		read, err := Read(ctx, r, table.Options{Limits: decompress.Files()}, Named(names), func(row Row[uint32]) error {
			latest = max(latest, row.Time)
			edge := trust.Edge{Source: row.Source, Target: row.Target, Weight: row.Weight, Time: row.Time}
			if keep != nil {
				kept = append(kept, edge)
			} else if in.HalfLife == 0 {
				edge.Time = trust.NoTime // nothing fades, so times need not be kept
			}
			return edges.Add(edge)
		})
		report.pass(in.Trust, Passed(read))
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	number := names.Sort(strings.Compare)
	edges.Renumber(number)
	if keep != nil {
		for i := range kept {
			kept[i].Source, kept[i].Target = number[kept[i].Source], number[kept[i].Target]
		}
		keep(kept)
	}
	return edges, latest, nil
}

func (in Inputs) preTrust(ctx context.Context, l *loaded, report *Report) (err error) {
	if in.UniformPreTrust {
		report.Warning = "everybody is trusted alike from the start: sybils can take most of the trust"
		l.pre = trust.Uniform(l.names.Len())
		return nil
	}
	var seeds Seeds
	err = in.readFile(in.Seeds, nil, func(r io.Reader) (err error) {
		var read table.Report
		seeds, read, err = ReadSeeds(ctx, r, decompress.Files(), l.names)
		report.pass(in.Seeds, read.Passed())
		return err
	})
	if err != nil {
		return err
	}
	report.Seeds, report.SeedsUnknown = len(seeds.Known), len(seeds.Unknown)
	if len(seeds.Unknown) > 0 {
		report.Warning = fmt.Sprintf("%d seeds are not in the trust list and were left out: %s", len(seeds.Unknown), seeds.UnknownBrief())
	}
	l.seeds = seeds.Known
	l.pre, err = trust.Seeded(l.names.Len(), seeds.Known)
	return err
}

func (in Inputs) decay(latest int64) (trust.Decay, error) {
	at := in.At
	if at == trust.NoTime {
		at = latest
	}
	if in.HalfLife != 0 && latest == trust.NoTime {
		return trust.Decay{}, fault.UsageOf("--half-life", "no row has a time, so nothing can fade: give the rows a fourth column, or leave the half-life out")
	}
	return trust.Decay{HalfLife: in.HalfLife, At: at}, nil
}

// readFile opens a file, and names it in whatever goes wrong.
func (in Inputs) readFile(path string, progress func(read, size int64), read func(io.Reader) error) error {
	named, r := path, in.Stdin
	if path == stdin {
		named = "standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return fault.Wrap(err, fault.NotFound, "cannot open "+path+": check the name and that you may read it")
		}
		defer func() { _ = f.Close() }() // only read
		r = f
		if progress != nil {
			about, err := f.Stat()
			if err != nil {
				return err
			}
			r = &counted{f, about.Size(), 0, progress}
		}
	}
	err := read(r)
	var known *fault.Fault
	if errors.As(err, &known) { // people see the message alone
		told := known.With()
		told.Message = named + ": " + known.Message
		return told
	}
	if err != nil {
		return fmt.Errorf("%s: %w", named, err)
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
