package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

const (
	// tokenVariable names the environment variable with a token for commands
	// that call a running program.
	tokenVariable = "BANYAN_TOKEN"
	// commandTokenTTL is the life of a token that a command makes for itself.
	commandTokenTTL = 2 * time.Minute
	// commandWait bounds one call: a step hands over the ownership of writes,
	// and waits for what is under way.
	commandWait = time.Minute
)

func moduleCommand(s *source) *cobra.Command {
	o := &operating{source: s}
	c := &cobra.Command{
		Use:   "module",
		Short: "See where each module runs, and move it while the program runs",
		Long: "These commands call the running program as its operator. On the same host, with the program's\n" +
			"settings, they make a token of two minutes for themselves; from elsewhere give them one of\n" +
			"`banyan token create --role operator` in " + tokenVariable + ".",
	}
	c.PersistentPreRun = func(cmd *cobra.Command, _ []string) { o.errOut = cmd.ErrOrStderr() }
	c.PersistentFlags().StringVar(&o.server, "server", "", "`address` of the running program (default public_url from the settings)")
	c.PersistentFlags().StringVar(&o.token, "token", "", "operator's `token` (default "+tokenVariable+", or one made from the program's own keys)")
	c.AddCommand(moduleListCommand(o), moduleSetCommand(o), moduleResetCommand(o), moduleAuditCommand(o), moduleMoveCommand(o))
	return c
}

func moduleListCommand(o *operating) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "Every module with its state, and what differs from the settings", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all rollout.Modules
			err := o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) (err error) {
				all, err = modules.List(ctx, rollout.ListQuery{})
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			rows := make([]table.Row, len(all.Modules))
			for i, m := range all.Modules {
				note := m.Problem
				if m.Differs && note == "" {
					note = "the settings say " + placeText(m.Config)
				}
				if m.Move != nil && note == "" {
					note = "data to " + m.Move.To + ": " + moveText(*m.Move)
				}
				if m.DataAt != "" && note == "" {
					note = "its data is there, too"
				}
				rows[i] = table.Row{m.Plan.Module, placeText(m.Plan.Place), m.Plan.Version, m.Plan.ChangedBy, msText(m.Plan.ChangedMS), note}
			}
			printTable(cmd.OutOrStdout(), table.Row{"module", "state", "version", "changed by", "changed (UTC)", "note"}, rows)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the figures of each route")
	return c
}

func moduleSetCommand(o *operating) *cobra.Command {
	var change rollout.Change
	var ifVersion int64
	var asJSON bool
	c := &cobra.Command{
		Use:   "set NAME local|shadow|canary|remote",
		Short: "Change where the calls of a module go, now and after a restart",
		Example: "  banyan module set reputation shadow --percent 10 --url http://127.0.0.1:8081 --why \"first look\"\n" +
			"  banyan module set reputation canary --percent 10\n" +
			"  banyan module set reputation remote\n" +
			"  banyan module set reputation local",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.Usage(errors.New("name a module and its state: banyan module set reputation shadow --percent 10"))
			}
			change.Mode = seam.Mode(args[1])
			partly := change.Mode == seam.ModeShadow || change.Mode == seam.ModeCanary
			if partly && !cmd.Flags().Changed("percent") {
				return fault.Usage(fmt.Errorf("%s needs a share: add --percent, like --percent 10", change.Mode))
			}
			if cmd.Flags().Changed("if-version") {
				change.IfVersion = &ifVersion
			}
			if err := change.Validate(); err != nil {
				return fault.Usage(err)
			}
			return o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) error {
				plan, err := modules.Set(ctx, rollout.SetRequest{Name: args[0], Change: change})
				if err != nil {
					return err
				}
				return printPlan(cmd, plan, asJSON)
			})
		},
	}
	c.Flags().Float64Var(&change.Percent, "percent", 0, "`share` of reads compared (shadow) or of callers led there (canary), 0 to 100")
	c.Flags().StringArrayVar(&change.URLs, "url", nil, "`address` where the module runs; repeat it for several (default those of the present plan)")
	c.Flags().StringVar(&change.Why, "why", "", "`reason` for the audit")
	c.Flags().BoolVar(&change.Anyway, "anyway", false, "take a step that is not shown to be safe; the audit says so")
	c.Flags().Int64Var(&ifVersion, "if-version", 0, "only when the plan still has this `version`")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func moduleResetCommand(o *operating) *cobra.Command {
	var request rollout.ResetRequest
	var asJSON bool
	c := &cobra.Command{
		Use: "reset NAME", Short: "Let the settings decide again where the calls of a module go",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one module: banyan module reset reputation"))
			}
			request.Name = args[0]
			return o.with(cmd.Context(), func(ctx context.Context, modules rollout.Client) error {
				plan, err := modules.Reset(ctx, request)
				if err != nil {
					return err
				}
				return printPlan(cmd, plan, asJSON)
			})
		},
	}
	c.Flags().StringVar(&request.Why, "why", "", "`reason` for the audit")
	c.Flags().BoolVar(&request.Anyway, "anyway", false, "also when that step is not shown to be safe; the audit says so")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func moduleAuditCommand(o *operating) *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use: "audit NAME", Short: "Who moved a module, when and why, newest first",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one module: banyan module audit reputation"))
			}
			if limit < 1 {
				return fault.Usage(errors.New("--limit is 1 or more"))
			}
			entries, err := o.audit(cmd.Context(), args[0], limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), entries)
			}
			rows := make([]table.Row, len(entries))
			for i, e := range entries {
				to := placeText(e.To)
				if e.Configured {
					to += " (settings)"
				}
				if e.Anyway {
					to += " (anyway)"
				}
				rows[i] = table.Row{e.Version, msText(e.AtMS), e.Who, placeText(e.From), to, e.Why}
			}
			printTable(cmd.OutOrStdout(), table.Row{"version", "when (UTC)", "who", "from", "to", "why"}, rows)
			return nil
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "the most changes to show")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printPlan(cmd *cobra.Command, plan rollout.Plan, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), plan)
	}
	by := ""
	if plan.Configured {
		by = ", as the settings say"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is %s%s (version %d)\n", plan.Module, placeText(plan.Place), by, plan.Version)
	return nil
}

// placeText is a place on one line: canary 10 % at http://127.0.0.1:8081.
func placeText(p rollout.Place) string {
	text := string(p.Mode)
	if p.Mode == seam.ModeShadow || p.Mode == seam.ModeCanary {
		text += " " + strconv.FormatFloat(p.Percent, 'f', -1, 64) + " %"
	}
	if p.Mode != seam.ModeLocal && len(p.URLs) > 0 {
		text += " at " + strings.Join(p.URLs, ", ")
	}
	return text
}

func msText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return timeText(time.UnixMilli(ms))
}
