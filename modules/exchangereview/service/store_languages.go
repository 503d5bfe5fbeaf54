package service

import (
	"context"

	"banyan/platform/database"
)

// withoutLanguage returns texts that nobody has looked at, from some ids behind those
// that were looked at.
func withoutLanguage(ctx context.Context, tx *database.Tx, behind, limit int) (rows []textRow, err error) {
	err = tx.Select(ctx, &rows, `
		SELECT id, text
		FROM review
		WHERE id > (SELECT languages_to FROM directory WHERE id = 1) - ? AND language = ?
		ORDER BY id
		LIMIT ?`, behind, languageLater, limit)
	return rows, err
}

func setLanguage(ctx context.Context, tx *database.Tx, id int64, language string) error {
	_, err := tx.Exec(ctx, `UPDATE review SET language = ? WHERE id = ?`, language, id)
	return err
}

func lookedTo(ctx context.Context, tx *database.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE directory SET languages_to = ? WHERE id = 1 AND languages_to < ?`, id, id)
	return err
}
