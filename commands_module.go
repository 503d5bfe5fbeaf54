package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
)

const (
	// tokenVariable names the environment variable with a token for commands
	// that speak to a running program.
	tokenVariable = "BANYAN_TOKEN"
	// commandTokenTTL is the life of a token that a command makes for itself.
	commandTokenTTL = 2 * time.Minute
	// commandWait bounds one call: a step hands over the ownership of writes,
	// and waits for what is under way.
	commandWait = time.Minute
)

func moduleCommand(s *settings) *cobra.Command {
	o := &operating{settings: s}
	c := &cobra.Command{
		Use:   "module",
		Short: "See where each module runs, and move it while the program runs",
		Long: "These commands speak to the running program as its operator. On the same host, with the program's\n" +
			"settings, they make a token of two minutes for themselves; from elsewhere give them one of\n" +
			"`banyan token create --role operator` in " + tokenVariable + ".",
	}
	c.PersistentFlags().StringVar(&o.server, "server", "", "`address` of the running program (default public_url from the settings)")
	c.PersistentFlags().StringVar(&o.token, "token", "", "operator's `token` (default "+tokenVariable+", or one made from the program's own keys)")
	c.AddCommand(moduleListCommand(o), moduleSetCommand(o), moduleResetCommand(o), moduleAuditCommand(o))
	return c
}

func moduleListCommand(o *operating) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "Every module with its state, and what differs from config.yaml", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all control.Modules
			if err := o.ask(cmd.Context(), http.MethodGet, "/modules", nil, &all); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			rows := make([]table.Row, len(all.Modules))
			for i, m := range all.Modules {
				note := m.Problem
				if m.Differs && note == "" {
					note = "config.yaml says " + placeText(m.Config)
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
	var change control.Change
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
			var plan control.Plan
			if err := o.ask(cmd.Context(), http.MethodPut, "/modules/"+url.PathEscape(args[0]), change, &plan); err != nil {
				return err
			}
			return printPlan(cmd, plan, asJSON)
		},
	}
	c.Flags().Float64Var(&change.Percent, "percent", 0, "`share` of reads compared (shadow) or of callers led there (canary), 0 to 100")
	c.Flags().StringArrayVar(&change.URLs, "url", nil, "`address` where the module runs; repeat it for several (default those of the present plan)")
	c.Flags().StringVar(&change.Why, "why", "", "`reason` for the audit")
	c.Flags().Int64Var(&ifVersion, "if-version", 0, "only when the plan still has this `version`")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func moduleResetCommand(o *operating) *cobra.Command {
	var request control.ResetRequest
	var asJSON bool
	c := &cobra.Command{
		Use: "reset NAME", Short: "Let config.yaml decide again where the calls of a module go",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.Usage(errors.New("name one module: banyan module reset reputation"))
			}
			var plan control.Plan
			if err := o.ask(cmd.Context(), http.MethodPost, "/modules/"+url.PathEscape(args[0])+"/reset", request, &plan); err != nil {
				return err
			}
			return printPlan(cmd, plan, asJSON)
		},
	}
	c.Flags().StringVar(&request.Why, "why", "", "`reason` for the audit")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func moduleAuditCommand(o *operating) *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use: "audit NAME", Short: "Who moved a module, when and why, youngest first",
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
					to += " (config.yaml)"
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

func printPlan(cmd *cobra.Command, plan control.Plan, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), plan)
	}
	by := ""
	if plan.Configured {
		by = ", as config.yaml says"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is %s%s (version %d)\n", plan.Module, placeText(plan.Place), by, plan.Version)
	return nil
}

// placeText is a place on one line: canary 10 % at http://127.0.0.1:8081.
func placeText(p control.Place) string {
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

// operating is an operator at the command line.
type operating struct {
	settings *settings
	server   string
	token    string
}

// ask calls an operation of the running program's operator API.
func (o *operating) ask(ctx context.Context, method, path string, body, into any) error {
	cfg, _, err := o.settings.load()
	if err != nil {
		return err
	}
	server := strings.TrimSuffix(o.server, "/")
	if server == "" {
		server = cfg.PublicURL
	}
	if u, err := url.Parse(server); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fault.Usage(fmt.Errorf("--server %q is no address: write one like http://127.0.0.1:8080", server))
	}
	token, err := o.bearer(ctx, cfg)
	if err != nil {
		return err
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, server+"/api/v1/operator"+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	// A redirect would carry the token to somebody else.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "nothing answers at "+server+": start the program with `banyan serve`, or name its address with --server")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp, server)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fault.Wrap(err, fault.Unavailable, "what answers at "+server+" is not this release of Banyan: name the program's address with --server")
	}
	return nil
}

// refusal is the program's own words, except where the command line knows more.
func refusal(resp *http.Response, server string) error {
	err := fault.ReadProblem(resp)
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return fault.Wrap(err, fault.Unauthenticated, "the program at "+server+" does not take this token: run the command with the settings of that program (--config), or give it a token that `banyan token create --role operator` made there")
	case resp.Header.Get("Content-Type") != fault.MediaType:
		return fault.Newf(fault.Unavailable, "what answers at %s (%s) is not Banyan: name the program's address with --server", server, resp.Status)
	}
	return err
}

// bearer finds or makes the token that says who is asking.
func (o *operating) bearer(ctx context.Context, cfg config.Config) (string, error) {
	if o.token != "" {
		return o.token, nil
	}
	if token := os.Getenv(tokenVariable); token != "" {
		return token, nil
	}
	if !cfg.Database.Postgres() {
		// Without the program's file its key would be made anew, and be none.
		if _, err := os.Stat(filepath.Join(cfg.Data, "identity.db")); errors.Is(err, fs.ErrNotExist) {
			return "", fault.Newf(fault.NotFound, "the program's keys are not in %s: run this where the program runs, with its settings (--config), or set %s to a token that `banyan token create --role operator` made there", cfg.Data, tokenVariable)
		}
	}
	var token string
	err := withKeys(ctx, o.settings, func(keys *identity.Keys) error {
		made, err := keys.CreateToken(ctx, identity.TokenRequest{Subject: commandSubject(), Role: identity.Operator, TTL: commandTokenTTL})
		token = made.Token
		return err
	})
	return token, err
}

// commandSubject is who stands in the audit: cli-ada.
func commandSubject() string {
	const most = 64 // letters of a token's subject
	who, err := user.Current()
	if err != nil || who.Username == "" {
		return "cli"
	}
	name := strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@-", r)) {
			return r
		}
		return '-'
	}, "cli-"+who.Username)
	return name[:min(len(name), most)]
}

// audit reads the last changes of a module, page by page.
func (o *operating) audit(ctx context.Context, name string, limit int) ([]control.Entry, error) {
	entries := []control.Entry{}
	for cursor := ""; len(entries) < limit; {
		query := url.Values{"limit": {strconv.Itoa(min(limit-len(entries), 200))}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page control.AuditPage
		if err := o.ask(ctx, http.MethodGet, "/modules/"+url.PathEscape(name)+"/audit?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		entries = append(entries, page.Entries...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return entries, nil
}
