package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// files are SQLite databases, each with its write lock held.
type files []*file

// openSQLite refuses files that a program works with, and keeps others out.
func openSQLite(ctx context.Context, all []database.Options) (_ side, err error) {
	opened := make(files, 0, len(all))
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	for _, one := range all {
		if err := database.RequireUnused(ctx, pathOf(one)); err != nil {
			return nil, err
		}
		direct, err := database.OpenDirectFile(ctx, one)
		if err != nil {
			return nil, err
		}
		opened = append(opened, &file{direct})
		if _, err := direct.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
			return nil, fmt.Errorf("lock the database %s: %w", one.Module, err)
		}
	}
	return opened, nil
}

func pathOf(o database.Options) string {
	return filepath.Join(strings.TrimPrefix(strings.TrimPrefix(o.URL, "sqlite:"), "//"), o.Module+".db")
}

func (f files) session(i int) session { return f[i] }

func (f files) commit(ctx context.Context) error {
	for _, one := range f {
		if _, err := one.conn.ExecContext(ctx, `COMMIT`); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

// close rolls back what was not committed: SQLite does at the end of a connection.
func (f files) close() (err error) {
	for _, one := range f {
		err = errors.Join(err, one.conn.Close())
	}
	return err
}

type file struct{ conn *database.DirectFile }

func (f *file) get(ctx context.Context, dest []any, query string, args ...any) (bool, error) {
	err := f.conn.QueryRowContext(ctx, query, args...).Scan(dest...)
	if database.IsNoRows(err) {
		return false, nil
	}
	return err == nil, err
}

func (f *file) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.conn.ExecContext(ctx, query, args...)
	return err
}

// tables need no order: the connection does not check foreign keys while it fills them.
func (f *file) tables(ctx context.Context) ([]table, error) {
	names, err := f.list(ctx, `
		SELECT name
		  FROM sqlite_master
		 WHERE type = 'table'
		   AND name NOT LIKE 'sqlite_%'
		   AND name NOT LIKE 'goose_%'
		 ORDER BY name`)
	if err != nil {
		return nil, err
	}
	counted, err := f.list(ctx, `SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'`)
	if err != nil {
		return nil, err
	}
	all := make([]table, len(names))
	for i, name := range names {
		if all[i], err = f.describe(ctx, name, slices.Contains(counted, name)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (f *file) list(ctx context.Context, query string) (found []string, err error) {
	rows, err := f.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

func (f *file) describe(ctx context.Context, name string, isCounted bool) (_ table, err error) {
	// hidden is 2 and 3 for generated columns.
	rows, err := f.conn.QueryContext(ctx, `SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0`, name)
	if err != nil {
		return table{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var columns []column
	var keys []string
	for rows.Next() {
		var c column
		var declared string
		var place int
		if err := rows.Scan(&c.name, &declared, &place); err != nil {
			return table{}, err
		}
		if c.kind, err = kindOf(name, c.name, declared); err != nil {
			return table{}, err
		}
		if place > 0 {
			for len(keys) < place {
				keys = append(keys, "")
			}
			keys[place-1] = c.name
		}
		columns = append(columns, c)
	}
	ids := ""
	if isCounted && len(keys) > 0 {
		ids = keys[0]
	}
	return newTable(name, columns, keys, ids), rows.Err()
}

func (f *file) read(ctx context.Context, t table, row func(values []any) error) (err error) {
	rows, err := f.conn.QueryContext(ctx, `SELECT `+quoted(t.names())+` FROM `+quoted([]string{t.name}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return eachRow(rows, len(t.columns), row)
}

func eachRow(rows *sql.Rows, columns int, row func(values []any) error) error {
	for rows.Next() {
		values := make([]any, columns)
		into := make([]any, columns)
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (f *file) load(ctx context.Context, t table, next func() ([]any, error)) (err error) {
	insert, err := f.conn.PrepareContext(ctx, `INSERT INTO `+quoted([]string{t.name})+` (`+quoted(t.names())+`) VALUES (`+
		strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ")+`)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for {
		values, err := next()
		if err != nil || values == nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
}

func (f *file) clear(ctx context.Context, ts []table) error {
	for _, t := range ts {
		if err := f.exec(ctx, `DELETE FROM `+quoted([]string{t.name})); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) counter(ctx context.Context, t table) (last int64, err error) {
	if t.ids == "" {
		return 0, nil
	}
	_, err = f.get(ctx, []any{&last}, `SELECT seq FROM sqlite_sequence WHERE name = ?`, t.name)
	return last, err
}

// setCounter leaves tables alone that count from their highest id.
func (f *file) setCounter(ctx context.Context, t table, last int64) error {
	if t.ids == "" || last == 0 {
		return nil
	}
	if err := f.exec(ctx, `DELETE FROM sqlite_sequence WHERE name = ?`, t.name); err != nil {
		return err
	}
	return f.exec(ctx, `INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)`, t.name, last)
}

// quoted are names of the program's own migrations: none has a quotation mark.
func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// scratchFolder makes a folder on the disk of the data folder, and returns the same
// databases in it.
func scratchFolder(all []database.Options) (_ []database.Options, remove func() error, err error) {
	data := filepath.Dir(pathOf(all[0]))
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the data folder: %w", err)
	}
	folder, err := os.MkdirTemp(data, ".banyan-copy-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder in the data folder: %w", err)
	}
	there := slices.Clone(all)
	for i := range there {
		there[i].URL = "sqlite:" + folder
	}
	return there, func() error { return os.RemoveAll(folder) }, nil
}

// putFiles checks the filled files, and moves them to their places. What is there has
// been looked at: it is nothing, or an outdated copy.
func putFiles(ctx context.Context, from, into []database.Options) error {
	for i := range from {
		if err := database.CheckFile(ctx, pathOf(from[i])); err != nil {
			return err
		}
		if err := database.RequireUnused(ctx, pathOf(into[i])); err != nil {
			return err
		}
	}
	// The modules' first, which are last: whatever is there when this ends half-way says
	// by its owner row that it is no whole copy.
	for i := len(from) - 1; i >= 0; i-- {
		path := pathOf(into[i])
		for _, beside := range []string{"-wal", "-shm"} { // of the file that is replaced
			if err := os.Remove(path + beside); err != nil && !os.IsNotExist(err) {
				return fault.Wrap(err, fault.Unavailable, "cannot replace "+path)
			}
		}
		if err := os.Rename(pathOf(from[i]), path); err != nil {
			return fault.Wrap(err, fault.Unavailable, "cannot put the copy at "+path)
		}
	}
	return syncFolder(filepath.Dir(pathOf(into[0])))
}

// syncFolder makes the renames durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
