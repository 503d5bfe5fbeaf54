package transfer

import (
	"context"
	"errors"
	"fmt"
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

func (f *fileLane) byKey(t table) string {
	return ` WHERE ` + strings.Join(quotedEach(t.keyNames()), ` = ? AND `) + ` = ?`
}

func quotedEach(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = quoted([]string{name})
	}
	return all
}

func (f *fileLane) present(ctx context.Context, t table, keys [][]any, row func([]any) error) (err error) {
	find, err := f.conn.PrepareContext(ctx, `SELECT `+quoted(t.names())+` FROM `+quoted([]string{t.name})+f.byKey(t))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, find.Close()) }()
	one := func(key []any) (err error) {
		rows, err := find.QueryContext(ctx, key...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		return eachRow(rows, len(t.columns), row)
	}
	for _, key := range keys {
		if err := one(key); err != nil {
			return err
		}
	}
	return nil
}

func (f *fileLane) remove(ctx context.Context, t table, keys [][]any) (err error) {
	del, err := f.conn.PrepareContext(ctx, `DELETE FROM `+quoted([]string{t.name})+f.byKey(t))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, del.Close()) }()
	for _, key := range keys {
		if _, err := del.ExecContext(ctx, key...); err != nil {
			return err
		}
	}
	return nil
}

// put replaces what a row clashes with in a unique index: a row that was read before
// it lost the value. It is in the log, and comes again.
func (f *fileLane) put(ctx context.Context, t table, rows [][]any) (err error) {
	insert, err := f.conn.PrepareContext(ctx, `INSERT OR REPLACE INTO `+quoted([]string{t.name})+` (`+quoted(t.names())+`) VALUES (`+marks(len(t.columns))+`)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for _, values := range rows {
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
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
