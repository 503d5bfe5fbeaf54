package service

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

func exportCommand() *cobra.Command {
	var job offline.ExportJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "export --tree F.tree --as oz-json|uniswap-json|csv|shards --out PATH",
		Short: "Write a tree as other tools read it, or as static files for a claim page",
		Long: `Export writes a tree file in another form:
  oz-json       the standard-v1 dump of OpenZeppelin's merkle-tree (complete trees, sorted pairs,
                abi.encode hashed twice; simple-v1 of leaves that are hashes)
  uniswap-json  the result of Uniswap's merkle-distributor (format uniswap)
  csv           index,address,amount, or the values of the leaves; build reads it again
  shards        a folder of small JSON files by address prefix: a claim page needs no server`,
		Example: `  banyan airdrop export --tree drop.tree --as csv --out drop.csv
  banyan airdrop export --tree drop.tree --as shards --out claims`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if job.As == offline.AsShards {
				job.Out, err = checkNewFolder(job.Out)
			} else {
				err = checkFileOut(job.Out)
			}
			if err != nil {
				return err
			}
			runner, stop := openRunner(c)
			done, err := runner.Export(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			if job.Out == offline.Stdio { // standard output is for the export alone
				c.SetOut(c.ErrOrStderr())
			}
			return show(c, asJSON, done, "rows  %d\nas    %s\nto    %s\nfiles %d\nin %.2f s\n",
				done.Count, done.As, done.Out, done.Files, done.Seconds)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Tree, "tree", "", "the tree `FILE`")
	f.StringVar(&job.As, "as", "", "the `KIND`: oz-json, uniswap-json, csv or shards")
	f.StringVar(&job.Out, "out", "", "the `PATH` to write: a file (an existing one is replaced), - for standard output, or a new folder for shards")
	f.IntVar(&job.Digits, "shard-digits", 0, "a shard's prefix has `N` hex digits, 1 to 4 (by default so that a shard has some hundred wallets)")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func importCommand() *cobra.Command {
	var job offline.ImportJob
	var asJSON bool
	c := &cobra.Command{
		Use:   "import --in TREE.json --out F.tree",
		Short: "Verify a tree that somebody published, and keep it in a tree file",
		Long: `Import reads the JSON of OpenZeppelin (standard-v1, simple-v1), Sablier's campaign
files, merkletreejs (dumps, levels, lists of leaves), Uniswap's results and those
like them, murky's output, and any list of claims with proofs. It builds the tree
again from the entries and compares every node, or root, total and every proof,
with what was published. What the file does not name, the leaf and the tree, is
found by its proofs and its root. Nothing is written unless all of it is right.
A plain list of leaves has no root to compare with: give it with --root, or say
which tree it is; by default merkletreejs's with sortPairs.`,
		Example: `  banyan airdrop import --in merkle-result.json --out drop.tree
  banyan airdrop import --in leaves.json --leaves sorted --pairs sorted --out drop.tree`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkTreeOut(job.Out); err != nil {
				return err
			}
			runner, stop := openRunner(c)
			built, err := runner.Import(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return showBuilt(c, asJSON, built)
		},
	}
	f := c.Flags()
	f.StringVar(&job.In, "in", "", "the published `JSON`, or - for standard input")
	f.StringVar(&job.Out, "out", "", treeOutUsage)
	f.StringVar(&job.Root, "root", "", "the `ROOT` that the tree must have")
	treeFlags(c, &job.Choices)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func showBuilt(c *cobra.Command, asJSON bool, built offline.Built) error {
	report := ""
	if built.Report != nil {
		for _, line := range built.Report.Lines() {
			report += fmt.Sprintf("%-10s %s\n", line[0], line[1])
		}
	}
	for _, note := range built.Notes {
		if !asJSON {
			fmt.Fprintln(c.ErrOrStderr(), note)
		}
	}
	return show(c, asJSON, built, "root   %s\nrows   %d\ntotal  %s\nformat %s\n%stree   %s\nbuilt in %.2f s\n%s",
		built.Root, built.Count, built.Total, built.Format, shapeLines(built.Format, built.Shape), built.Tree, built.Seconds, report)
}

// shapeLines describe the tree; its description is not repeated.
func shapeLines(format merkle.Format, s offline.Shape) string {
	name := ""
	if format.Short() {
		name = fmt.Sprintf(" (%s)", format)
	}
	return fmt.Sprintf("leaf   %s, %s, hashed %s time(s)%s\nshape  %s, leaves %s, pairs %s\nline   %s\n",
		s.Leaf, s.Encoding, s.Hash, name, s.Tree, s.Leaves, s.Pairs, s.Solidity)
}

func treeCommand() *cobra.Command {
	group := &cobra.Command{
		Use:   "tree",
		Short: "Inspect a tree file, or verify all of it",
	}
	group.AddCommand(treeInfoCommand(), treeCheckCommand())
	return group
}

func treeInfoCommand() *cobra.Command {
	return inspectCommand("info", "Describe a tree file from its header", "",
		func(_ context.Context, runner offline.Runner, tree string) (offline.Description, error) {
			return runner.Info(tree)
		})
}

func treeCheckCommand() *cobra.Command {
	var memory int64
	c := inspectCommand("check", "Verify all of a tree file: every block, and every node against the rows", "whole\n",
		func(ctx context.Context, runner offline.Runner, tree string) (offline.Description, error) {
			if memory < 0 {
				return offline.Description{}, fault.UsageOf("--memory", "the memory is a number of MiB; 0 takes most of what is available")
			}
			return runner.Check(ctx, tree, memory*mebibyte)
		})
	memoryFlag(c, &memory)
	return c
}

func inspectCommand(name, short, verdict string, inspect func(context.Context, offline.Runner, string) (offline.Description, error)) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     name + " F.tree",
		Short:   short,
		Example: "  banyan airdrop tree " + name + " drop.tree",
		Args:    oneArgument("F.tree", "name one tree file"),
		RunE: func(c *cobra.Command, args []string) error {
			runner, stop := openRunner(c)
			about, err := inspect(c.Context(), runner, args[0])
			stop()
			if err != nil {
				return err
			}
			shards := ""
			if about.Nybbles > 0 {
				shards = fmt.Sprintf("shards by %d hex digits\n", about.Nybbles)
			}
			return show(c, asJSON, about, "root   %s\nrows   %d\ntotal  %s\nformat %s\n%snodes  %d\n%s%s",
				about.Root, about.Count, about.Total, about.Format, shapeLines(about.Format, about.Shape), about.Nodes, shards, verdict)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}
