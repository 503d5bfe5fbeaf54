package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/wallet"
)

func secondFactorCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "second-factor", Short: "See which wallets have a second factor, and reset one that is lost",
		Long: "Moderators and operators set their second factor up themselves, at /second-factor. Whether all of them\n" +
			"need one is said by the setting identity.second_factor.",
	}
	c.AddCommand(secondFactorListCommand(s), secondFactorResetCommand(s))
	return c
}

func secondFactorListCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List the wallets that have a second factor", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				list, err := i.Sessions.SecondFactors(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), list)
				}
				rows := make([]table.Row, len(list))
				for n, f := range list {
					rows[n] = table.Row{f.Wallet, timeText(f.Since), f.Recovery, maybeTime(f.Wait)}
				}
				printTable(cmd.OutOrStdout(), table.Row{"wallet", "since (UTC)", "recovery codes left", "no code before (UTC)"}, rows)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func secondFactorResetCommand(s *source) *cobra.Command {
	return &cobra.Command{
		Use: "reset WALLET", Short: "Take a wallet's second factor away, when its app and recovery codes are lost",
		Long: "Be sure who asks: from then on the wallet's key is enough, and whoever has it can set up a second factor\n" +
			"of their own. The program may run meanwhile. The security log has an entry of it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one wallet: banyan second-factor reset 0x…"))
			}
			w, err := wallet.Parse(args[0])
			if err != nil {
				return fault.Usage(err)
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				if err := i.Sessions.ResetSecondFactor(ctx, identity.From(ctx), w); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s has no second factor any more, and can set up another\n", w)
				return nil
			})
		},
	}
}
