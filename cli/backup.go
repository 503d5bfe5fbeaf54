package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/atomicfile"
	"banyan/platform/backup"
	"banyan/platform/fault"
	"banyan/platform/host"
)

func backupCommand(s *source) *cobra.Command {
	c := &cobra.Command{
		Use: "backup", Short: "Copy all databases into one file while the program runs, check it, and put it back",
		Long: "Copy all databases into one file while the program runs, check it, and put it back.\n\n" +
			"The file has all that is stored, also the keys that sign tokens: keep it as you keep the data folder.\n" +
			"It does not depend on the kind of database: what was made on SQLite can be restored into PostgreSQL, and back.",
	}
	c.AddCommand(backupCreateCommand(s), backupVerifyCommand(s), backupRestoreCommand(s))
	return c
}

func backupCreateCommand(s *source) *cobra.Command {
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use: "create --out FILE", Short: "Write a backup of all databases, as they are at one moment",
		Example: "  banyan backup create --out monday.banyan\n  banyan backup create --out - | ssh elsewhere 'cat >monday.banyan'",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			m, err := createBackup(cmd, loaded, out)
			if err != nil {
				return err
			}
			if err := sayElsewhere(cmd, loaded, "is not in this backup: make one there as well"); err != nil {
				return err
			}
			if out == "-" { // standard output is the backup
				return nil
			}
			return describeBackup(cmd.OutOrStdout(), m, asJSON, out+" is written")
		},
	}
	c.Flags().StringVar(&out, "out", "", "`file` to write, - for standard output")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("out") // it exists
	return c
}

func createBackup(cmd *cobra.Command, loaded host.Loaded, out string) (m backup.Manifest, err error) {
	if out == "-" {
		return loaded.Backup(cmd.Context(), cmd.OutOrStdout(), loaded.Settings.Data, time.Now())
	}
	path, err := behindLinks(out)
	if err != nil {
		return m, err
	}
	err = atomicfile.Replace(path, 0o600, func(file *os.File) error {
		m, err = loaded.Backup(cmd.Context(), file, filepath.Dir(path), time.Now())
		return err
	})
	return m, err
}

// behindLinks returns the file that a link leads to, so that the file is replaced and
// not the link.
func behindLinks(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	switch {
	case err == nil:
		return real, nil
	case os.IsNotExist(err):
		return path, nil
	}
	return "", err
}

func backupVerifyCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "verify FILE", Short: "Read a backup whole, and check every database in it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBackup(cmd, s, args[0], func(loaded host.Loaded, from io.Reader) error {
				scratch := os.TempDir()
				if args[0] != "-" {
					scratch = filepath.Dir(args[0]) // where there was room for the backup
				}
				m, err := loaded.VerifyBackup(cmd.Context(), from, scratch)
				if err != nil {
					return err
				}
				return describeBackup(cmd.OutOrStdout(), m, asJSON, "whole, and readable by this program")
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func backupRestoreCommand(s *source) *cobra.Command {
	var force, asJSON bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup into the data folder, or into PostgreSQL, which must be empty, while no program works with it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBackup(cmd, s, args[0], func(loaded host.Loaded, from io.Reader) error {
				m, err := loaded.Restore(cmd.Context(), from, force)
				if err != nil {
					return err
				}
				return describeBackup(cmd.OutOrStdout(), m, asJSON, "restored into "+loaded.DatabasePlace())
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace the data that is there")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// withBackup opens the file of a backup, - for standard input.
func withBackup(cmd *cobra.Command, s *source, path string, do func(host.Loaded, io.Reader) error) error {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	if path == "-" {
		return do(loaded, cmd.InOrStdin())
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "there is no backup "+path)
	} else if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return do(loaded, file)
}

func describeBackup(w io.Writer, m backup.Manifest, asJSON bool, end string) error {
	if asJSON {
		return printJSON(w, m)
	}
	rows := make([]table.Row, len(m.Databases))
	for i, d := range m.Databases {
		rows[i] = table.Row{d.Name, d.Bytes, d.SHA256[:16]}
	}
	printTable(w, table.Row{"database", "bytes", "SHA-256"}, rows)
	fmt.Fprintf(w, "made %s by %s; %s\n", timeText(time.UnixMilli(m.MadeMS)), m.Version, end)
	return nil
}
