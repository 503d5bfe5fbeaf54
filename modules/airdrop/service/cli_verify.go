package service

import (
	"fmt"

	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
)

func verifyCommand() *cobra.Command {
	var job offline.VerifyJob
	var proofs offline.ProofsJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify --tree F.tree --in WALLETS.csv | --proofs CLAIMS --root ROOT --format FORMAT",
		Short: "Check which wallets of a list are eligible",
		Long: `Verify looks up every wallet of a list (wallet or wallet,amount on each line,
compressed with gzip or zstd if you like) and reports of each line whether it is
eligible, ineligible or invalid. With --out it writes one JSON object a line; with
--out - the sum goes to standard error. A wallet that is not eligible is an
answer, not a failure.

With --proofs it needs no tree: CLAIMS are JSON, one on each line or one value of
all, as this program prints them or as Uniswap, Sablier, OpenZeppelin, Merkl,
merkletreejs and murky write them, and each proof must lead from its own values to
the root. Of a proof that does not, it says with which leaf, pairs or amount it
does, and prints the line of Solidity that computes that leaf. The leaf is that of
--format, or of --leaf, --encoding and --hash.`,
		Example: `  banyan airdrop verify --tree drop.tree --in wallets.csv --out verdicts.ndjson
  banyan airdrop verify --proofs claims.ndjson --root 0xc8500f8e2fcf3c9a32880e1b973fb28acc88be35787a8abcf9981b2b65dbdeb5 --format uniswap`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := oneMethod(c, proofs.Proofs != ""); err != nil {
				return err
			}
			if err := checkFileOut(job.Out); err != nil {
				return err
			}
			runner, stop := openRunner(c)
			var sum offline.Verified
			var err error
			if proofs.Proofs != "" {
				proofs.Out = job.Out
				sum, err = runner.VerifyProofs(c.Context(), proofs)
			} else {
				sum, err = runner.Verify(c.Context(), job)
			}
			stop()
			if err != nil {
				return err
			}
			if job.Out == offline.Stdio { // standard output is for the verdicts alone
				c.SetOut(c.ErrOrStderr())
			}
			tellPassedOver(c, asJSON, sum.PassedOver)
			if !asJSON {
				defer tellFound(c, sum)
			}
			return show(c, asJSON, sum, "checked    %d\neligible   %d\nineligible %d\ninvalid    %d\nin %.2f s\n",
				sum.Checked, sum.Eligible, sum.Ineligible, sum.Invalid, sum.Seconds)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Tree, "tree", "", "the tree `FILE`")
	f.StringVar(&job.In, "in", "", "the list of `WALLETS`, or - for standard input")
	f.StringVar(&job.Out, "out", "", "write a verdict for each line to this `FILE` (an existing one is replaced), or - for standard output")
	f.IntVar(&job.Decimals, "decimals", 0, "--in: amounts on the lines are tokens with `N` decimals, not base units")
	columnFlags(c, &job.Columns)
	chainFlag(c, &job.Chain)
	f.StringVar(&proofs.Proofs, "proofs", "", "check the full proofs of these `CLAIMS` instead, or - for standard input")
	f.StringVar(&proofs.Root, "root", "", "--proofs: the `ROOT` they must lead to")
	f.StringVar(&proofs.Format, "format", "", "--proofs: the `FORMAT`: "+formatNames())
	leafFlags(c, &proofs.Choices)
	f.StringVar(&proofs.Choices.Pairs, "pairs", "", "--proofs: pairs are sorted, or positional (left before right, as the claims' sides say)")
	f.BoolVar(&asJSON, "json", false, "print the sum as JSON")
	return c
}

// tellFound says what ineligible proofs do lead to the root with.
func tellFound(c *cobra.Command, sum offline.Verified) {
	for _, f := range sum.Found {
		fmt.Fprintf(c.OutOrStdout(), "\n%d do not lead to the root: %s\n", f.Claims, f.Text)
		if f.Solidity != "" {
			fmt.Fprintf(c.OutOrStdout(), "  %s\n", f.Solidity)
		}
	}
}

// oneMethod refuses flags of the other way to verify: a root that is given must
// not be ignored silently.
func oneMethod(c *cobra.Command, proofs bool) error {
	if proofs {
		for _, flag := range []string{"tree", "in", "decimals", "address-column", "amount-column", "chain"} {
			if c.Flags().Changed(flag) {
				return fault.UsageOf("--"+flag, "--proofs are checked against --root and --format, without this flag: leave it out")
			}
		}
		return nil
	}
	for _, flag := range []string{"root", "format", "leaf", "encoding", "hash", "pairs"} {
		if c.Flags().Changed(flag) {
			return fault.UsageOf("--"+flag, "only --proofs uses it, because a tree file contains its own (banyan airdrop tree info): leave it out")
		}
	}
	return nil
}
