package service

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
)

func allocateCommand() *cobra.Command {
	var job offline.AllocateJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "allocate RULES.yaml [--out LIST.csv] [--manifest M.json]",
		Short: "Compute who gets what by a file of rules",
		Long: `Allocate evaluates a file of rules over lists of wallets and says who gets what, and
why. Nothing is sent and no server is needed.

  version: 1
  decimals: 18                       # of the token; amounts are in tokens
  sources:
    members:  {kind: list, file: members.csv}
    holders:  {kind: holders, file: balances.csv, decimals: 18}
    trusted:  {kind: reputation, file: scores.csv}
    clusters: {kind: sybils, file: clusters.csv}
  groups:
    people: {any: [members, trusted.percentile >= 0.5]}
  eligible: {all: [people, holders >= 100, {not: blocked}]}
  deny:  [{source: clusters, reason: one of many wallets of one person}]
  allow: [{wallet: "0x…", reason: the appeal was granted}]
  allocation:
    - {name: holders, to: holders, budget: 1000000, times: [{sqrt: holders}], floor: 10, cap: 5000}
    - {name: members, to: members, each: 100}
  limit: 2000000                     # the total may not be more

Kinds of sources, each a CSV file, plain, gzip or zstd:
  list          address, columns named in values: {points: 0} with their decimals, reason
  holders       address,balance          senders       from,to of transfers
  averages      address,average          callers       address,calls of a contract
  reputation    what banyan reputation rank writes (score, rank, percentile, weight)
  reviews       address,reviews          attestations  address,attesters
` + `  sybils        what banyan airdrop sybil writes: who is flagged
The server reads holders, averages and callers from their chain where they name no file:
  {kind: holders,  decimals: 18, chain: 1, token: "0x…", block: 17000000}
  {kind: averages, decimals: 18, chain: 1, token: "0x…", from: 16000000, block: 17000000}
  {kind: callers,  chain: 1, to: "0x…", method: "0xa9059cbb", from: 16900000, block: 17000000}
An average is balance × seconds from the end of block from to the end of block, ÷ the
seconds. Callers have sent transactions to the contract that were not reverted; who
called through another contract or a smart wallet is not seen. Here they need --input.
An amount is each or a share of a budget, times value, sqrt, tiers or a line of
values; budgets are given to the last unit. allow comes before deny, and deny before
eligible. The manifest has the rules, the hashes of all inputs and the root: banyan
airdrop reproduce computes the same again on another machine.`,
		Example: `  banyan airdrop allocate rules.yaml --out list.csv --reasons reasons.csv --manifest manifest.json
  banyan airdrop allocate rules.yaml --input holders=balances.csv.zst --format uniswap --tree drop.tree --json`,
		Args: oneArgument("RULES", "name the file of rules, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			job.Rules = args[0]
			for _, out := range []string{job.Out, job.Reasons, job.Manifest} {
				if err := checkFileOut(out); err != nil {
					return err
				}
			}
			if err := checkTreeOut(job.Tree); err != nil {
				return err
			}
			runner, stop := openRunner(c)
			a, err := runner.Allocate(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return showAllocated(c, asJSON, &a, job.Out == offline.Stdio || job.Reasons == offline.Stdio || job.Manifest == offline.Stdio)
		},
	}
	f := c.Flags()
	f.StringToStringVar(&job.Inputs, "input", nil, "the file of a source, `SOURCE=FILE`, instead of the one that the rules name")
	f.StringVar(&job.Format, "format", "", "the `FORMAT` of the tree (oz by default): "+formatNames())
	f.StringVar(&job.Before, "before", "", "the `LIST` of an earlier run, to say what changed")
	f.StringVar(&job.Out, "out", "", "the `FILE` for address,amount in base units, or - for standard output")
	f.StringVar(&job.Reasons, "reasons", "", "the `FILE` for address,amount,reason of all wallets")
	f.StringVar(&job.Tree, "tree", "", treeOutUsage)
	f.StringVar(&job.Manifest, "manifest", "", "the `FILE` for the manifest")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func reproduceCommand() *cobra.Command {
	var job offline.ReproduceJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "reproduce MANIFEST [--inputs FOLDER]",
		Short: "Compute the list of a manifest again, and compare the root",
		Long: `Reproduce takes the rules of a manifest and its inputs, which it knows by their hashes,
and computes who gets what again. It fails when the root, the number of wallets or the
total is another. Files may have other names; all must be in one folder.`,
		Example: `  banyan airdrop reproduce manifest.json
  banyan airdrop reproduce manifest.json --inputs downloads --out list.csv --tree drop.tree`,
		Args: oneArgument("MANIFEST", "name the manifest, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			job.Manifest = args[0]
			if err := checkFileOut(job.Out); err != nil {
				return err
			}
			if err := checkTreeOut(job.Tree); err != nil {
				return err
			}
			runner, stop := openRunner(c)
			a, err := runner.Reproduce(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return showAllocated(c, asJSON, &a, job.Out == offline.Stdio)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Folder, "inputs", "", "the `FOLDER` with the inputs (by default the one of the manifest)")
	f.StringVar(&job.Out, "out", "", "the `FILE` for address,amount in base units, or - for standard output")
	f.StringVar(&job.Tree, "tree", "", treeOutUsage)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func whyCommand() *cobra.Command {
	var job offline.WhyJob
	var asJSON bool
	c := &cobra.Command{
		Use:     "why RULES.yaml|MANIFEST WALLET",
		Short:   "Say why a wallet gets what it gets, or why nothing",
		Long:    "Why evaluates rules, or those of a manifest, and says of one wallet what it gets and why.",
		Example: `  banyan airdrop why rules.yaml 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return oneArgument("RULES WALLET", "name the rules or the manifest, and one wallet")(nil, nil)
		},
		RunE: func(c *cobra.Command, args []string) error {
			job.Rules, job.Wallet = args[0], args[1]
			runner, stop := openRunner(c)
			why, err := runner.Why(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return show(c, asJSON, why, "wallet %s\namount %s base units\nwhy    %s\n", why.Wallet, why.Amount, why.Reason)
		},
	}
	f := c.Flags()
	f.StringToStringVar(&job.Inputs, "input", nil, "the file of a source, `SOURCE=FILE`, instead of the one that the rules name")
	f.StringVar(&job.Folder, "inputs", "", "the `FOLDER` with the inputs of a manifest (by default its own)")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// showAllocated prints a result; standard output may be taken by a list.
func showAllocated(c *cobra.Command, asJSON bool, a *offline.Allocated, taken bool) error {
	if taken {
		c.SetOut(c.ErrOrStderr())
	}
	for _, passed := range a.PassedOver {
		tellPassedOver(c, asJSON, passed)
	}
	p := a.Preview
	var b strings.Builder
	fmt.Fprintf(&b, "root     %s (%s)\nwallets  %d of %d\ntotal    %s base units (the token has %d decimals)\namounts  %s to %s, half get %s or less\nGini     %d.%02d\n",
		a.Root, a.Format, p.Count, p.Wallets, p.Total.Dec(), a.Decimals(), p.Smallest.Dec(), p.Largest.Dec(), p.Median.Dec(), p.GiniPPM/1_000_000, p.GiniPPM/10_000%100)
	for _, out := range p.LeftOut {
		fmt.Fprintf(&b, "left out %d: %s\n", out.Count, out.Reason)
	}
	if ch := p.Changes; ch != nil {
		fmt.Fprintf(&b, "changes  %d added, %d removed, %d get more, %d get less, %d as before\n", ch.Added, ch.Removed, ch.More, ch.Less, ch.Unchanged)
	}
	for _, in := range a.Inputs {
		fmt.Fprintf(&b, "input    %s: %s, %d rows, SHA-256 %s\n", in.Source, in.File, in.Rows, in.SHA256)
	}
	return show(c, asJSON, a, "%s", b.String())
}
