package service

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/fault"
)

// Commands returns `banyan reputation …`.
func Commands() *cobra.Command {
	group := &cobra.Command{
		Use:   reputation.Name,
		Short: "Compute who can be trusted, and why",
		Args:  cobra.NoArgs,
	}
	group.AddCommand(rankCommand())
	return group
}

// rankFlags are the flags whose syntax cobra does not know.
type rankFlags struct {
	halfLife, at string
	json         bool
}

func rankCommand() *cobra.Command {
	job := trustlist.Job{Now: time.Now}
	var flags rankFlags
	c := &cobra.Command{
		Use:   "rank --trust TRUST.csv --seeds SEEDS.csv --out SCORES.csv",
		Short: "Rank the ids of a trust list, without a server",
		Long: `Rank reads who trusts whom and writes id,score,rank,percentile,weight by rank, with
the method and the constants of the server.

TRUST.csv is source,target[,weight[,time]]: ids are any text, a weight below zero
is distrust and none is 1, times are seconds since 1970, RFC 3339 or days.
SEEDS.csv is id[,weight]: who the community is sure of; trust starts there.
Headers are optional: they name the columns, also as i,j,v and from,to,value do,
and columns without a use are named. Lines that begin with # are comments.
Cells may be separated by commas, semicolons or tabs, and both files may be
compressed with gzip or zstd. Of two rows between the same two ids the later
counts, one of weight 0 takes back what was said before, and nobody's trust in
themselves counts.

Methods:
  banyan      what those trusted say of an id, good and bad, from -2 to 1: above 0 is
              trusted, below 0 distrusted; a unit of trust is what the most trusted
              have who together hold half of it
  eigentrust  the share of all trust that an id ends up with; distrust is left out
Who scores 0 has no standing, and like the distrusted no rank. The weight, 0 to 1,
is what an id's word may weigh elsewhere: half is as much evidence as doubt.`,
		Example: `  banyan reputation rank --trust trust.csv --seeds seeds.csv --out scores.csv
  banyan reputation rank --trust trust.csv.zst --seeds seeds.csv --method eigentrust --half-life 180d --out scores.csv --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := flags.apply(&job); err != nil {
				return err
			}
			stop := showProgress(&job, c.ErrOrStderr())
			report, err := job.Run(c.Context())
			stop()
			if err != nil {
				return err
			}
			return printReport(c, report, flags.json)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Trust, "trust", "", "who trusts whom: source,target[,weight[,time]]")
	f.StringVar(&job.Seeds, "seeds", "", "who is trusted from the start: id[,weight]")
	f.StringVar(&job.Out, "out", "", "the file for the scores; an existing one is replaced")
	f.StringVar(&job.Parameters.Method, "method", trust.DefaultMethod, trust.MethodBanyan+" or "+trust.MethodEigenTrust)
	f.Float64Var(&job.Options.Alpha, "alpha", trust.DefaultAlpha, "share of trust that returns to the seeds in each step")
	f.Float64Var(&job.Options.Epsilon, "epsilon", trust.DefaultEpsilon, "stop when a step changes the scores by no more than this (L2)")
	f.IntVar(&job.Options.MaxIterations, "max-iterations", trust.DefaultMaxIterations, "fail after so many steps")
	f.StringVar(&flags.halfLife, "half-life", "", "a statement of this age counts half, for example 180d or 720h; without it nothing decays")
	f.StringVar(&flags.at, "at", "", "the time that ages are counted from; without it the latest in the list")
	f.BoolVar(&job.UniformPreTrust, "uniform-pretrust", false, "trust everybody alike from the start, instead of seeds; open to sybils")
	f.Float64Var(&job.Parameters.Voice, "voice", trust.DefaultVoice, "banyan: the trust, in units, with which praise counts half")
	f.Float64Var(&job.Parameters.AccusingVoice, "accusing-voice", trust.DefaultAccusingVoice, "banyan: the trust, in units, with which distrust counts half")
	f.Float64Var(&job.Parameters.Doubt, "doubt", trust.DefaultDoubt, "banyan: the evidence, in units, that everybody starts with a lack of")
	f.Float64Var(&job.Parameters.Cap, "cap", trust.DefaultCap, "banyan: the most that one rater contributes, in doubts")
	f.Float64Var(&job.Parameters.Distrust, "distrust", trust.DefaultDistrust, "banyan: what distrust weighs beside praise; 0 leaves it out")
	f.Float64Var(&job.Parameters.Conduct, "conduct", trust.DefaultConduct, "banyan: what ratings that the trusted contradict cost their author, up to 1; 0 leaves them out")
	f.BoolVar(&flags.json, "json", false, "print the report as JSON")
	return c
}

// apply parses the flags that have a syntax of their own.
func (f rankFlags) apply(job *trustlist.Job) (err error) {
	if f.halfLife != "" {
		if job.HalfLife, err = trustlist.ParseHalfLife(f.halfLife); err != nil {
			return fault.UsageOf("--half-life", err.Error())
		}
	}
	job.At = trust.NoTime
	if f.at != "" {
		if job.At, err = trustlist.ParseTime(f.at); err != nil {
			return fault.UsageOf("--at", err.Error())
		}
	}
	return nil
}

// showProgress draws a bar when stderr is a terminal. stop removes it.
func showProgress(job *trustlist.Job, stderr io.Writer) (stop func()) {
	if f, ok := stderr.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	bar := progressbar.NewOptions64(0, progressbar.OptionSetWriter(stderr), progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	job.Progress = func(read, size int64) {
		bar.ChangeMax64(size)
		_ = bar.Set64(read) // a bar that cannot be drawn must not end the work
	}
	return func() { _ = bar.Finish() }
}

func printReport(c *cobra.Command, r trustlist.Report, asJSON bool) error {
	if r.Warning != "" {
		fmt.Fprintln(c.ErrOrStderr(), "warning:", r.Warning)
	}
	for _, passed := range r.Passed {
		fmt.Fprintln(c.ErrOrStderr(), passed)
	}
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(r)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "ranked %d ids from %d edges and %d seeds by %s in %.2f s (%d iterations): %s\n",
		r.Nodes, r.Edges, r.Seeds, r.Method, r.Seconds, r.Iterations, r.Out)
	if err == nil && r.Method == trust.MethodEigenTrust && r.Negative > 0 {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d edges of distrust were left out: --method banyan uses them\n", r.Negative)
	}
	return err
}
