package cli

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/database"
)

func migrateCommand(s *source) *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "See or bring up to date the databases' schemas (serve does it at start)"}
	var asJSON bool
	status := &cobra.Command{
		Use: "status", Short: "List the migrations and which are applied", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			all := map[string][]database.Migration{}
			err = withDatabases(cmd.Context(), loaded, loaded.Databases(), func(name string, db *database.DB) (err error) {
				all[name], err = db.Status(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			var rows []table.Row
			for _, name := range loaded.Databases() {
				for _, m := range all[name] {
					applied := "waiting: run banyan migrate up"
					if m.Applied {
						applied = timeText(m.At)
					}
					rows = append(rows, table.Row{name, m.Set, m.Name, applied})
				}
			}
			printTable(cmd.OutOrStdout(), table.Row{"database", "set", "migration", "applied (UTC)"}, rows)
			return nil
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	up := &cobra.Command{
		Use: "up", Short: "Apply what is missing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			return withDatabases(cmd.Context(), loaded, loaded.Databases(), func(name string, db *database.DB) error {
				if err := db.Migrate(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), name, "is up to date")
				return nil
			})
		},
	}
	c.AddCommand(status, up)
	return c
}
