package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/page"
	"banyan/platform/rollout"
	"banyan/platform/wallet"
)

func tokenCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Make, list and end tokens for API clients, and change the key that signs them",
		Long: "Every token has an entry and counts as long as the entry says so: a token that is ended here is\n" +
			"refused by the running program within two seconds.",
	}
	c.AddCommand(tokenCreateCommand(s), tokenListCommand(s), tokenRevokeCommand(s), tokenKeysCommand(s), tokenRotateCommand(s), tokenRevokeKeyCommand(s))
	return c
}

func tokenCreateCommand(s *source) *cobra.Command {
	var role, subject, of string
	var scope []string
	var ttl time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "create", Short: "Make a token; it is printed once and not stored", Args: noArgs,
		Example: "  export TOKEN=$(banyan token create --role operator --ttl 8h)\n" +
			"  curl -H \"Authorization: Bearer $TOKEN\" -X POST http://127.0.0.1:8080/api/v1/reputation/epochs\n" +
			"  banyan token create --role member --scope " + s.program.ModuleNames()[0] + ":read --subject ci",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask, err := s.tokenRequest(role, subject, of, scope, ttl)
			if err != nil {
				return fault.Usage(err)
			}
			return withIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				made, err := i.Tokens.Create(ctx, ask)
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
	c.Flags().StringVar(&role, "role", "", "the most it may do: member, moderator or operator")
	c.Flags().StringVar(&subject, "subject", "", "who holds it: a `name` for logs (default cli, or none with --wallet)")
	c.Flags().StringVar(&of, "wallet", "", "the `address` whose role counts at each use, up to --role (default: --role counts)")
	c.Flags().StringSliceVar(&scope, "scope", nil, "what it is for: `modules`, operator or identity, each with :read for reads alone (default everything)")
	c.Flags().DurationVar(&ttl, "ttl", 0, "how long it is valid (default: the setting identity.token_ttl)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with its id and the time it expires")
	_ = c.MarkFlagRequired("role") // the flag exists
	return c
}

// tokenRequest checks the flags of a new token.
func (s *source) tokenRequest(role, subject, of string, scope []string, ttl time.Duration) (ask signin.TokenRequest, err error) {
	ask = signin.TokenRequest{Subject: subject, TTL: ttl}
	if ask.Role, err = identity.ParseRole(role); err != nil {
		return ask, err
	}
	if of != "" {
		if ask.Wallet, err = wallet.Parse(of); err != nil {
			return ask, fmt.Errorf("--wallet: %w", err)
		}
	} else if subject == "" {
		ask.Subject = "cli"
	}
	known := append(s.program.ModuleNames(), rollout.Contract.Module, "identity")
	for _, name := range scope {
		if module := strings.TrimSuffix(name, ":read"); !slices.Contains(known, module) {
			return ask, fmt.Errorf("--scope: there is no %q: choose of %s, each with or without :read", module, strings.Join(known, ", "))
		}
	}
	ask.Scope, err = identity.ParseScope(scope...)
	return ask, err
}

func tokenListCommand(s *source) *cobra.Command {
	var of string
	var all, asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List the tokens in use, newest first", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := signin.TokenQuery{Ended: all, Limit: page.Standard().Max}
			if of != "" {
				w, err := wallet.Parse(of)
				if err != nil {
					return fault.Usage(fmt.Errorf("--wallet: %w", err))
				}
				q.Wallet = w
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				list, err := everyToken(ctx, i.Tokens, q)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), list)
				}
				rows := make([]table.Row, len(list))
				for n, t := range list {
					rows[n] = tokenLine(t)
				}
				printTable(cmd.OutOrStdout(), table.Row{"id", "holder", "role", "scope", "made (UTC)", "by", "expires (UTC)", "last used (UTC)", "ended (UTC)"}, rows)
				return nil
			})
		},
	}
	c.Flags().StringVar(&of, "wallet", "", "only those of this `address`")
	c.Flags().BoolVar(&all, "all", false, "also those that were ended or expired within the last week")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func everyToken(ctx context.Context, tokens *signin.Tokens, q signin.TokenQuery) ([]signin.Token, error) {
	all := []signin.Token{}
	for {
		list, next, err := tokens.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if q.Cursor = next; next == "" {
			return all, nil
		}
	}
}

func tokenLine(t signin.Token) table.Row {
	holder, scope := t.Subject, strings.Join(t.Scope, " ")
	if t.Wallet != nil {
		holder = strings.TrimSpace(t.Wallet.String() + " " + t.Subject)
	}
	if scope == "" {
		scope = "everything"
	}
	return table.Row{t.ID, holder, t.Role, scope, timeText(t.Created), t.CreatedBy, timeText(t.Expires), maybeTime(t.Used), maybeTime(t.Revoked)}
}

func maybeTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return timeText(*t)
}

func tokenRevokeCommand(s *source) *cobra.Command {
	var of string
	c := &cobra.Command{
		Use: "revoke ID… | --wallet ADDRESS", Short: "End tokens, or everything that a wallet is signed in with",
		Example: "  banyan token revoke 0f3c…\n" +
			"  banyan token revoke --wallet 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if (len(ids) == 0) == (of == "") {
				return fault.Usage(errors.New("name the tokens by their ids, or a wallet with --wallet: `banyan token list` prints them"))
			}
			var w wallet.Address
			if of != "" {
				var err error
				if w, err = wallet.Parse(of); err != nil {
					return fault.Usage(fmt.Errorf("--wallet: %w", err))
				}
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				if of != "" {
					done, err := i.Tokens.EndAll(ctx, w)
					if err == nil {
						fmt.Fprintf(cmd.OutOrStdout(), "%s is signed out everywhere: %d sessions and %d tokens ended\n", w, done.Sessions, done.Tokens)
					}
					return err
				}
				for _, id := range ids {
					if err := i.Tokens.Revoke(ctx, id); err != nil {
						return fmt.Errorf("%s: %w", id, err)
					}
					fmt.Fprintln(cmd.OutOrStdout(), "ended", id)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&of, "wallet", "", "end every session and token of this `address`")
	return c
}

// withStoredIdentity is withIdentity for commands that look at what there is: they do
// not make a new database where there is none, which would be empty and mislead.
func withStoredIdentity(ctx context.Context, s *source, fn func(context.Context, *host.Identity) error) error {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	found, err := loaded.IdentityStatus(ctx)
	switch {
	case err != nil:
		return err
	case !found.Exists:
		return fault.New(fault.NotFound, "there is no identity database: start the program, or name its settings file with --config (the setting data, or database.url, says where it is)")
	}
	return withIdentity(ctx, s, fn)
}

func withIdentity(ctx context.Context, s *source, fn func(context.Context, *host.Identity) error) (err error) {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	// Whoever can open the database may do everything; the name is for the log.
	ctx = identity.With(ctx, identity.Caller{Subject: commandSubject(), Role: identity.Operator})
	opened, closeIdentity, err := loaded.OpenIdentity(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIdentity()) }()
	return fn(ctx, opened)
}
