package service

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/reviewlist"
	"banyan/platform/fault"
)

func verifyCommand() *cobra.Command {
	var asJSON bool
	var root string
	c := &cobra.Command{
		Use:   "verify-ranking EXPORT.tar.zst",
		Short: "Compute a published ranking again, without a server",
		Long: `Verify-ranking reads the export of a ranking and computes everything in it again:
the digest and the signature of every review, all sums, the prior, every score and
rank, and the Merkle root. It fails if anything is different, and says what.

A smart wallet's signature is its contract's to accept: the export has the chain and
the block at which the site asked it. Such signatures are counted apart and not
checked here; an archive node of that chain answers the same question.

The export of a site is at /api/v1/exchange-review/epochs/NUMBER/export, and its
root at /api/v1/exchange-review/epochs. Give the root that was published with --root:
an export that somebody has made up is consistent, too, and has another root.`,
		Example: "  banyan exchange-review verify-ranking epoch-7.tar.zst --root 0x5f…c2 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in := c.InOrStdin()
			if args[0] != reviewlist.Stdio {
				file, err := os.Open(args[0])
				if err != nil {
					return fault.Wrap(err, fault.NotFound, "cannot open "+args[0]+": check the name and that you may read it")
				}
				defer func() { _ = file.Close() }() // only read
				in = file
			}
			var published exchangereview.Hash
			if root != "" {
				if err := published.UnmarshalText([]byte(root)); err != nil {
					return fault.UsageOf("--root", err.Error())
				}
			}
			begun := time.Now()
			report, err := export.Verify(c.Context(), in)
			if err != nil {
				return err
			}
			if root != "" && report.Root != published {
				report.Valid = false
				report.Problems = append(report.Problems, fmt.Sprintf("the root is %s, and not the published %s: it is another ranking", report.Root, published))
			}
			return printVerified(c, report, time.Since(begun), asJSON)
		},
	}
	c.Flags().StringVar(&root, "root", "", "the root that was published, 0x and 64 hex digits")
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

func printVerified(c *cobra.Command, r export.Report, took time.Duration, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(c.OutOrStdout()).Encode(r)
	} else {
		for _, problem := range r.Problems {
			fmt.Fprintln(c.ErrOrStderr(), "wrong:", problem)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "epoch %d of %s at %s: %d exchanges (%d ranked), %d reviews, %d tombstones, %d signatures in %.2f s\nroot %s\n",
			r.Epoch, r.Site, time.UnixMilli(r.TimeMS).UTC().Format(time.RFC3339), r.Exchanges, r.Ranked, r.Reviews, r.Tombstones, r.Signatures, took.Seconds(), r.Root)
	}
	if err == nil && r.Smart > 0 && !asJSON {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d further signatures are of smart wallets: checked by the site at the block that stands with each, and not here\n", r.Smart)
	}
	if err == nil && !r.Valid {
		err = fault.New(fault.Invalid, "this ranking does not follow from its reviews: do not rely on it")
	}
	return err
}
