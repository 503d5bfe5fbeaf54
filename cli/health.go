package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/telemetry"
)

const (
	// healthWait is more than the program takes for its checks.
	healthWait = 5 * time.Second
	// maxReadiness bounds the answer, in bytes.
	maxReadiness = 64 << 10
)

func healthCommand(s *source) *cobra.Command {
	var address string
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask the running program whether it is ready, for a container's HEALTHCHECK",
		Long: "It asks GET /readyz at the admin address of the settings, prints one line, and ends with 0 when\n" +
			"requests are welcome and with 1 when they are not, or nobody answers.",
		Example: "  banyan health\n" +
			"  banyan health --url http://127.0.0.1:8091",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			where := address
			if where == "" {
				var err error
				if where, err = adminURL(s); err != nil {
					return err
				}
			} else if _, isSocket := config.SocketPath(where); isSocket { // as admin.listen may be
			} else if u, err := url.Parse(where); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
				return fault.Usage(fmt.Errorf("--url %q is not an address: write one like http://127.0.0.1:8090", where))
			}
			ready, err := askReadiness(cmd.Context(), strings.TrimSuffix(where, "/"))
			if err != nil {
				return err
			}
			if !ready.Ready() {
				return errors.New(readinessText(ready))
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return nil
		},
	}
	c.Flags().StringVar(&address, "url", "", "admin `address` of the running program (default admin.listen from the settings)")
	return c
}

// adminURL is the admin address of the program that these settings start.
func adminURL(s *source) (string, error) {
	loaded, err := s.load()
	if err != nil {
		return "", err
	}
	standalone(loaded)
	where, known := loaded.Settings.AdminURL()
	if !known {
		return "", fault.New(fault.Invalid, "the admin address has no port of its own, so nobody knows where to ask: set admin.listen for the program and for this command, or name the address with --url")
	}
	return where, nil
}

func askReadiness(ctx context.Context, where string) (ready telemetry.Readiness, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	transport, address := &http.Transport{}, where
	if path, isSocket := config.SocketPath(where); isSocket {
		address = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return ready, fmt.Errorf("make the request: %w", err)
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return ready, fmt.Errorf("not ready: nothing answers at %s: start the program, or name its admin address with admin.listen or --url", where)
	}
	defer resp.Body.Close()
	wrong := fmt.Errorf("not ready: what answers at %s (%s) is not Banyan's admin address: name that with admin.listen or --url", where, resp.Status)
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return ready, wrong
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReadiness)).Decode(&ready); err != nil || ready.Status == "" || ready.Ready() != (resp.StatusCode == http.StatusOK) {
		return ready, wrong
	}
	return ready, nil
}

// readinessText is what is wrong, on one line.
func readinessText(r telemetry.Readiness) string {
	if r.Status == "draining" {
		return "not ready: the program is stopping"
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		if r.Checks[name] != "ok" {
			wrong = append(wrong, name+": "+strings.Join(strings.Fields(r.Checks[name]), " "))
		}
	}
	return "not ready: " + strings.Join(wrong, "; ")
}
