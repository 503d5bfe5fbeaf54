package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"banyan/platform/database"
)

// schemaLane is a lane of a PostgreSQL schema.
type schemaLane struct{ schema }

func openPostgresLane(ctx context.Context, o database.Options) (lane, error) {
	conn, err := database.OpenDirectPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	return &schemaLane{schema{conn: conn, name: schemaOf(o)}}, nil
}

func (s *schemaLane) begin(ctx context.Context, how string) error {
	_, err := s.conn.Exec(ctx, how+`; SET LOCAL search_path = `+pgx.Identifier{s.name}.Sanitize()+
		`; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '10s'`)
	s.set = err == nil
	return err
}

func (s *schemaLane) beginRead(ctx context.Context) error {
	if err := s.begin(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return err
	}
	_, err := s.conn.Exec(ctx, `SELECT pg_current_snapshot()`) // the moment is that of the first query
	return err
}

func (s *schemaLane) beginWrite(ctx context.Context) error { return s.begin(ctx, `BEGIN`) }

func (s *schemaLane) commit(ctx context.Context) error {
	tag, err := s.conn.Exec(context.WithoutCancel(ctx), `COMMIT`)
	s.set = false
	if err == nil && tag.String() == "ROLLBACK" {
		err = errors.New("the transaction had failed before its commit")
	}
	return err
}

func (s *schemaLane) rollback() error {
	if !s.set && s.conn.PgConn().TxStatus() == 'I' || s.conn.IsClosed() {
		return nil
	}
	s.set = false
	_, err := s.conn.Exec(context.Background(), `ROLLBACK`)
	return err
}

func (s *schemaLane) close() error {
	return errors.Join(s.rollback(), s.conn.Close(context.Background()))
}

func (s *schemaLane) rows(ctx context.Context, row func([]any) error, query string, args ...any) error {
	query, err := s.on(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	return eachValues(rows, row)
}

func (s *schemaLane) after(ctx context.Context, t table, last []any, limit int, row func([]any) error) error {
	keys := quoted(t.keyNames())
	query := `SELECT ` + quoted(t.names()) + ` FROM ` + quoted([]string{t.name})
	args := []any{}
	if last != nil {
		query += ` WHERE (` + keys + `) > (` + marks(len(last)) + `)`
		args = append(args, last...)
	}
	return s.rows(ctx, row, query+` ORDER BY `+keys+` LIMIT ?`, append(args, limit)...)
}

// byKeys joins the table, as t, with arrays of its keys, as k.
func byKeys(t table, keys [][]any) (join, on string, args []any) {
	names := quotedEach(t.keyNames())
	arrays := make([]string, len(t.keys))
	conditions := make([]string, len(t.keys))
	for i, at := range t.keys {
		switch t.columns[at].kind {
		case integer:
			arrays[i], args = `?::bigint[]`, append(args, part[int64](keys, i))
		case text:
			arrays[i], args = `?::text[]`, append(args, part[string](keys, i))
		default:
			arrays[i], args = `?::bytea[]`, append(args, part[[]byte](keys, i))
		}
		conditions[i] = `t.` + names[i] + ` = k.` + names[i]
	}
	return `unnest(` + strings.Join(arrays, `, `) + `) AS k(` + strings.Join(names, `, `) + `)`, strings.Join(conditions, ` AND `), args
}

func part[T any](keys [][]any, i int) []T {
	all := make([]T, len(keys))
	for n, key := range keys {
		all[n], _ = key[i].(T) // parseKey and the columns' types see to it
	}
	return all
}

func (s *schemaLane) present(ctx context.Context, t table, keys [][]any, row func([]any) error) error {
	join, on, args := byKeys(t, keys)
	return s.rows(ctx, row, `SELECT t.`+strings.Join(quotedEach(t.names()), `, t.`)+` FROM `+quoted([]string{t.name})+` AS t JOIN `+join+` ON `+on, args...)
}

func (s *schemaLane) remove(ctx context.Context, t table, keys [][]any) error {
	join, on, args := byKeys(t, keys)
	return s.exec(ctx, `DELETE FROM `+quoted([]string{t.name})+` AS t USING `+join+` WHERE `+on, args...)
}

func (s *schemaLane) put(ctx context.Context, t table, rows [][]any) error {
	_, err := s.conn.CopyFrom(ctx, pgx.Identifier{s.name, t.name}, t.names(), pgx.CopyFromRows(rows))
	return err
}

// position is a snapshot: entries that it does not see are new.
func (s *schemaLane) position(ctx context.Context) (at string, err error) {
	_, err = s.get(ctx, []any{&at}, `SELECT pg_current_snapshot()::text`)
	return at, err
}

func (s *schemaLane) touched(ctx context.Context, since string, after touchedKey, limit int) (found []touchedKey, err error) {
	err = s.rows(ctx, func(values []any) error {
		found = append(found, touchedKey{values[0].(string), values[1].(string)}) //nolint:forcetypeassert // both are NOT NULL TEXT
		return nil
	}, `
		SELECT tab, key
		  FROM (
			SELECT DISTINCT tab COLLATE "C" AS tab, key COLLATE "C" AS key
			  FROM move_log
			 WHERE xid >= pg_snapshot_xmin(?::text::pg_snapshot)::text::bigint
			   AND NOT pg_visible_in_snapshot(xid::text::xid8, ?::text::pg_snapshot)
		  ) AS entries
		 WHERE (tab, key) > (?, ?)
		 ORDER BY tab, key
		 LIMIT ?`, since, since, after.table, after.key, limit)
	return found, err
}

// missing is not known: PostgreSQL's sequences have gaps.
func (s *schemaLane) missing(context.Context, string) (int64, error) { return 0, nil }

// constraints returns the statements that drop the constraints of a kind, and make them
// again.
func (s *schemaLane) constraints(ctx context.Context, names []string, kind string) (drop, again []string, err error) {
	err = s.rows(ctx, func(values []any) error {
		drop = append(drop, fmt.Sprintf(`ALTER TABLE %q DROP CONSTRAINT %q`, values[0], values[1]))
		again = append(again, fmt.Sprintf(`ALTER TABLE %q ADD CONSTRAINT %q %s`, values[0], values[1], values[2]))
		return nil
	}, `
		SELECT a.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
		  FROM pg_constraint AS k
		  JOIN pg_class AS a ON a.oid = k.conrelid
		 WHERE a.relnamespace = to_regnamespace(?)
		   AND a.relname = ANY (?)
		   AND k.contype::text = ?
		 ORDER BY a.relname, k.conname`, pgx.Identifier{s.name}.Sanitize(), names, kind)
	return drop, again, err
}

func (s *schemaLane) loosenForeign(ctx context.Context, ts []table) (again []string, err error) {
	drop, again, err := s.constraints(ctx, namesOf(ts), "f")
	if err != nil {
		return nil, err
	}
	for i, statement := range again {
		again[i] = strings.TrimSuffix(statement, ` NOT VALID`) + ` NOT VALID`
	}
	return again, s.execAll(ctx, drop)
}

// loosenIndexes drops constraints before the indexes that are nobody's.
func (s *schemaLane) loosenIndexes(ctx context.Context, ts []table) (again []string, err error) {
	drop, again, err := s.constraints(ctx, namesOf(ts), "u")
	if err != nil {
		return nil, err
	}
	err = s.rows(ctx, func(values []any) error {
		drop = append(drop, fmt.Sprintf(`DROP INDEX %q`, values[0]))
		again = append(again, values[1].(string)) //nolint:forcetypeassert // pg_get_indexdef is text
		return nil
	}, `
		SELECT i.relname::text, pg_get_indexdef(x.indexrelid)
		  FROM pg_index AS x
		  JOIN pg_class AS a ON a.oid = x.indrelid
		  JOIN pg_class AS i ON i.oid = x.indexrelid
		 WHERE a.relnamespace = to_regnamespace(?)
		   AND a.relname = ANY (?)
		   AND NOT x.indisprimary
		   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('u', 'x'))
		 ORDER BY i.relname`, pgx.Identifier{s.name}.Sanitize(), namesOf(ts))
	if err != nil {
		return nil, err
	}
	return again, s.execAll(ctx, drop)
}

func namesOf(ts []table) []string {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.name
	}
	return names
}

