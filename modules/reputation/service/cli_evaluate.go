package service

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"banyan/modules/reputation/trustlist"
)

func evaluateCommand() *cobra.Command {
	var flags inputFlags
	var labels string
	c := &cobra.Command{
		Use:   "evaluate --labels LABELS.csv --trust TRUST.csv --seeds SEEDS.csv",
		Short: "Measure how well scores tell the trustworthy from the fraudulent",
		Long: `Evaluate ranks a trust list as rank does, several times, each time with what a
protocol lets it see, and prints the AUC: the chance that a trustworthy id scores
higher than a fraudulent one, with an interval that holds 95 % of resamples.

LABELS.csv is id,label: 1 is trustworthy, -1 or 0 fraudulent. Labels mostly repeat
what the best known ids rated, so the protocols take those ratings out:
  B+    without ratings of labelled ids by trustworthy ones, which are those
        labelled so, the seeds, and whom a seed rated with half of the largest
        weight or more
  C     of labelled ids only ratings before the first by a trustworthy one
  time  the oldest 80 % of the ratings, against the signs of the rest; it needs no
        labels

` + methods,
		Example: `  banyan reputation evaluate --trust otc.csv --seeds seeds.csv --labels labels.csv`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stop, err := flags.read(c)
			if err != nil {
				return err
			}
			e, err := trustlist.Evaluate(c.Context(), flags.Inputs, labels)
			stop()
			if err != nil {
				return err
			}
			return flags.print(c, e.Report, e, func(w io.Writer) { evaluated(w, e) })
		},
	}
	flags.add(c)
	c.Flags().StringVar(&labels, "labels", "", "who is known to be trustworthy (1) or fraudulent (-1): id,label")
	return c
}

func evaluated(w io.Writer, e trustlist.Evaluated) {
	fmt.Fprintf(w, "%-10s %6s  %-13s %10s  %10s  %s\n", "protocol", "AUC", "95 %", "good cases", "bad cases", "rule")
	for _, p := range e.Protocols {
		auc, interval := "–", "–"
		if p.Known() {
			auc, interval = fmt.Sprintf("%.3f", p.AUC), fmt.Sprintf("%.3f – %.3f", p.Low, p.High)
		}
		fmt.Fprintf(w, "%-10s %6s  %-13s %10d  %10d  %s\n", p.Protocol, auc, interval, p.Good, p.Bad, p.Rule)
	}
	if e.Unknown > 0 {
		fmt.Fprintf(w, "%d labels are of ids that are not in the trust list\n", e.Unknown)
	}
}
