package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// fileLane is a lane of a SQLite file. Its connection does not check foreign keys.
type fileLane struct {
	file
	open bool
}

func openSQLiteLane(ctx context.Context, o database.Options) (lane, error) {
	direct, err := database.OpenDirectFile(ctx, o)
	if err != nil {
		return nil, err
	}
	return &fileLane{file: file{direct}}, nil
}

func (f *fileLane) begin(ctx context.Context, how string) error {
	_, err := f.conn.ExecContext(ctx, how)
	f.open = err == nil
	return err
}

// beginRead also makes the snapshot, which SQLite does at the first read.
func (f *fileLane) beginRead(ctx context.Context) error {
	if err := f.begin(ctx, `BEGIN`); err != nil {
		return err
	}
	var one int
	_, err := f.get(ctx, []any{&one}, `SELECT COUNT(*) FROM ownership`)
	return err
}

func (f *fileLane) beginWrite(ctx context.Context) error { return f.begin(ctx, `BEGIN IMMEDIATE`) }

func (f *fileLane) commit(ctx context.Context) error {
	_, err := f.conn.ExecContext(context.WithoutCancel(ctx), `COMMIT`)
	f.open = f.open && err != nil
	return err
}

func (f *fileLane) rollback() error {
	if !f.open {
		return nil
	}
	f.open = false
	_, err := f.conn.ExecContext(context.Background(), `ROLLBACK`)
	return err
}

func (f *fileLane) close() error { return errors.Join(f.rollback(), f.conn.Close()) }

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func (f *fileLane) after(ctx context.Context, t table, last []any, limit int, row func([]any) error) error {
	keys := quoted(t.keyNames())
	query := `SELECT ` + quoted(t.names()) + ` FROM ` + quoted([]string{t.name})
	args := []any{}
	if last != nil {
		query += ` WHERE (` + keys + `) > (` + marks(len(last)) + `)`
		args = append(args, last...)
	}
	return f.rows(ctx, t, row, query+` ORDER BY `+keys+` LIMIT ?`, append(args, limit)...)
}

func (f *fileLane) rows(ctx context.Context, t table, row func([]any) error, query string, args ...any) (err error) {
	rows, err := f.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return eachRow(rows, len(t.columns), row)
}

func quotedEach(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = quoted([]string{name})
	}
	return all
}

// The most that one statement names: each costs about as much as a few rows do, and SQLite
// takes 32,766 parameters.
const (
	namedKeys = 100
	namedRows = 40
)

// chunked calls do with a prepared statement for each few of the rows; query makes it for
// so many.
func (f *fileLane) chunked(ctx context.Context, rows [][]any, most int, query func(n int) string, do func(statement *sql.Stmt, args []any) error) error {
	var args []any
	some := func(rows [][]any) (err error) {
		statement, err := f.conn.PrepareContext(ctx, query(min(most, len(rows))))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, statement.Close()) }()
		for chunk := range slices.Chunk(rows, min(most, len(rows))) {
			args = args[:0]
			for _, values := range chunk {
				args = append(args, values...)
			}
			if err := do(statement, args); err != nil {
				return err
			}
		}
		return nil
	}
	whole := len(rows) / most * most
	for _, part := range [][][]any{rows[:whole], rows[whole:]} {
		if len(part) == 0 {
			continue
		}
		if err := some(part); err != nil {
			return err
		}
	}
	return nil
}

// named is the condition for rows with one of n keys.
func named(t table, n int) string {
	names := quoted(t.keyNames())
	if len(t.keys) == 1 {
		return ` WHERE ` + names + ` IN (` + marks(n) + `)`
	}
	return ` WHERE (` + names + `) IN (VALUES ` + tuples(len(t.keys), n) + `)`
}

// tuples are n rows of placeholders.
func tuples(width, n int) string {
	one := `(` + marks(width) + `)`
	return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
}

func (f *fileLane) present(ctx context.Context, t table, keys [][]any, row func([]any) error) error {
	query := func(n int) string {
		return `SELECT ` + quoted(t.names()) + ` FROM ` + quoted([]string{t.name}) + named(t, n)
	}
	return f.chunked(ctx, keys, namedKeys, query, func(find *sql.Stmt, args []any) (err error) {
		rows, err := find.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		return eachRow(rows, len(t.columns), row)
	})
}

