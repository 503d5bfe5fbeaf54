package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/identity/securitylog"
	"banyan/platform/page"
)

func securityLogCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "security-log", Short: "See, export and verify the record of sign-ins, roles, tokens, keys and operators' actions",
		Long: "Entries are only added, and each has a hash over itself and the one before it. They are kept for\n" +
			"identity.security_log_keep. These commands work on the database directly, also while the program runs.",
	}
	c.AddCommand(logListCommand(s), logExportCommand(s), logVerifyCommand(s))
	return c
}

func logListCommand(s *source) *cobra.Command {
	var q securitylog.Query
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "Show the last entries, newest first", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return fault.Usage(errors.New("--limit is 1 or more"))
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				entries, err := lastEntries(ctx, i.Events, q, limit)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), entries)
				}
				rows := make([]table.Row, len(entries))
				for n, e := range entries {
					what := string(e.What)
					if e.Refused {
						what += " (refused)"
					}
					if e.Times > 1 {
						what += fmt.Sprintf(" %d times", e.Times)
					}
					rows[n] = table.Row{e.Seq, timeText(e.At), e.Who, what, e.Whom, e.From, e.Detail}
				}
				printTable(cmd.OutOrStdout(), table.Row{"entry", "when (UTC)", "who", "what", "to whom", "from", "detail"}, rows)
				return nil
			})
		},
	}
	c.Flags().StringVar(&q.What, "what", "", "only this `kind`, like signed-in or role-set")
	c.Flags().StringVar(&q.Who, "who", "", "only what this wallet, token, key or `name` did, or what was done to it")
	c.Flags().IntVar(&limit, "limit", 50, "the most entries to show")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func lastEntries(ctx context.Context, log *securitylog.Log, q securitylog.Query, limit int) ([]securitylog.Entry, error) {
	entries := []securitylog.Entry{}
	for len(entries) < limit {
		q.Limit = min(limit-len(entries), page.Standard().Max)
		found, next, err := log.List(ctx, q)
		if err != nil {
			return nil, err
		}
		entries = append(entries, found...)
		if q.Cursor = next; next == "" {
			break
		}
	}
	return entries, nil
}

func logExportCommand(s *source) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "export", Short: "Write all entries, oldest first, a line of JSON each", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) (err error) {
				var end securitylog.Chain
				if out == "-" {
					end, err = i.Events.Export(ctx, cmd.OutOrStdout())
				} else {
					end, err = exportTo(ctx, i.Events, out)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%d entries; the end of the log is %s\n", end.Entries, end)
				return nil
			})
		},
	}
	c.Flags().StringVar(&out, "out", "-", "`file` to write; - is standard output")
	return c
}

func exportTo(ctx context.Context, log *securitylog.Log, path string) (securitylog.Chain, error) {
	const ownerOnly = 0o600 // it has addresses of people
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, ownerOnly)
	if err != nil {
		return securitylog.Chain{}, err
	}
	end, err := log.Export(ctx, f)
	return end, errors.Join(err, f.Close())
}

func logVerifyCommand(s *source) *cobra.Command {
	var in, at string
	var asJSON bool
	c := &cobra.Command{
		Use: "verify", Short: "Compute the hashes again, and fail if an entry was changed or taken out", Args: noArgs,
		Long: "Write down what it prints, SEQ:HASH, where the database's administrator cannot write: with --at a later\n" +
			"run also finds out if the whole log was made again. With --in it verifies an exported file.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in != "" && at != "" {
				return fault.Usage(errors.New("--at is for the log in the database, --in for an exported file: use one of them"))
			}
			if in != "" {
				chain, err := verifyFile(cmd, in)
				if err != nil {
					return err
				}
				return printChain(cmd, chain, asJSON)
			}
			return withStoredIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				chain, err := i.Events.Verify(ctx, at)
				if err != nil {
					return err
				}
				return printChain(cmd, chain, asJSON)
			})
		},
	}
	c.Flags().StringVar(&in, "in", "", "an exported `file`, - is standard input (default: the log in the database)")
	c.Flags().StringVar(&at, "at", "", "a `SEQ:HASH` that was written down, which must still be in the log")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func verifyFile(cmd *cobra.Command, path string) (securitylog.Chain, error) {
	if path == "-" {
		return securitylog.VerifyFile(cmd.InOrStdin())
	}
	f, err := os.Open(path)
	if err != nil {
		return securitylog.Chain{}, err
	}
	chain, err := securitylog.VerifyFile(f)
	return chain, errors.Join(err, f.Close())
}

func printChain(cmd *cobra.Command, chain securitylog.Chain, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), chain)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d entries fit\n%s\n", chain.Entries, chain)
	return nil
}