func (s *schemaLane) execAll(ctx context.Context, statements []string) error {
	for _, statement := range statements {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (s *schemaLane) validate(ctx context.Context) error {
	var all []string
	err := s.rows(ctx, func(values []any) error {
		all = append(all, fmt.Sprintf(`ALTER TABLE %q VALIDATE CONSTRAINT %q`, values[0], values[1]))
		return nil
	}, `
		SELECT a.relname::text, k.conname::text
		  FROM pg_constraint AS k
		  JOIN pg_class AS a ON a.oid = k.conrelid
		 WHERE a.relnamespace = to_regnamespace(?)
		   AND k.contype = 'f'
		   AND NOT k.convalidated`, pgx.Identifier{s.name}.Sanitize())
	if err != nil {
		return err
	}
	return s.execAll(ctx, all)
}

// capturePostgres are the triggers of a table; each statement is one.
func capturePostgres(t table) []string {
	key := func(row string) string {
		parts := make([]string, len(t.keys))
		for i, at := range t.keys {
			column := row + `."` + t.columns[at].name + `"`
			switch t.columns[at].kind {
			case integer:
				parts[i] = column + `::text`
			case text:
				parts[i] = `encode(convert_to(` + column + `, 'UTF8'), 'hex')`
			default:
				parts[i] = `encode(` + column + `, 'hex')`
			}
		}
		return strings.Join(parts, ` || ',' || `)
	}
	function := fmt.Sprintf(`
		CREATE OR REPLACE FUNCTION "move_note_%[1]s"() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
		BEGIN
			IF TG_OP = 'TRUNCATE' THEN
				RAISE EXCEPTION 'the table %[1]s is being moved to another database and cannot be truncated';
			END IF;
			IF TG_OP IN ('UPDATE', 'DELETE') THEN
				INSERT INTO move_log (tab, key) VALUES ('%[1]s', %[2]s);
			END IF;
			IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND (%[3]s) <> (%[2]s)) THEN
				INSERT INTO move_log (tab, key) VALUES ('%[1]s', %[3]s);
			END IF;
			RETURN NULL;
		END $$`, t.name, key("OLD"), key("NEW"))
	return []string{
		function,
		fmt.Sprintf(`CREATE OR REPLACE TRIGGER "move_note" AFTER INSERT OR UPDATE OR DELETE ON %q FOR EACH ROW EXECUTE FUNCTION "move_note_%s"()`, t.name, t.name),
		fmt.Sprintf(`CREATE OR REPLACE TRIGGER "move_note_all" BEFORE TRUNCATE ON %q FOR EACH STATEMENT EXECUTE FUNCTION "move_note_%s"()`, t.name, t.name),
	}
}

// releasePostgres removes the triggers.
func releasePostgres(t table) []string {
	return []string{fmt.Sprintf(`DROP FUNCTION IF EXISTS "move_note_%s"() CASCADE`, t.name)}
}
