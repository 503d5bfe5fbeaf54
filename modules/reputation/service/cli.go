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
	group.AddCommand(rankCommand(), explainCommand(), evaluateCommand(), boundCommand(), attestationCommand())
	return group
}

// inputFlags are the flags that every command over a trust list has.
type inputFlags struct {
	trustlist.Inputs
	halfLife, at string
	json         bool
}

func (f *inputFlags) add(c *cobra.Command) {
	s, p := c.Flags(), trust.Standard()
	s.StringVar(&f.Trust, "trust", "", "who trusts whom: source,target[,weight[,time]]; - is standard input")
	s.StringVar(&f.Seeds, "seeds", "", "who is trusted from the start: id[,weight]; - is standard input")
	s.StringVar(&f.Parameters.Method, "method", p.Method, trust.MethodBanyan+" or "+trust.MethodEigenTrust)
	s.Float64Var(&f.Options.Alpha, "alpha", trust.DefaultAlpha, "share of trust that returns to the seeds in each step")
	s.Float64Var(&f.Options.Epsilon, "epsilon", trust.DefaultEpsilon, "stop when a step changes the scores by no more than this (L2)")
	s.IntVar(&f.Options.MaxIterations, "max-iterations", trust.DefaultMaxIterations, "fail after so many steps")
	s.StringVar(&f.halfLife, "half-life", "off", "a statement of this age counts half, for example 180d or 720h")
	s.StringVar(&f.at, "at", "", "the time that ages are counted from; without it the latest in the list")
	s.BoolVar(&f.UniformPreTrust, "uniform-pretrust", false, "trust everybody alike from the start, instead of seeds; open to sybils")
	s.Float64Var(&f.Parameters.Reserve, "reserve", p.Reserve, "banyan: what a rater holds back, in its largest ratings")
	s.Float64Var(&f.Parameters.Voice, "voice", p.Voice, "banyan: the trust, in units, with which praise counts half")
	s.Float64Var(&f.Parameters.AccusingVoice, "accusing-voice", p.AccusingVoice, "banyan: the trust, in units, with which distrust counts a quarter")
	s.Float64Var(&f.Parameters.Doubt, "doubt", p.Doubt, "the evidence, in units, that everybody starts with a lack of")
	s.Float64Var(&f.Parameters.Cap, "cap", p.Cap, "banyan: the most that one rater contributes, in doubts")
	s.Float64Var(&f.Parameters.Distrust, "distrust", p.Distrust, "banyan: what distrust weighs beside praise; 0 leaves it out")
	s.Float64Var(&f.Parameters.Conduct, "conduct", p.Conduct, "banyan: what ratings that the trusted contradict cost their author, up to 1; 0 leaves them out")
	s.BoolVar(&f.json, "json", false, "print the result as JSON")
}

// read parses the flags that have a syntax of their own, and draws progress
// when stderr is a terminal. stop removes it.
func (f *inputFlags) read(c *cobra.Command) (stop func(), err error) {
	stop = func() {}
	if f.halfLife != "" && f.halfLife != "off" {
		if f.HalfLife, err = trustlist.ParseHalfLife(f.halfLife); err != nil {
			return stop, fault.UsageOf("--half-life", err.Error())
		}
	}
	f.At = trust.NoTime
	if f.at != "" {
		if f.At, err = trustlist.ParseTime(f.at); err != nil {
			return stop, fault.UsageOf("--at", err.Error())
		}
	}
	f.Stdin = c.InOrStdin()
	stderr, ok := c.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(stderr.Fd())) {
		return stop, nil
	}
	bar := progressbar.NewOptions64(0, progressbar.OptionSetWriter(stderr), progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	f.Progress = func(read, size int64) {
		bar.ChangeMax64(size)
		_ = bar.Set64(read) // a bar that cannot be drawn must not end the work
	}
	return func() { _ = bar.Finish() }, nil
}

// tell says what of the lists was not used, and warns.
func tell(stderr io.Writer, r trustlist.Report) {
	if r.Warning != "" {
		fmt.Fprintln(stderr, "warning:", r.Warning)
	}
	for _, passed := range r.Passed {
		fmt.Fprintln(stderr, passed)
	}
}

// print writes the result as JSON, or as text.
func (f *inputFlags) print(c *cobra.Command, r trustlist.Report, result any, text func(w io.Writer)) error {
	tell(c.ErrOrStderr(), r)
	if f.json {
		return json.NewEncoder(c.OutOrStdout()).Encode(result)
	}
	text(c.OutOrStdout())
	return nil
}
