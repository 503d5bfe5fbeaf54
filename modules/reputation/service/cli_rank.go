package service

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/atomicfile"
)

// methods is the same in the help of every command that ranks.
const methods = `Methods:
  banyan      what those trusted say of an id, good and bad, from -2 to 1: above 0 is
              trusted, below 0 distrusted; a unit of trust is what the most trusted
              have who together hold half of it
  eigentrust  the share of all trust that an id ends up with; distrust is left out`

func rankCommand() *cobra.Command {
	job := trustlist.Job{Now: time.Now}
	var flags inputFlags
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

` + methods + `
Who scores 0 has no standing, and like the distrusted no rank. The weight, 0 to 1,
is what an id's word may weigh elsewhere: half is as much evidence as doubt.`,
		Example: `  banyan reputation rank --trust trust.csv --seeds seeds.csv --out scores.csv
  banyan reputation rank --trust trust.csv.zst --seeds seeds.csv --method eigentrust --half-life 180d --out - --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stop, err := flags.read(c)
			if err != nil {
				return err
			}
			job.Inputs, job.Stdout = flags.Inputs, c.OutOrStdout()
			report, err := job.Run(c.Context())
			stop()
			if err != nil {
				return err
			}
			return printReport(c, report, flags.json)
		},
	}
	flags.add(c)
	c.Flags().StringVar(&job.Out, "out", "", "the file for the scores; an existing one is replaced, a link is written through; - is standard output")
	return c
}

// printReport writes it to standard output, and to standard error when the
// scores are there.
func printReport(c *cobra.Command, r trustlist.Report, asJSON bool) error {
	tell(c.ErrOrStderr(), r)
	out := c.OutOrStdout()
	if atomicfile.ToStdout(r.Out) {
		out = c.ErrOrStderr()
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := fmt.Fprintf(out, "ranked %d of %d ids from %d edges and %d seeds by %s in %.2f s (%d iterations): %s\n",
		r.Ranked, r.Nodes, r.Edges, r.Seeds, r.Method, r.Seconds, r.Iterations, r.Out)
	if err == nil && r.Method == trust.MethodEigenTrust && r.Negative > 0 {
		_, err = fmt.Fprintf(out, "%d edges of distrust were left out: --method banyan uses them\n", r.Negative)
	}
	return err
}
