package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
)

func tokenCommand(s *source) *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make tokens for API clients, and change the key that signs them"}
	var role, subject string
	var ttl time.Duration
	var asJSON bool
	create := &cobra.Command{
		Use: "create", Short: "Make a token; it is printed once and not stored", Args: noArgs,
		Example: "  export TOKEN=$(banyan token create --role operator --ttl 8h)\n" +
			"  curl -H \"Authorization: Bearer $TOKEN\" -X POST http://127.0.0.1:8080/api/v1/reputation/epochs",
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := identity.ParseRole(role)
			if err != nil {
				return fault.Usage(err)
			}
			return withKeys(cmd.Context(), s, func(keys *signin.Keys) error {
				made, err := keys.CreateToken(cmd.Context(), signin.TokenRequest{Subject: subject, Role: parsed, TTL: ttl})
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), made)
				}
				fmt.Fprintln(cmd.OutOrStdout(), made.Token)
				return nil
			})
		},
	}
	create.Flags().StringVar(&role, "role", "", "what it may do: member, moderator or operator")
	create.Flags().StringVar(&subject, "subject", "cli", "who holds it: a `name` for logs")
	create.Flags().DurationVar(&ttl, "ttl", 0, "how long it is valid (default: the setting identity.token_ttl)")
	create.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the time it expires")
	_ = create.MarkFlagRequired("role") // the flag exists
	rotate := &cobra.Command{
		Use: "rotate-key", Short: "Sign with a new key from now on; tokens of the old one are valid until they expire", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withKeys(cmd.Context(), s, func(keys *signin.Keys) error {
				id, err := keys.Rotate(cmd.Context())
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "new tokens are signed with the key", id)
				}
				return err
			})
		},
	}
	c.AddCommand(create, rotate)
	return c
}

func withKeys(ctx context.Context, s *source, fn func(*signin.Keys) error) (err error) {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	keys, closeKeys, err := loaded.OpenKeys(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeKeys()) }()
	return fn(keys)
}
