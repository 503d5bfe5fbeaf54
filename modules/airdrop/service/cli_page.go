package service

import (
	"github.com/spf13/cobra"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

func exportPageCommand() *cobra.Command {
	var job offline.PageJob
	var contract string
	var asJSON bool
	c := &cobra.Command{
		Use:   "export-page --tree F.tree --name NAME --symbol SYMBOL --decimals N --chain ID --contract ADDRESS --out FOLDER",
		Short: "Write a claim page that works from any file host, without Banyan",
		Long: `Export-page writes a folder with a page on which people check their wallets and
claim from the contract, for any host of files. It asks no server but that host:
each visitor loads the page and the one file with the wallets of the same first
digits, and the page believes a row only when its proof leads to the root that
stands on the page. It is there in English (index.html) and German (de.html): visitors
get that of their browser, and can choose. The page knows Banyan's distributors, Uniswap's and 1inch's
(formats oz-indexed, uniswap and cumulative).

manifest.json has the SHA-256 of every file. Publish its own, which is printed,
elsewhere: with it anybody can see that a copy of the page is whole.`,
		Example: `  banyan airdrop export-page --tree drop.tree --name "Season one" --symbol BAN --decimals 18 --chain 1 \
    --contract 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --out page`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if contract != "" {
				if job.Contract, err = wallet.Parse(contract); err != nil {
					return fault.UsageOf("--contract", fault.From(err).Message)
				}
			}
			if job.Out, err = checkNewFolder(job.Out); err != nil {
				return err
			}
			runner, stop := openRunner(c)
			done, err := runner.ExportPage(c.Context(), job)
			stop()
			if err != nil {
				return err
			}
			return show(c, asJSON, done, "root      %s\nrows      %d\nto        %s\nfiles     %d\npage      %d bytes, and of the list at most %d (%d rows)\nmanifest  %s\nin %.2f s\n",
				done.Root, done.Count, done.Out, done.Files, done.PageBytes, done.LargestShard, done.LargestRows, done.ManifestSHA256, done.Seconds)
		},
	}
	f := c.Flags()
	f.StringVar(&job.Tree, "tree", "", "the tree `FILE`")
	f.StringVar(&job.Name, "name", "", "the `NAME` of the airdrop")
	f.StringVar(&job.Symbol, "symbol", "", "the `SYMBOL` of the token")
	f.IntVar(&job.Decimals, "decimals", 18, "the token has `N` decimals")
	f.Uint64Var(&job.Chain, "chain", 0, "the `ID` of the chain where the contract is")
	f.StringVar(&contract, "contract", "", "the `ADDRESS` of the distributor")
	f.IntVar(&job.Digits, "shard-digits", 0, "a file of the list has the wallets with the same first `N` hex digits, 1 to 4 (by default so that it has up to about 64)")
	f.StringVar(&job.Out, "out", "", "the new `FOLDER`")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}
