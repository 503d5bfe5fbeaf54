package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"banyan/platform/host"
	"banyan/platform/identity/signin"
)

func setupCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "setup", Short: "Set a new installation up", Args: noArgs,
		Long: "As long as no wallet is an operator, `banyan serve` prints a link at its start, by which the first one is made.",
	}
	c.AddCommand(&cobra.Command{
		Use: "link", Short: "Print a new link that makes the wallet who opens it the first operator", Args: noArgs,
		Long: "The link works once and for an hour, and the one before it not any more. It is refused when there is an operator.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			return withIdentity(cmd.Context(), s, func(ctx context.Context, i *host.Identity) error {
				code, err := i.Sessions.NewSetupCode(ctx)
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), loaded.Settings.SetupLink(code))
				}
				return err
			})
		},
	})
	return c
}

// offerSetup logs the link that makes the first operator, where there is none.
func offerSetup(ctx context.Context, p *host.Process) error {
	if p.Settings().Module != "" { // it has neither pages nor sign-in
		return nil
	}
	sessions := p.Identity().Sessions
	if has, err := sessions.HasOperator(ctx); err != nil || has {
		return unlessEnding(ctx, err)
	}
	code, err := sessions.NewSetupCode(ctx)
	if err != nil {
		return unlessEnding(ctx, err)
	}
	p.Say(ctx, "no wallet is an operator yet: open this link with the wallet that is to be one", "link", p.Settings().SetupLink(code), "for", signin.SetupLife)
	return nil
}

// unlessEnding drops the error of work that was cut short because the program ends.
func unlessEnding(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
