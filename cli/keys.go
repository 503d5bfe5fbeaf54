package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/host"
)

func tokenKeysCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "keys", Short: "List the keys that sign tokens, or verify those that were signed", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				list, err := i.Keys.List(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), list)
				}
				rows := make([]table.Row, len(list))
				for n, k := range list {
					state, stored := "signs", "as it is"
					if k.Retired != nil {
						state = "verifies until its tokens expire"
					}
					if k.Sealed {
						stored = "encrypted"
					}
					rows[n] = table.Row{k.ID, state, timeText(k.Created), maybeTime(k.Retired), timeText(k.TokensUntil), stored}
				}
				printTable(cmd.OutOrStdout(), table.Row{"id", "state", "made (UTC)", "retired (UTC)", "last token expires (UTC)", "stored"}, rows)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func tokenRotateCommand(s *source) *cobra.Command {
	return &cobra.Command{
		Use: "rotate-key", Short: "Sign with a new key from now on; tokens of the old one are valid until they expire", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				id, err := i.Keys.Rotate(ctx)
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "new tokens are signed with the key", id)
				}
				return err
			})
		},
	}
}

func tokenRevokeKeyCommand(s *source) *cobra.Command {
	return &cobra.Command{
		Use: "revoke-key ID", Short: "End a key that got into other hands, and every token that it signed; if it signs, a new one takes its place",
		Long: "All tokens that the key signed are refused: by the running program within five seconds, by modules that\n" +
			"run alone within a minute. Sessions are not signed and go on.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one key by its id: `banyan token keys` lists them"))
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				if err := i.Keys.Revoke(ctx, args[0]); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
				return nil
			})
		},
	}
}
