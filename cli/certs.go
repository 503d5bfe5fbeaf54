package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/certificates"
	"banyan/platform/fault"
)

// certsCommand makes the certificates by which Banyan's processes authenticate each
// other.
func certsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "certs",
		Short: "Make the certificates for calls between Banyan's own processes",
		Long: "Modules that run alone and the trunk (the process with all modules and the pages) authenticate\n" +
			"each other by certificates of a private authority. Make the authority once, then a certificate\n" +
			"for each process: its name is the module's, or " + certificates.Trunk + ". Issue it again to renew it; running\n" +
			"processes load the new files by themselves. The settings tls.cert, tls.key and tls.ca name a\n" +
			"process's files.",
		Example: "  banyan certs init --dir certs\n" +
			"  banyan certs issue --dir certs --name trunk\n" +
			"  banyan certs issue --dir certs --name reputation --host reputation.internal --host 10.0.0.7",
	}
	var folder string
	c.PersistentFlags().StringVar(&folder, "dir", "certs", "`folder` of the certificates and the authority's key")
	c.AddCommand(certsInitCommand(&folder), certsIssueCommand(&folder), certsShowCommand(&folder))
	return c
}

func certsInitCommand(folder *string) *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Make the authority: ca.crt, which every process needs, and ca.key, which none needs", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			made, err := certificates.Init(*folder, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is valid until %s. Keep ca.key, beside it, secret: it can make a certificate for any process.\n",
				made.File, made.Until.Format(time.DateOnly))
			return nil
		},
	}
}

func certsIssueCommand(folder *string) *cobra.Command {
	var r certificates.Request
	var days int
	c := &cobra.Command{
		Use: "issue", Short: "Make or renew a process's certificate and key", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 {
				return fault.UsageOf("--days", "must be 1 or more")
			}
			r.Life = time.Duration(days) * 24 * time.Hour
			made, err := certificates.Issue(*folder, r, time.Now())
			if err != nil {
				return err
			}
			at := certificates.FilesIn(*folder, r.Name)
			fmt.Fprintf(cmd.OutOrStdout(), "%s names %s (%s) until %s. In the settings of that process:\ntls:\n  cert: %s\n  key: %s\n  ca: %s\n",
				made.File, made.Name, strings.Join(made.Hosts, ", "), made.Until.Format(time.DateOnly), at.Cert, at.Key, at.CA)
			return nil
		},
	}
	c.Flags().StringVar(&r.Name, "name", "", "the `process`: a module, or "+certificates.Trunk)
	c.Flags().StringArrayVar(&r.Hosts, "host", nil, "a host `name` or IP address of the process; may be repeated (default: those of the certificate before, or the name and this machine)")
	c.Flags().IntVar(&days, "days", int(certificates.DefaultLife/(24*time.Hour)), "how many `days` it is valid")
	_ = c.MarkFlagRequired("name") // the flag exists
	return c
}

func certsShowCommand(folder *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "show", Short: "List the certificates and when they expire", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := certificates.List(*folder)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			printCertificates(cmd.OutOrStdout(), all, time.Now())
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printCertificates(w io.Writer, all []certificates.Certificate, now time.Time) {
	rows := make([]table.Row, 0, len(all))
	for _, c := range all {
		name, left := c.Name, fmt.Sprintf("%d days", c.Until.Sub(now)/(24*time.Hour))
		if c.Authority {
			name = "(authority)"
		}
		if now.After(c.Until) {
			left = "expired: issue it again"
		}
		rows = append(rows, table.Row{c.File, name, strings.Join(c.Hosts, ", "), timeText(c.Until), left})
	}
	printTable(w, table.Row{"file", "names", "hosts", "until (UTC)", "left"}, rows)
}
