package service

import (
	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
)

func sybilCommand() *cobra.Command {
	var job offline.SybilJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "sybil --edges EDGES.csv --candidates WALLETS.csv --out CLUSTERS.csv",
		Short: "Find wallets that probably belong to somebody who has many",
		Long: `Sybil judges the candidates of an airdrop by the transfers that tie them together,
and by behaviour that chance does not explain, and writes for each of them
address,cluster,score,flagged,reason. A flag is evidence for a person who decides:
families, teams and payrolls look alike. Who has neither a transfer in the list nor
a twin is not found, and neither are groups below 8.

EDGES is from,to[,time] of transfers between any wallets; other columns are not
used. With times, the first funder and the last receiver count, too. WALLETS and
--exclude have a wallet on each line; exclude exchanges, bridges, contracts and
other entities, which tie strangers together. FEATURES is address,volume,first_transfer
of candidates: it finds more, and takes mistakes back. Headers are optional; times
are seconds since 1970, RFC 3339 or days; gzip and zstd are decompressed.

Scores are about the share of such wallets that people have labelled in an airdrop
of 2022: from 0.65 on a wallet is flagged, from 0.40 on it is worth a look.`,
		Example: `  banyan airdrop sybil --edges edges.csv --candidates wallets.csv --exclude exchanges.txt --out clusters.csv
  banyan airdrop sybil --edges edges.csv.zst --candidates wallets.csv --features features.csv --out clusters.csv --json`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			runner, stop := openRunner(c)
			report, err := runner.Sybil(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			if job.Out == offline.Stdio { // standard output is for the judgements alone
				c.SetOut(c.ErrOrStderr())
			}
			for _, passed := range report.PassedOver {
				tellPassedOver(c, asJSON, passed)
			}
			return show(c, asJSON, report, "judged   %d candidates by %d transfers\nclusters %d\nflagged  %d\nreview   %d\nexcluded %d\nin %.2f s: %s\n",
				report.Candidates, report.Transfers, report.Clusters, report.Flagged, report.Review, report.Excluded, report.Seconds, report.Out)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Edges, "edges", "", "the `TRANSFERS`: from,to[,time], or - for standard input")
	f.StringVar(&job.Candidates, "candidates", "", "the `WALLETS` to judge")
	f.StringVar(&job.Exclude, "exclude", "", "a `LIST` of wallets that tie nobody to anybody, and are not judged")
	f.StringVar(&job.Features, "features", "", "the `FEATURES` of candidates: address,volume,first_transfer")
	f.StringVar(&job.Out, "out", "", "the `FILE` for the judgements (an existing one is replaced), or - for standard output")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}
