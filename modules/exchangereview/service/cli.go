package service

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/reviewlist"
	"banyan/platform/fault"
)

// Commands returns `banyan exchange-review …`.
func Commands() *cobra.Command {
	group := &cobra.Command{
		Use:   exchangereview.Name,
		Short: "Rank exchanges by their reviews, and verify a ranking",
		Args:  cobra.NoArgs,
	}
	group.AddCommand(rankCommand(), verifyCommand(), importCommand())
	return group
}

func rankCommand() *cobra.Command {
	job := reviewlist.Job{At: reviewlist.Latest}
	var at string
	var asJSON bool
	c := &cobra.Command{
		Use:   "rank --reviews REVIEWS.csv --out RANKING.csv",
		Short: "Rank the exchanges of a list of reviews, without a server",
		Long: `Rank reads reviews and writes rank,exchange,key,mean,low,high,n,n_eff,evidence.

REVIEWS.csv is exchange,time,rating,reviewer[,weight]: times are seconds since
1970, RFC 3339 or days, ratings 1 to 5, reviewers any text, weights 0 to 1.
A header is optional and names the columns; cells may be separated by commas,
semicolons or tabs, and the file may be compressed with gzip or zstd. Of several
reviews of one exchange by one reviewer the latest counts, and none that is later
than --at.

A review counts half after 180 days. Exchanges are ranked by key: with 95 %
confidence their mean is above it, and with 90 % it is between low and high.
Reviewers without weight, or of the least (0.05), have no standing; with those
whose first review in the file is younger than 30 days they hold together at most
a tenth of the weight, so that no number of them moves a mean by more than
0.1 × (5 − mean). Below 8 effective reviews (n_eff) there is not enough evidence:
such exchanges come last.`,
		Example: "  banyan exchange-review rank --reviews reviews.csv --at 2026-06-30 --out ranking.csv --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if at != "" {
				var err error
				if job.At, err = reviewlist.ParseTime(at); err != nil {
					return fault.UsageOf("--at", err.Error())
				}
			}
			job.In, job.Stdout = c.InOrStdin(), c.OutOrStdout()
			report, err := job.Run(c.Context())
			if err != nil {
				return err
			}
			return printRanked(c, report, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Reviews, "reviews", "", "the list: exchange,time,rating,reviewer[,weight]; - is standard input")
	f.StringVar(&at, "at", "", "the time of the ranking; without it that of the latest review")
	f.StringVar(&job.Out, "out", "", "the file for the ranking (an existing one is replaced); - is standard output")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

func printRanked(c *cobra.Command, r reviewlist.Report, asJSON bool) error {
	out := c.OutOrStdout()
	if r.Out == reviewlist.Stdio { // which has the ranking
		out = c.ErrOrStderr()
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	if r.Passed != "" {
		fmt.Fprintln(c.ErrOrStderr(), r.Passed)
	}
	_, err := fmt.Fprintf(out, "ranked %d of %d exchanges by %d reviews (%d replaced by a later one, %d later than the ranking): %s\n",
		r.Ranked, r.Exchanges, r.Reviews, r.Replaced, r.Later, r.Out)
	return err
}
