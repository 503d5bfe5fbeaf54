package cli

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/host"
)

func migrateCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "See or migrate the databases' schemas (serve migrates at start)",
		Long: "See or migrate the databases' schemas (serve migrates at start).\n\n" +
			"There is no way back to an older program but a backup from before: `banyan migrate up --backup FILE` makes\n" +
			"one when there is something to migrate, and `banyan backup restore FILE` puts it back.",
	}
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
	var backupTo string
	up := &cobra.Command{
		Use: "up", Short: "Apply the pending migrations", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			if err := backupBefore(cmd, loaded, backupTo); err != nil {
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
	up.Flags().StringVar(&backupTo, "backup", "", "`file` to write a backup to before, when migrations are pending (default on SQLite: one in the folder of backups, see backup.before_migration)")
	c.AddCommand(status, up)
	return c
}

// backupBefore writes a backup when there is data, and migrations are pending: to a file,
// or if none is named where the settings say.
func backupBefore(cmd *cobra.Command, loaded host.Loaded, file string) error {
	if file == "" {
		path, err := loaded.BackupBeforeMigration(cmd.Context(), loaded.Databases(), time.Now())
		if path != "" {
			fmt.Fprintln(cmd.OutOrStdout(), "a backup from before is in", path)
		}
		return err
	}
	isPending, missing := false, ""
	for _, name := range loaded.Databases() {
		found, err := loaded.DatabaseStatus(cmd.Context(), name)
		if err != nil {
			return err
		}
		isPending = isPending || found.Exists && found.Pending()
		if !found.Exists {
			missing = name
		}
	}
	switch {
	case !isPending:
		return nil
	case missing != "":
		return fault.Newf(fault.Conflict, "no backup can be made: the database %s is not there yet, and others are; copy the data folder while the program is stopped, and migrate without --backup", missing)
	}
	if _, err := createBackup(cmd, loaded, file); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "a backup from before is in", file)
	return nil
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
		file := m.Name
		if m.Unknown {
			file, applied = fmt.Sprintf("version %d", m.Version), applied+", by a newer program: start that one, or restore a backup"
		}
		rows[i] = table.Row{name, m.Set, file, applied}
	}
	return rows
}
