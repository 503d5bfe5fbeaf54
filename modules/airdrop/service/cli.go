package service

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Commands returns `banyan airdrop …`: the work that needs no server.
func Commands() *cobra.Command {
	group := &cobra.Command{
		Use:   airdrop.Name,
		Short: "Decide who gets what in an airdrop, and prove who is on its list",
		Long: "Airdrop turns a list of wallets and amounts into a tree file, and answers from it: the root for\n" +
			"the contract, a proof for every wallet, and who of another list is eligible. No server is needed.",
	}
	group.AddCommand(buildCommand(), proofCommand(), multiproofCommand(), verifyCommand(), exportCommand(), exportPageCommand(), importCommand(), treeCommand(), sybilCommand(),
		allocateCommand(), publishCommand(), reproduceCommand(), whyCommand())
	return group
}

func buildCommand() *cobra.Command {
	var job offline.BuildJob
	var asJSON bool
	var memory int64
	c := &cobra.Command{
		Use:   "build --in LIST.csv --format FORMAT | --leaf TYPES … --out F.tree",
		Short: "Build the tree of a list and keep it in a tree file",
		Long: `Build reads a list, builds its Merkle tree and writes both into one file.

LIST is CSV: address,amount with or without a header; with one, columns may be
address (wallet, receiver, to …), amount (value, balance, quantity …) and index
in any order, and the flags below choose where two could be meant. Cells are
separated by commas, semicolons or tabs; lines that begin with # are comments.
Or JSON: objects with these names or pairs, in an array or one on a line, or a map
of wallets to amounts. gzip and zstd are decompressed. Amounts are base units, or
tokens when --decimals is given. The report says what was read and what was not.
What is wrong is named by line, up to 100, and then nothing is written. A list
that does not fit into memory is sorted on disk, beside F.tree.

Formats, each byte for byte that of its origin:
  oz          OpenZeppelin's merkle-tree of (address, uint256)
  oz-indexed  OpenZeppelin's merkle-tree of (uint256 index, address, uint256), as Sablier
  uniswap     Uniswap's merkle-distributor
  ens         ENS: a tree for each address prefix, and one above them
  cumulative  1inch's cumulative drop

Or any leaf in any tree, by the flags below; with --format they say what differs
from it, and without it from oz. The formats are short names of

  oz          --leaf address,uint256 --encoding abi --hash 2 --tree complete --leaves sorted --pairs sorted
  oz-indexed  the same with --leaf uint256,address,uint256
  cumulative  --leaf address,uint256 --encoding packed --hash 1 --tree promoted --leaves sorted --pairs sorted
  uniswap     the same with --leaf uint256,address,uint256; without indexes in the
              list, wallets are numbered in the order of their EIP-55 text, as its script does

TYPES are address, uintN, intN, bool, bytesN, bytes and string. A value may have
the name of its column ("address user,uint256 tier"); without names they are the
first columns in their order. Then a wallet may have several rows, each a claim
of its own; rows that are equal in all values are refused (--on-duplicate).`,
		Example: `  banyan airdrop build --in list.csv --format oz --out drop.tree
  banyan airdrop build --in list.csv.zst --format uniswap --decimals 18 --on-duplicate sum --out drop.tree --json
  banyan airdrop build --in allowlist.csv --leaf address --out allow.tree
  banyan airdrop build --in tiers.csv --leaf "address wallet,uint8 tier,uint256 amount" --encoding packed --hash 1 --tree promoted --out tiers.tree`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkTreeOut(job.Out); err != nil {
				return err
			}
			// A list is a few large pieces: collecting more often costs next to
			// nothing, and a long one then needs little more than itself.
			defer debug.SetGCPercent(debug.SetGCPercent(20))
			runner, stop := openRunner(c)
			job.Memory = memory * mebibyte
			built, err := runner.Build(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return showBuilt(c, asJSON, built)
		},
	}
	f := c.Flags()
	f.StringVar(&job.In, "in", "", "the `LIST`, or - for standard input")
	f.StringVar(&job.Format, "format", "", "the `FORMAT`: "+formatNames())
	f.IntVar(&job.Decimals, "decimals", 0, "amounts are tokens with `N` decimals, not base units")
	columnFlags(c, &job.Columns)
	f.StringVar(&job.Columns.Index, "index-column", "", "the `COLUMN` of indexes")
	f.StringVar(&job.Zero, "zero", "error", "the `RULE` for amounts of zero: error, or skip to leave them out")
	chainFlag(c, &job.Chain)
	f.StringVar(&job.MapAmounts, "map-amounts", "", "`KIND` of text amounts in a JSON map of wallets: decimal, or hex as Uniswap's old lists have them")
	f.StringVar(&job.OnDuplicate, "on-duplicate", "error", "the `RULE` for an address on several lines: error, sum, first or keep (a claim for each line)")
	leafFlags(c, &job.Choices)
	treeFlags(c, &job.Choices)
	f.IntVar(&job.Nybbles, "shard-digits", 0, fmt.Sprintf("ens: a shard's prefix has `N` hex digits, 1 or 2 (by default 1 up to %d rows)", merkle.ENSSmall))
	f.StringVar(&job.Out, "out", "", treeOutUsage)
	memoryFlag(c, &memory)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// leafFlags adds the flags that describe a leaf.
func leafFlags(c *cobra.Command, choices *merkle.Choices) {
	f := c.Flags()
	f.StringVar(&choices.Leaf, "leaf", "", "the `TYPES` of a leaf's values, for example address,uint256")
	f.StringVar(&choices.Encoding, "encoding", "", "how they are put together: abi or packed (abi.encode, abi.encodePacked)")
	f.StringVar(&choices.Hash, "hash", "", "how often a leaf is hashed: 1 or 2")
}

// treeFlags adds the flags that describe a tree.
func treeFlags(c *cobra.Command, choices *merkle.Choices) {
	f := c.Flags()
	f.StringVar(&choices.Tree, "tree", "", "complete (OpenZeppelin's heap), or levels whose odd node is promoted, duplicated, hashed with zero (murky) or empty (keccak256 of nothing, Safe), or padded with zeros to a power of two (Rocket Pool)")
	f.StringVar(&choices.Leaves, "leaves", "", "the order of the leaves: sorted by their hashes, or as listed")
	f.StringVar(&choices.Pairs, "pairs", "", "pairs are sorted, or positional (left before right)")
}

// columnFlags adds the flags that choose columns.
func columnFlags(c *cobra.Command, columns *list.Columns) {
	f := c.Flags()
	f.StringVar(&columns.Address, "address-column", "", "the `COLUMN` of addresses: its header, or its number from 1")
	f.StringVar(&columns.Amount, "amount-column", "", "the `COLUMN` of amounts")
}

// chainFlag adds --chain.
func chainFlag(c *cobra.Command, chain *string) {
	c.Flags().StringVar(chain, "chain", "", "the `CHAIN` of the wallets, by its number or short name: addresses that name another (eth:0x…) are wrong")
}

// tellPassedOver says what of a list was not used.
func tellPassedOver(c *cobra.Command, asJSON bool, passed string) {
	if passed != "" && !asJSON {
		fmt.Fprintln(c.ErrOrStderr(), passed)
	}
}

const mebibyte = 1 << 20

// memoryFlag adds --memory.
func memoryFlag(c *cobra.Command, mebibytes *int64) {
	c.Flags().Int64Var(mebibytes, "memory", 0, "`MiB` that the list and its tree may take; the rest is sorted on disk (by default most of what is available)")
}

func formatNames() string {
	var names []string
	for _, format := range merkle.Formats() {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}

func proofCommand() *cobra.Command {
	var query offline.ProofQuery
	var asJSON bool
	c := &cobra.Command{
		Use:   "proof --tree F.tree ADDRESS | LEAF | --row N",
		Short: "Print the proof that a wallet claims with",
		Long: `Proof looks a wallet up in a tree file and prints all that its claim needs; of a
wallet with several rows it prints all claims. The amount is in base units. It
fails when the wallet is not on the list. A row can also be named by its leaf (0x
and 64 hex digits) or its number from 0, as in trees whose leaves have no wallet.`,
		Example: `  banyan airdrop proof --tree drop.tree 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --json`,
		Args: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("row") && len(args) == 0 {
				return nil
			}
			return oneArgument("ADDRESS", "name one wallet, 0x and 40 hex digits; several at once: banyan airdrop multiproof, or verify --out")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				query.Key = args[0]
			}
			runner, stop := openRunner(c)
			claim, err := runner.Proof(query)
			stop()
			if err != nil {
				return err
			}
			return show(c, asJSON, claim, "%s", proofText(claim))
		},
	}
	f := c.Flags()
	f.StringVar(&query.Tree, "tree", "", "the tree `FILE`")
	f.IntVar(&query.Row, "row", 0, "the row `N` of the list, from 0, instead of a wallet")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// proofText prints claims for people.
func proofText(claim offline.Claim) string {
	all := claim.Claims
	if len(all) == 0 {
		all = []offline.Claim{claim}
	}
	var b strings.Builder
	for i, c := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		if c.Address != nil {
			fmt.Fprintf(&b, "address %s\n", c.Address)
		}
		if c.Index != nil {
			fmt.Fprintf(&b, "index   %d\n", *c.Index)
		}
		if c.Amount != "" {
			fmt.Fprintf(&b, "amount  %s\n", c.Amount)
		}
		if len(c.Values) > 0 {
			fmt.Fprintf(&b, "values  %s\n", strings.Join(c.Values, ", "))
		}
		fmt.Fprintf(&b, "leaf    %s\nroot    %s\nproof", c.Leaf, c.Root)
		for k, node := range c.Proof {
			side := ""
			if len(c.Sides) > 0 {
				side = " " + c.Sides[k]
			}
			b.WriteString("\n  " + node.String() + side)
		}
		if len(c.Proof) == 0 {
			b.WriteString("\n  none: the tree has one leaf, which is its root")
		}
		b.WriteByte('\n')
	}
	if claim.Rows > 0 {
		fmt.Fprintf(&b, "\nthe first %d of the %d rows of this wallet; export the tree for all\n", len(all), claim.Rows)
	}
	return b.String()
}

// oneArgument refuses any other number of arguments as bad usage.
func oneArgument(name, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fault.UsageOf(name, want)
	}
}

// flagsOnly refuses arguments of a command that has none: most often a path
// whose flag was left out.
func flagsOnly(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fault.UsageOf("ARGUMENTS", fmt.Sprintf("%q has no flag before it", args[0]))
}

// show prints a result as JSON for programs or as text for people.
func show(c *cobra.Command, asJSON bool, result any, format string, args ...any) error {
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(result)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), format, args...)
	return err
}
