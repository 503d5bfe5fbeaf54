package cli

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/host"
)

func databaseCheckCommand(s *source) *cobra.Command {
	return &cobra.Command{
		Use: "check [DATABASE…]", Short: "Read all databases, or these, and look for damage",
		Long: "Read all databases, or these, and look for damage: in SQLite's files and foreign keys; in PostgreSQL for\n" +
			"indexes and constraints that do not hold, and sequences behind their tables. It changes nothing, and may run\n" +
			"beside the program. It ends with 1 when something is wrong.",
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, names, err := existing(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			if err := sayElsewhere(cmd, loaded, "is not looked at: what is here was left"); err != nil {
				return err
			}
			damaged := false
			err = withDatabases(cmd.Context(), loaded, names, func(name string, db *database.DB) error {
				problems, err := database.Check(cmd.Context(), db)
				if len(problems) == 0 && err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: nothing is wrong\n", name)
				}
				for _, p := range problems {
					damaged = true
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", name, p)
				}
				return err
			})
			if err == nil && damaged {
				err = errors.New("stop the program, keep the folder as it is, and restore the last good backup: banyan backup restore")
			}
			return err
		},
	}
}

// existing returns the databases of these names, or all that exist. It creates and
// migrates none.
func existing(ctx context.Context, s *source, args []string) (loaded host.Loaded, names []string, err error) {
	if loaded, err = s.load(); err != nil {
		return loaded, nil, err
	}
	known := loaded.Databases()
	for _, name := range args {
		if !slices.Contains(known, name) {
			return loaded, nil, fault.Usage(fmt.Errorf("there is no database %q: choose of %s", name, strings.Join(known, ", ")))
		}
	}
	if len(args) == 0 {
		args = known
	}
	for _, name := range args {
		status, err := loaded.DatabaseStatus(ctx, name)
		switch {
		case err != nil:
			return loaded, nil, err
		case status.Exists:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return loaded, nil, fault.New(fault.NotFound, "there is no database yet: start the program, or name its settings file with --config (the setting data, or database.url, says where it is)")
	}
	return loaded, names, nil
}

// maxShellRows bounds what one statement prints.
const maxShellRows = 1000

func databaseShellCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "shell DATABASE [SQL]", Short: "Read a database with SQL, also while the program runs",
		Long: "Read a database with SQL, also while the program runs. Without SQL it reads statements from standard input,\n" +
			"each ended by a semicolon. Nothing can be changed: the program is the only writer, and every row that it did not\n" +
			"write would escape its checks. At most 1,000 rows of a statement are printed.",
		Example: "  banyan database shell reputation 'SELECT COUNT(*) FROM event_inbox'\n" +
			"  echo \"SELECT name FROM sqlite_schema;\" | banyan database shell airdrop --json",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, names, err := existing(cmd.Context(), s, args[:1])
			if err == nil {
				err = requireHere(cmd.Context(), loaded, args[0])
			}
			if err != nil {
				return err
			}
			return withDatabases(cmd.Context(), loaded, names, func(_ string, db *database.DB) error {
				show := func(query string) error { return showQuery(cmd.Context(), cmd.OutOrStdout(), db, query, asJSON) }
				if len(args) == 2 {
					return show(args[1])
				}
				return eachStatement(cmd.InOrStdin(), show)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON per row")
	return c
}

// eachStatement calls do with each statement of a text.
func eachStatement(r io.Reader, do func(query string) error) error {
	var statement strings.Builder
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		statement.WriteString(lines.Text() + "\n")
		if strings.HasSuffix(strings.TrimSpace(lines.Text()), ";") {
			if err := do(statement.String()); err != nil {
				return err
			}
			statement.Reset()
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the statements: %w", err)
	}
	if strings.TrimSpace(statement.String()) != "" {
		return do(statement.String())
	}
	return nil
}

// readingWords begin the statements that only read. SQLite would make a file at ATTACH.
var readingWords = []string{"SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW"}

// checkReading refuses what is not one statement that reads. The database refuses what
// this does not see.
func checkReading(query string) error {
	query = strings.TrimSuffix(strings.TrimSpace(query), ";")
	word := query
	if i := strings.IndexFunc(query, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = query[:i]
	}
	switch {
	case strings.Contains(query, ";"):
		return fault.New(fault.Invalid, "this is more than one statement: end each with a semicolon and a new line on standard input")
	case !slices.Contains(readingWords, strings.ToUpper(word)):
		return fault.Newf(fault.Invalid, "the shell only reads: begin with %s; what the program did not write would escape its checks", strings.Join(readingWords, ", "))
	}
	return nil
}

// showQuery prints the rows of one statement, which runs in a transaction that
// cannot write.
func showQuery(ctx context.Context, w io.Writer, db *database.DB, query string, asJSON bool) error {
	if err := checkReading(query); err != nil {
		return err
	}
	return db.Snapshot(ctx, func(r database.Reader) error {
		rows, err := r.Query(ctx, query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // read as far as wanted
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		var head table.Row
		for _, column := range columns {
			head = append(head, column)
		}
		var all []table.Row
		more := false
		for rows.Next() {
			if more = len(all) == maxShellRows; more {
				break
			}
			values, err := rows.SliceScan()
			if err != nil {
				return err
			}
			all = append(all, readable(values))
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if err := printRows(w, columns, head, all, asJSON); err != nil {
			return err
		}
		if more {
			fmt.Fprintf(w, "there are more than %d rows: add LIMIT and OFFSET\n", maxShellRows)
		}
		return nil
	})
}

// readable shows bytes as hex.
func readable(values []any) table.Row {
	row := make(table.Row, len(values))
	for i, v := range values {
		if b, is := v.([]byte); is {
			v = "0x" + hex.EncodeToString(b)
		}
		row[i] = v
	}
	return row
}

func printRows(w io.Writer, columns []string, head table.Row, rows []table.Row, asJSON bool) error {
	if !asJSON {
		printTable(w, head, rows)
		return nil
	}
	e := json.NewEncoder(w)
	for _, row := range rows {
		object := make(map[string]any, len(columns))
		for i, column := range columns {
			object[column] = row[i]
		}
		if err := e.Encode(object); err != nil {
			return err
		}
	}
	return nil
}
