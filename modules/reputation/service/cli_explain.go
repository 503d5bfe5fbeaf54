package service

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"banyan/modules/reputation/trustlist"
	"banyan/platform/fault"
)

func explainCommand() *cobra.Command {
	var flags inputFlags
	c := &cobra.Command{
		Use:   "explain ID --trust TRUST.csv --seeds SEEDS.csv",
		Short: "Say where an id's score comes from, rating by rating",
		Long: `Explain ranks a trust list as rank does and writes the score of one id in its
parts, which add up to it: what being a seed contributes, what each rating of the
id does, for and against, and by banyan the id's own ratings that those trusted
contradict.

` + methods,
		Example: `  banyan reputation explain alice --trust trust.csv --seeds seeds.csv`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.UsageOf("ID", "name one id of the trust list")
			}
			stop, err := flags.read(c)
			if err != nil {
				return err
			}
			x, err := trustlist.Explain(c.Context(), flags.Inputs, args[0])
			stop()
			if err != nil {
				return err
			}
			return flags.print(c, x.Report, x, func(w io.Writer) { explain(w, x) })
		},
	}
	flags.add(c)
	return c
}

func explain(w io.Writer, x trustlist.Explained) {
	switch {
	case x.Rank > 0:
		fmt.Fprintf(w, "%s has %.6g, rank %d of %d, weight %.6f, and %.3g of all trust\n", x.ID, x.Score, x.Rank, x.Of, x.Weight, x.Trust)
	case x.Score < 0:
		fmt.Fprintf(w, "%s has %.6g and no rank: what the trusted say of it is bad on the whole\n", x.ID, x.Score)
	default:
		fmt.Fprintf(w, "%s has no standing: nobody trusted has said anything of it\n", x.ID)
	}
	line := func(share float64, what string) {
		if share != 0 {
			fmt.Fprintf(w, "%+12.6f  %s\n", share, what)
		}
	}
	line(x.Seed, "it is a seed")
	line(x.Dangling, "trust of ids that trust nobody, which returns to the seeds")
	silent := 0
	for _, p := range x.Parts {
		if p.Share == 0 {
			silent++
			continue
		}
		of := map[string]string{"trust": "trusted by", "distrust": "distrusted by", "conduct": "those trusted contradict its rating of"}[p.Kind]
		day := ""
		if p.TimeMS > 0 {
			day = ", " + time.UnixMilli(p.TimeMS).UTC().Format(time.DateOnly)
		}
		line(p.Share, fmt.Sprintf("%s %s (%g%s)", of, p.ID, p.Weight, day))
	}
	if silent > 0 {
		fmt.Fprintf(w, "%12s  %d more ratings, by ids without trust\n", "0", silent)
	}
}
