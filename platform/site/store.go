package site

import (
	"context"

	"banyan/platform/database"
)

type decisionRow struct {
	Name  Decision `db:"name"`
	Value string   `db:"value"`
	By    string   `db:"decided_by"`
	At    int64    `db:"decided_at"`
}

func readDecisions(ctx context.Context, q database.Queryer) (rows []decisionRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT name,
		       value,
		       decided_by,
		       decided_at
		  FROM site_decision
		 LIMIT 100`)
	return rows, err
}

func saveDecision(ctx context.Context, tx *database.Tx, d decisionRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO site_decision (name, value, decided_by, decided_at)
		VALUES (?, ?, ?, ?)
		    ON CONFLICT (name) DO UPDATE
		   SET value      = excluded.value,
		       decided_by = excluded.decided_by,
		       decided_at = excluded.decided_at`, string(d.Name), d.Value, d.By, d.At)
	return err
}
