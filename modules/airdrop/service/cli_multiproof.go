package service

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
)

func multiproofCommand() *cobra.Command {
	var job offline.MultiproofJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "multiproof --tree F.tree --in WALLETS",
		Short: "Print one proof of several wallets together",
		Long: `Multiproof proves all rows of the wallets of a list at once, as OpenZeppelin's
MerkleProof.multiProofVerify takes it: the leaves in the order that the contract
needs, the proof and the flags. WALLETS has a wallet on each line, or
wallet,amount to name one row of a wallet that has several. Contracts accept such
proofs of complete trees with sorted pairs only.`,
		Example: `  banyan airdrop multiproof --tree drop.tree --in wallets.txt --json`,
		Args:    flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			runner, stop := openRunner(c)
			m, err := runner.Multiproof(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return show(c, asJSON, m, "%s", multiproofText(m))
		},
	}
	f := c.Flags()
	f.StringVar(&job.Tree, "tree", "", "the tree `FILE`")
	f.StringVar(&job.In, "in", "", "the list of `WALLETS`, or - for standard input")
	f.IntVar(&job.Decimals, "decimals", 0, "amounts on the lines are tokens with `N` decimals, not base units")
	columnFlags(c, &job.Columns)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// multiproofText prints a multiproof for people.
func multiproofText(m offline.Multiproof) string {
	var b strings.Builder
	b.WriteString("leaves\n")
	for i, values := range m.Leaves {
		fmt.Fprintf(&b, "  %s\n    %s\n", strings.Join(values, ", "), m.Hashes[i])
	}
	b.WriteString("proof\n")
	for _, node := range m.Proof {
		fmt.Fprintf(&b, "  %s\n", node)
	}
	flags := make([]string, len(m.Flags))
	for i, flag := range m.Flags {
		flags[i] = fmt.Sprint(flag)
	}
	fmt.Fprintf(&b, "flags  %s\nroot   %s\nline   %s\n", strings.Join(flags, ", "), m.Root, m.Solidity)
	return b.String()
}
