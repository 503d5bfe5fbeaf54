package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/loopback"
	"banyan/platform/seam"
	"banyan/web/workload"
)

type loadFlags struct {
	settings    load.Settings
	server, log string
	only        []string
	remote      bool
	asJSON      bool
}

func loadCommand(s *source) *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use: "load", Short: "Make a bounded load of reads and signed writes on a server, and log what it acknowledges", Args: noArgs,
		Long: "Make a bounded load of reads and signed writes on a server, and log what it acknowledges.\n\n" +
			"Wallets that are made for the load read, write and edit reviews and state whom they vouch for. With an operator's token\n" +
			"in the variable " + tokenVariable + " it also makes airdrops: lists are uploaded, their trees built and verified. What it writes\n" +
			"stays, and counts: use a test site, the demo, or a copy. The rate limit of the server applies (http.rate, http.wallet_rate).\n" +
			"It ends by itself, and at SIGINT with the answers of what was sent. `banyan audit` compares the log with what is stored.",
		Example: "  banyan load --duration 30s --rate 20 --log load.ndjson\n" +
			"  BANYAN_TOKEN=$(banyan token create --role operator --ttl 1h) banyan load --log load.ndjson --json",
		RunE: func(cmd *cobra.Command, _ []string) error { return runLoad(cmd, s, f) },
	}
	c.Flags().StringVar(&f.server, "server", "http://127.0.0.1:8080", "`URL` of the site")
	c.Flags().StringVar(&f.log, "log", "", "`file` for the acknowledgements, a line of JSON each")
	c.Flags().IntVar(&f.settings.Callers, "callers", 16, fmt.Sprintf("how many call at the same time, at most %d", load.MaxCallers))
	c.Flags().Float64Var(&f.settings.Rate, "rate", 20, fmt.Sprintf("requests per second, at most %d", load.MaxRate))
	c.Flags().DurationVar(&f.settings.Duration, "duration", 30*time.Second, "how long, at most "+load.MaxDuration.String())
	c.Flags().DurationVar(&f.settings.Retry, "retry", 30*time.Second, "how long a write without an answer is sent again, with its key, at most "+load.MaxRetry.String())
	c.Flags().StringSliceVar(&f.only, "only", nil, "the `modules` to call (default all)")
	c.Flags().BoolVar(&f.remote, "allow-remote", false, "allow a server that is not on this machine: have its operator's consent")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return c
}

func runLoad(cmd *cobra.Command, s *source, f loadFlags) (err error) {
	if err := f.settings.Check(); err != nil {
		return err
	}
	if err := checkServer(f.server, f.remote); err != nil {
		return err
	}
	token := os.Getenv(tokenVariable)
	run := workload.Run{Name: rand.Text()[:10], Operators: token != ""}
	visits, done, err := s.visits(cmd.Context(), run, f, token)
	defer done()
	if err != nil {
		return err
	}
	if len(visits) == 0 {
		return fault.Usage(errors.New("--only leaves no module to call"))
	}
	out := io.Discard
	if f.log != "" {
		file, err := os.OpenFile(f.log, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return fault.New(fault.Conflict, f.log+" is there already, and may be of a load that was not audited yet: choose another name")
		} else if err != nil {
			return fmt.Errorf("write the log: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	log, err := load.NewLog(out, load.Header{Server: f.server, Run: run.Name, TimeMS: time.Now().UnixMilli(), Version: s.program.Version})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "run %s: up to %v requests/s by %d callers on %s for %s\n", run.Name, f.settings.Rate, f.settings.Callers, f.server, f.settings.Duration)
	report, err := load.Run(cmd.Context(), f.settings, visits, log)
	if err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(cmd.OutOrStdout(), report)
	}
	describeLoad(cmd.OutOrStdout(), report)
	return nil
}

// checkServer refuses what is not the URL of a site, and other machines unless they are
// allowed.
func checkServer(server string, remote bool) error {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fault.Usage(fmt.Errorf("--server %q is not the URL of a site: write http://127.0.0.1:8080 or https://host", server))
	case !remote && !loopback.Host(u.Hostname()):
		return fault.Usage(fmt.Errorf("%s is not on this machine: a load on somebody else's server needs their consent; with it, add --allow-remote", server))
	}
	return nil
}

// visits are what the load does at the server. done closes its connections.
func (s *source) visits(ctx context.Context, run workload.Run, f loadFlags, token string) (all []load.Visit, done func(), err error) {
	var closers []func()
	done = func() {
		for _, end := range closers {
			end()
		}
	}
	for _, name := range f.only {
		if !slices.Contains(s.program.ModuleNames(), name) {
			return nil, done, fault.Usage(fmt.Errorf("there is no module %q: choose of %s", name, strings.Join(s.program.ModuleNames(), ", ")))
		}
	}
	for _, m := range s.modules {
		if m.Load == nil || len(f.only) > 0 && !slices.Contains(f.only, m.Name()) {
			continue
		}
		route, end, err := seam.Dial(m.Contract, f.server, token)
		if err != nil {
			return nil, done, err
		}
		closers = append(closers, end)
		visits, err := m.Load(ctx, run, route)
		if err != nil {
			return nil, done, fmt.Errorf("%s at %s: %w", m.Name(), f.server, err)
		}
		all = append(all, visits...)
	}
	return all, done, nil
}

func describeLoad(w io.Writer, r load.Report) {
	rows := make([]table.Row, len(r.Operations))
	for i, o := range r.Operations {
		var failed []string
		for _, code := range slices.Sorted(maps.Keys(o.Errors)) {
			failed = append(failed, fmt.Sprintf("%s %d", code, o.Errors[code]))
		}
		kind := "read"
		if o.Write {
			kind = "write"
		}
		rows[i] = table.Row{o.Name, kind, o.Count, fmt.Sprintf("%.1f", float64(o.Count)/r.Seconds), milliseconds(o.P50), milliseconds(o.P99), milliseconds(o.Most), strings.Join(failed, ", ")}
	}
	printTable(w, table.Row{"operation", "kind", "requests", "per second", "p50 ms", "p99 ms", "longest ms", "errors"}, rows)
	fmt.Fprintf(w, "%d requests in %.1f s, %.1f a second, %d failed; %d writes acknowledged, and at most %.0f ms without one\n",
		r.Requests, r.Seconds, r.PerSecond, r.Failed, r.Writes, r.LongestGap*1000)
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.1f", seconds*1000) }
