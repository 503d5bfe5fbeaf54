package database

import (
	"context"
	"fmt"
)

// maxProblems bounds what Check reports of one kind.
const maxProblems = 20

// Check looks for damage: in SQLite's file and its foreign keys; in PostgreSQL for
// indexes and constraints that do not hold, and sequences behind their tables. It
// reads everything, changes nothing, and may run beside the program. problems is
// empty when nothing is wrong.
func Check(ctx context.Context, db *DB) (problems []string, err error) {
	err = db.Snapshot(ctx, func(r Reader) error {
		if r.Dialect() == SQLite {
			problems, err = checkSQLite(ctx, r)
		} else {
			problems, err = checkPostgres(ctx, r)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check the database of %s: %w", db.Module(), err)
	}
	return problems, nil
}

func checkSQLite(ctx context.Context, r Reader) (problems []string, err error) {
	var said []string
	if err := r.Select(ctx, &said, fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxProblems)); err != nil {
		return nil, err
	}
	for _, line := range said {
		if line != "ok" {
			problems = append(problems, "the file is damaged: "+line)
		}
	}
	var orphans []struct {
		Table  string `db:"table"`
		Parent string `db:"parent"`
		Rows   int64  `db:"rows"`
	}
	err = r.Select(ctx, &orphans, `
		SELECT "table", "parent", COUNT(*) AS rows
		FROM pragma_foreign_key_check()
		GROUP BY "table", "parent"`)
	for _, o := range orphans {
		problems = append(problems, fmt.Sprintf("%d rows of %s belong to rows of %s that are not there", o.Rows, o.Table, o.Parent))
	}
	return problems, err
}

func checkPostgres(ctx context.Context, r Reader) (problems []string, err error) {
	var broken []string
	err = r.Select(ctx, &broken, `
		SELECT 'the index ' || c.relname || ' is not valid: REINDEX it'
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = current_schema()::regnamespace
		AND NOT i.indisvalid
		UNION ALL
		SELECT 'the constraint ' || conname || ' of ' || conrelid::regclass || ' was never checked: VALIDATE it'
		FROM pg_constraint
		WHERE connamespace = current_schema()::regnamespace
		AND NOT convalidated
		LIMIT 20`)
	if err != nil {
		return nil, err
	}
	var sequences []struct {
		Table  string `db:"table_name"`
		Column string `db:"column_name"`
	}
	err = r.Select(ctx, &sequences, `
		SELECT table_name, column_name
		FROM information_schema.columns
		WHERE table_schema = current_schema()
		AND is_identity = 'YES'
		ORDER BY table_name`)
	if err != nil {
		return nil, err
	}
	problems = broken
	for _, s := range sequences {
		var behind bool
		// The names come from the catalogue.
		err := r.Get(ctx, &behind, fmt.Sprintf(`
			SELECT COALESCE((SELECT max(%[2]q) FROM %[1]q), 0) > COALESCE((
				SELECT last_value
				FROM pg_sequences
				WHERE schemaname = current_schema()
				AND quote_ident(schemaname) || '.' || quote_ident(sequencename) = pg_get_serial_sequence(quote_ident(current_schema()) || '.' || quote_ident('%[1]s'), '%[2]s')
			), 0)`, s.Table, s.Column))
		if err != nil {
			return nil, err
		}
		if behind {
			problems = append(problems, fmt.Sprintf("the sequence of %s.%s is behind its rows: new rows would be refused; setval it", s.Table, s.Column))
		}
	}
	return problems, nil
}
