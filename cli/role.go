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

func roleCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "role", Short: "See and change what wallets may do",
		Long: "A wallet has its role from its next request on, in every session and with every token. Wallets of the\n" +
			"setting identity.operators are operators whatever is said here.",
	}
	c.AddCommand(roleListCommand(s), roleSetCommand(s))
	return c
}

func roleListCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List the wallets that may do more than every wallet", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				list, err := i.Sessions.Roles(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), list)
				}
				rows := make([]table.Row, len(list))
				for n, r := range list {
					rows[n] = table.Row{r.Wallet, r.Role, r.By, timeText(r.At)}
				}
				printTable(cmd.OutOrStdout(), table.Row{"wallet", "role", "given by", "given (UTC)"}, rows)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func roleSetCommand(s *source) *cobra.Command {
	return &cobra.Command{
		Use: "set WALLET member|moderator|operator", Short: "Set what a wallet may do; member is what every wallet may",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.Usage(errors.New("name a wallet and its role: banyan role set 0x… moderator"))
			}
			w, err := wallet.Parse(args[0])
			if err != nil {
				return fault.Usage(err)
			}
			role, err := identity.ParseRole(args[1])
			if err != nil {
				return fault.Usage(err)
			}
			return withIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				if err := i.Sessions.Grant(ctx, identity.From(ctx), w, role); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", w, role)
				return nil
			})
		},
	}
}
