package service

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"banyan/modules/reputation/trustlist"
)

// shownInflows is how many edges into a set are printed; --json has all.
const shownInflows = 20

func boundCommand() *cobra.Command {
	var flags inputFlags
	var set string
	c := &cobra.Command{
		Use:   "bound --set SET.csv --trust TRUST.csv --seeds SEEDS.csv",
		Short: "Say how much trust a set of ids can hold at most, whatever they say of each other",
		Long: `Bound ranks a trust list as rank does and looks at a set of ids, for example a
cluster that seems to be of one person. Trust enters a set only over edges from
outside, and of what is there a share of alpha returns to the seeds in each step.
So the set holds at most what flows in, divided by alpha, however many members it
has and whatever they state of each other.

SET.csv has an id per line.

` + methods,
		Example: `  banyan reputation bound --trust trust.csv --seeds seeds.csv --set cluster.csv`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stop, err := flags.read(c)
			if err != nil {
				return err
			}
			b, err := trustlist.Bound(c.Context(), flags.Inputs, set)
			stop()
			if err != nil {
				return err
			}
			return flags.print(c, b.Report, b, func(w io.Writer) { bounded(w, b) })
		},
	}
	flags.add(c)
	c.Flags().StringVar(&set, "set", "", "the ids whose trust is bounded, one per line")
	return c
}

func bounded(w io.Writer, b trustlist.Bounded) {
	fmt.Fprintf(w, "the %d ids of the set hold %.4g %% of all trust, and can hold at most %.4g %%\n", b.Members, 100*b.Held, 100*b.Limit)
	fmt.Fprintf(w, "over %d edges from outside %.4g %% flows in with each step; together they weigh %.4f\n", len(b.Edges), 100*b.Inflow, b.Weight)
	if b.Seeded > 0 {
		fmt.Fprintf(w, "among them are seeds with %.4g %% of the trust at the start\n", 100*b.Seeded)
	}
	for _, e := range b.Edges[:min(shownInflows, len(b.Edges))] {
		fmt.Fprintf(w, "%12.4g %%  %s → %s (%g)\n", 100*e.Flow, e.From, e.To, e.Weight)
	}
	if more := len(b.Edges) - shownInflows; more > 0 {
		fmt.Fprintf(w, "and %d more edges\n", more)
	}
	if b.Unknown > 0 {
		fmt.Fprintf(w, "%d ids of the set are not in the trust list\n", b.Unknown)
	}
}
