package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/transfer"
)

func databaseCommand(s *source) *cobra.Command {
	c := &cobra.Command{Use: "database", Short: "Check and read the databases, and copy all data from SQLite to PostgreSQL, or back"}
	c.AddCommand(databaseCheckCommand(s), databaseShellCommand(s), databaseCopyCommand(s))
	return c
}

func databaseCopyCommand(s *source) *cobra.Command {
	var from, to string
	var isTrial, asJSON bool
	c := &cobra.Command{
		Use: "copy --to PLACE", Short: "Copy all data to another database, prove that it is equal, and close the old one",
		Long: "Copy all data to another database, prove that it is equal, and close the old one.\n\n" +
			"Stop all processes of Banyan first. Each table is copied, read again and compared. Then the old databases\n" +
			"are marked as moved: no process starts on them by mistake, and the same command copies back over them.\n" +
			"When it fails or is interrupted, at most one of the two can be written; run it again, and it goes on.\n\n" +
			"PLACE is postgres://user@host:5432/name (a database that exists and is empty), sqlite (the data folder of\n" +
			"the settings), or sqlite:FOLDER. A password comes from PGPASSWORD or ~/.pgpass, so that no list of processes\n" +
			"shows it. Files that are no databases (the trees of airdrops) stay in the data folder, which is used as before.",
		Example: "  banyan database copy --to postgres://banyan@db:5432/banyan --trial\n" +
			"  banyan database copy --to postgres://banyan@db:5432/banyan\n  banyan database copy --to sqlite",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			last := time.Now()
			report, err := loaded.CopyDatabases(cmd.Context(), from, to, isTrial, func(database, name string, rows int64) {
				if time.Since(last) > 2*time.Second {
					last = time.Now()
					fmt.Fprintf(cmd.ErrOrStderr(), "%s, %s: %d rows\n", database, name, rows)
				}
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			printCopy(cmd, report)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "`place` to copy to")
	c.Flags().StringVar(&from, "from", "", "`place` to copy from (default the databases of the settings)")
	c.Flags().BoolVar(&isTrial, "trial", false, "copy and compare only: the old database stays in use, and the copy is another site's data")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("to") // it exists
	return c
}

func printCopy(cmd *cobra.Command, r transfer.Report) {
	w := cmd.OutOrStdout()
	var rows []table.Row
	var all int64
	for _, t := range r.Tables {
		all += t.Rows
		if t.Rows > 0 {
			rows = append(rows, table.Row{t.Database, t.Name, t.Rows, t.Sum})
		}
	}
	switch {
	case len(r.Tables) == 0:
		fmt.Fprintf(w, "all data was in %s already, from a copy that was interrupted at its end; it is finished now\n", r.To)
	default:
		printTable(w, table.Row{"database", "table", "rows", "sum on both sides"}, rows)
		fmt.Fprintf(w, "%d rows of %d tables are equal in %s and %s\n", all, len(r.Tables), r.From, r.To)
	}
	switch {
	case r.Trial:
		fmt.Fprintf(w, "this was a trial: %s is in use as before, and %s can be dropped\n", r.From, r.To)
	case strings.HasPrefix(r.To, "sqlite:"):
		fmt.Fprintf(w, "next: take database.url out of the settings of every process (data: %s), and start; %s is closed\n", strings.TrimPrefix(r.To, "sqlite:"), r.From)
	default:
		fmt.Fprintf(w, "next: set database.url to %s for every process, and start; the databases in %s are closed\n", r.To, r.From)
	}
}