func (f *fileLane) remove(ctx context.Context, t table, keys [][]any) error {
	query := func(n int) string { return `DELETE FROM ` + quoted([]string{t.name}) + named(t, n) }
	return f.chunked(ctx, keys, namedKeys, query, func(del *sql.Stmt, args []any) error {
		_, err := del.ExecContext(ctx, args...)
		return err
	})
}

// put replaces what a row clashes with in a unique index: a row that was read before
// it lost the value. It is in the log, and comes again.
func (f *fileLane) put(ctx context.Context, t table, rows [][]any) error {
	query := func(n int) string {
		return `INSERT OR REPLACE INTO ` + quoted([]string{t.name}) + ` (` + quoted(t.names()) + `) VALUES ` + tuples(len(t.columns), n)
	}
	return f.chunked(ctx, rows, namedRows, query, func(insert *sql.Stmt, args []any) error {
		_, err := insert.ExecContext(ctx, args...)
		return err
	})
}

// position is the last number that the log has given, also when it is empty.
func (f *fileLane) position(ctx context.Context) (string, error) {
	var last int64
	_, err := f.get(ctx, []any{&last}, `SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'move_log'), 0)`)
	return strconv.FormatInt(last, 10), err
}

func (f *fileLane) touched(ctx context.Context, since string, after touchedKey, limit int) (found []touchedKey, err error) {
	rows, err := f.conn.QueryContext(ctx, `
		SELECT DISTINCT tab, key
		  FROM move_log
		 WHERE seq > CAST(? AS INTEGER)
		   AND (tab, key) > (?, ?)
		 ORDER BY tab, key
		 LIMIT ?`, since, after.table, after.key, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var one touchedKey
		if err := rows.Scan(&one.table, &one.key); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// missing is 0 in a whole log: SQLite counts without gaps, also over a rollback.
func (f *fileLane) missing(ctx context.Context, since string) (gaps int64, err error) {
	_, err = f.get(ctx, []any{&gaps}, `
		SELECT COALESCE(MAX(seq), CAST(?1 AS INTEGER)) - CAST(?1 AS INTEGER) - COUNT(*)
		  FROM move_log
		 WHERE seq > CAST(?1 AS INTEGER)`, since)
	return gaps, err
}

// loosenForeign has nothing to do: the connection checks no foreign keys.
func (f *fileLane) loosenForeign(context.Context, []table) ([]string, error) { return nil, nil }

// loosenIndexes has nothing to do: see put.
func (f *fileLane) loosenIndexes(context.Context, []table) ([]string, error) { return nil, nil }

func (f *fileLane) validate(ctx context.Context) error {
	var name string
	found, err := f.get(ctx, []any{&name}, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
	if err == nil && found {
		err = fault.Newf(fault.Internal, "a row of %s refers to one that was not copied", name)
	}
	return err
}

// captureSQLite are the triggers of a table. They call nothing that other programs
// with the file may lack.
func captureSQLite(t table) []string {
	key := func(row string) string {
		parts := make([]string, len(t.keys))
		for i, at := range t.keys {
			parts[i] = row + `."` + t.columns[at].name + `"`
			if t.columns[at].kind != integer {
				parts[i] = `hex(` + parts[i] + `)`
			}
		}
		return strings.Join(parts, ` || ',' || `)
	}
	note := func(row string) string {
		return fmt.Sprintf(`INSERT INTO move_log (tab, key) VALUES ('%s', %s);`, t.name, key(row))
	}
	changes := make([]string, len(t.keys))
	for i, name := range quotedEach(t.keyNames()) {
		changes[i] = `OLD.` + name + ` IS NOT NEW.` + name
	}
	trigger := func(kind, when, body string) string {
		return fmt.Sprintf(`CREATE TRIGGER IF NOT EXISTS "move_%s_%s" AFTER %s ON "%s" %s BEGIN %s END`, kind, t.name, strings.ToUpper(strings.TrimPrefix(kind, "key")), t.name, when, body)
	}
	return []string{
		trigger("insert", "", note("NEW")),
		trigger("update", "", note("NEW")),
		trigger("keyupdate", "WHEN "+strings.Join(changes, " OR "), note("OLD")),
		trigger("delete", "", note("OLD")),
	}
}

// releaseSQLite removes the triggers.
func releaseSQLite(t table) []string {
	var all []string
	for _, kind := range []string{"insert", "update", "keyupdate", "delete"} {
		all = append(all, fmt.Sprintf(`DROP TRIGGER IF EXISTS "move_%s_%s"`, kind, t.name))
	}
	return all
}
