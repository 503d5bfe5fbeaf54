package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// server is a PostgreSQL database with the schemas of all databases, in one transaction.
type server struct {
	conn    *pgx.Conn
	schemas []string
	open    bool // a transaction is
}

// openPostgres keeps every writer out of all schemas until the transaction ends.
func openPostgres(ctx context.Context, all []database.Options) (_ side, err error) {
	s, err := connect(ctx, all, `BEGIN`)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.lock(ctx, i); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// openSnapshot reads all schemas as they are at one moment; others write on.
func openSnapshot(ctx context.Context, all []database.Options) (side, error) {
	s, err := connect(ctx, all, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	if err != nil {
		return nil, err
	}
	// The moment is that of the first query.
	if _, err := s.conn.Exec(ctx, `SELECT pg_current_snapshot()`); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func connect(ctx context.Context, all []database.Options, begin string) (_ *server, err error) {
	conn, err := database.OpenDirectPostgres(ctx, all[0])
	if err != nil {
		return nil, err
	}
	s := &server{conn: conn}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, one := range all {
		s.schemas = append(s.schemas, schemaOf(one))
	}
	s.open = true
	// A statement may take as long as the largest table does.
	if _, err := conn.Exec(ctx, begin+`; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '10s'`); err != nil {
		return nil, err
	}
	return s, nil
}

func schemaOf(o database.Options) string {
	if o.Schema != "" {
		return o.Schema
	}
	return strings.ReplaceAll(o.Module, "-", "_")
}

func (s *server) lock(ctx context.Context, i int) error {
	tables, err := s.session(i).tables(ctx)
	if err != nil || len(tables) == 0 {
		return err
	}
	names := make([]string, len(tables))
	for n, t := range tables {
		names[n] = pgx.Identifier{s.schemas[i], t.name}.Sanitize()
	}
	if _, err := s.conn.Exec(ctx, `LOCK TABLE `+strings.Join(names, ", ")+` IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fault.Wrap(err, fault.Conflict, "the schema "+s.schemas[i]+" cannot be locked, so a program works with it: stop all processes of Banyan first")
	}
	return nil
}

func (s *server) session(i int) session { return &schema{conn: s.conn, name: s.schemas[i]} }

func (s *server) commit(ctx context.Context) error {
	s.open = false
	if _, err := s.conn.Exec(ctx, `COMMIT`); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// close rolls back what was not committed.
func (s *server) close() error {
	ctx := context.Background()
	var err error
	if s.open && !s.conn.IsClosed() {
		_, err = s.conn.Exec(ctx, `ROLLBACK`)
	}
	return errors.Join(err, s.conn.Close(ctx))
}

type schema struct {
	conn *pgx.Conn
	name string
	set  bool // the transaction has the schema as its search path
}

// on sends a statement with ? for its arguments, and the tables of this schema.
func (s *schema) on(ctx context.Context, query string) (string, error) {
	if !s.set {
		if _, err := s.conn.Exec(ctx, `SET LOCAL search_path = `+pgx.Identifier{s.name}.Sanitize()); err != nil {
			return "", err
		}
	}
	var out strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			out.WriteString("$" + strconv.Itoa(n))
			continue
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}

func (s *schema) get(ctx context.Context, dest []any, query string, args ...any) (bool, error) {
	query, err := s.on(ctx, query)
	if err != nil {
		return false, err
	}
	err = s.conn.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *schema) exec(ctx context.Context, query string, args ...any) error {
	query, err := s.on(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.conn.Exec(ctx, query, args...)
	return err
}

func (s *schema) tables(ctx context.Context) ([]table, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attidentity <> '',
		       COALESCE((SELECT array_position(k.conkey, a.attnum) FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p'), 0)
		  FROM pg_class AS c
		  JOIN pg_attribute AS a ON a.attrelid = c.oid
		 WHERE c.relnamespace = to_regnamespace($1)
		   AND c.relkind = 'r'
		   AND c.relname NOT LIKE 'goose\_%'
		   AND a.attnum > 0
		   AND NOT a.attisdropped
		   AND a.attgenerated = ''
		 ORDER BY c.relname, a.attnum`, pgx.Identifier{s.name}.Sanitize())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]column{}
	keys, ids := map[string][]string{}, map[string]string{}
	var names []string
	for rows.Next() {
		var of, declared string
		var c column
		var isCounted bool
		var place int
		if err := rows.Scan(&of, &c.name, &declared, &isCounted, &place); err != nil {
			return nil, err
		}
		if c.kind, err = kindOf(of, c.name, declared); err != nil {
			return nil, err
		}
		if columns[of] == nil {
			names = append(names, of)
		}
		columns[of] = append(columns[of], c)
		if place > 0 {
			for len(keys[of]) < place {
				keys[of] = append(keys[of], "")
			}
			keys[of][place-1] = c.name
		}
		if isCounted {
			ids[of] = c.name
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if names, err = s.ordered(ctx, names); err != nil {
		return nil, err
	}
	all := make([]table, len(names))
	for i, name := range names {
		all[i] = newTable(name, columns[name], keys[name], ids[name])
	}
	return all, nil
}

// ordered puts each table after those that its foreign keys refer to.
func (s *schema) ordered(ctx context.Context, names []string) ([]string, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT a.relname, b.relname
		  FROM pg_constraint AS k
		  JOIN pg_class AS a ON a.oid = k.conrelid
		  JOIN pg_class AS b ON b.oid = k.confrelid
		 WHERE k.contype = 'f'
		   AND a.oid <> b.oid
		   AND a.relnamespace = to_regnamespace($1)`, pgx.Identifier{s.name}.Sanitize())
	if err != nil {
		return nil, err
	}
	after := map[string][]string{}
	var of, refers string
	_, err = pgx.ForEachRow(rows, []any{&of, &refers}, func() error {
		after[of] = append(after[of], refers)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var done []string
	for len(done) < len(names) {
		before := len(done)
		for _, name := range names {
			isDone := func(n string) bool { return slices.Contains(done, n) }
			if !isDone(name) && !slices.ContainsFunc(after[name], func(n string) bool { return !isDone(n) }) {
				done = append(done, name)
			}
		}
		if len(done) == before {
			return nil, fmt.Errorf("the foreign keys of the schema %s form a circle", s.name)
		}
	}
	return done, nil
}

func (s *schema) read(ctx context.Context, t table, row func(values []any) error) error {
	query, err := s.on(ctx, `SELECT `+quoted(t.names())+` FROM `+quoted([]string{t.name}))
	if err != nil {
		return err
	}
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return err
	}
	return eachValues(rows, row)
}

// eachValues closes the rows.
func eachValues(rows pgx.Rows, row func(values []any) error) error {
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		for i, v := range values {
			if short, is := v.(int32); is {
				values[i] = int64(short)
			}
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *schema) load(ctx context.Context, t table, next func() ([]any, error)) error {
	_, err := s.conn.CopyFrom(ctx, pgx.Identifier{s.name, t.name}, t.names(), pgx.CopyFromFunc(next))
	return err
}

// clear empties with TRUNCATE, past the triggers that keep rows of logs.
func (s *schema) clear(ctx context.Context, ts []table) error {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = pgx.Identifier{s.name, t.name}.Sanitize()
	}
	_, err := s.conn.Exec(ctx, `TRUNCATE `+strings.Join(names, ", "))
	return err
}

func (s *schema) counter(ctx context.Context, t table) (last int64, err error) {
	if t.ids == "" {
		return 0, nil
	}
	// last_value is the next id while none was given.
	_, err = s.get(ctx, []any{&last}, `
		SELECT COALESCE((SELECT q.last_value FROM pg_sequences AS q
		 WHERE format('%I.%I', q.schemaname, q.sequencename) = pg_get_serial_sequence(?, ?)), 0)`,
		pgx.Identifier{s.name, t.name}.Sanitize(), t.ids)
	return last, err
}

// setCounter also passes the highest id, which is all that some tables count from in
// SQLite.
func (s *schema) setCounter(ctx context.Context, t table, last int64) error {
	if t.ids == "" {
		return nil
	}
	var highest int64
	if _, err := s.get(ctx, []any{&highest}, `SELECT COALESCE(MAX(`+quoted([]string{t.ids})+`), 0) FROM `+quoted([]string{t.name})); err != nil {
		return err
	}
	if last = max(last, highest); last == 0 {
		return nil
	}
	return s.exec(ctx, `SELECT setval(pg_get_serial_sequence(?, ?), ?)`, pgx.Identifier{s.name, t.name}.Sanitize(), t.ids, last)
}
