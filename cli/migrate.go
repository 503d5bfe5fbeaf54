package cli

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/database"
)

func migrateCommand(s *source) *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "See or migrate the databases' schemas (serve migrates at start)"}
	var asJSON bool
	status := &cobra.Command{
		Use: "status", Short: "List the migrations and which are applied; it creates nothing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			all := map[string][]database.Migration{}
			var rows []table.Row
			for _, name := range loaded.Databases() {
				found, err := loaded.DatabaseStatus(cmd.Context(), name)
				if err != nil {
					return err
				}
				all[name] = found.Migrations
				rows = append(rows, migrationRows(name, found)...)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			printTable(cmd.OutOrStdout(), table.Row{"database", "set", "migration", "applied (UTC)"}, rows)
			return nil
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	up := &cobra.Command{
		Use: "up", Short: "Apply the pending migrations", Args: noArgs,
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

// migrationRows are the lines of one database in the list of migrations.
func migrationRows(name string, found database.Status) []table.Row {
	if !found.Exists {
		return []table.Row{{name, "", "", "no database yet: banyan serve and banyan migrate up create it"}}
	}
	rows := make([]table.Row, len(found.Migrations))
	for i, m := range found.Migrations {
		applied := "pending: run banyan migrate up"
		if m.Applied {
			applied = timeText(m.At)
		}
		rows[i] = table.Row{name, m.Set, m.Name, applied}
	}
	return rows
}
