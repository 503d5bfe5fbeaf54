package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/seam"
)

func auditCommand(s *source) *cobra.Command {
	var server string
	var wait time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "audit LOG", Short: "Compare the log of a load with what a server has: every acknowledged write once, and nothing beside it", Args: cobra.ExactArgs(1),
		Long: "Compare the log of a load with what a server has: every acknowledged write once, and nothing beside it.\n\n" +
			"It asks the server through its API, with the token in the variable " + tokenVariable + " if there is one, and shares no code with what made\n" +
			"the load: each review's versions and their order, each statement, each campaign with its list and root, and each activity\n" +
			"that the events of reviews have become. A write without an answer may be there, once. It ends with 1 at a difference.",
		Example: "  banyan audit load.ndjson\n  banyan audit load.ndjson --server https://new.example.org --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			record, err := readLoadLog(args[0])
			if err != nil {
				return err
			}
			if server != "" {
				record.Server = server
			}
			var checks []load.Check
			for _, m := range s.modules {
				if m.Audit == nil {
					continue
				}
				route, end, err := seam.Dial(m.Contract, record.Server, os.Getenv(tokenVariable))
				if err != nil {
					return err
				}
				defer end()
				checks = append(checks, m.Audit(route))
			}
			verdict, err := load.Audit(cmd.Context(), record, wait, checks)
			if err != nil {
				return fmt.Errorf("the audit of %s did not end: %w", record.Server, err)
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), verdict)
			} else {
				describeVerdict(cmd.OutOrStdout(), verdict)
			}
			if err == nil && !verdict.Good {
				err = fault.Newf(fault.Conflict, "%s does not have what it acknowledged: keep its data as it is, and look at the differences", record.Server)
			}
			return err
		},
	}
	c.Flags().StringVar(&server, "server", "", "`URL` of the site (default that of the log)")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long events may still be on their way")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func readLoadLog(path string) (*load.Record, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Wrap(err, fault.NotFound, "there is no log "+path+": make one with `banyan load --log "+path+"`")
	} else if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return load.ReadLog(file)
}

func describeVerdict(w io.Writer, v load.Verdict) {
	if len(v.Findings) > 0 {
		rows := make([]table.Row, len(v.Findings))
		for i, f := range v.Findings {
			rows[i] = table.Row{f.Operation, f.ID, f.Problem}
		}
		printTable(w, table.Row{"operation", "what", "difference"}, rows)
	}
	if !v.Whole {
		fmt.Fprintln(w, "the load did not end by itself: what it sent last may be missing from its log")
	}
	verdict := "every acknowledged write is there exactly once, and nothing beside them"
	if !v.Good {
		verdict = fmt.Sprintf("%d differences", len(v.Findings))
	}
	fmt.Fprintf(w, "run %s at %s: %d writes acknowledged, %d without an acknowledgement; %s\n", v.Run, v.Server, v.Acknowledged, v.Unacknowledged, verdict)
}
