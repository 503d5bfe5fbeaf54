package signin

import (
	"context"

	"banyan/platform/database"
)

func countOperators(ctx context.Context, q database.Queryer) (count int64, err error) {
	err = q.Get(ctx, &count, `
		SELECT COUNT(*)
		  FROM wallet_role
		 WHERE role = 'operator'`)
	return count, err
}

func replaceSetupCode(ctx context.Context, tx *database.Tx, code []byte, expiresAt int64) error {
	if _, err := tx.Exec(ctx, `
		DELETE FROM setup_link`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO setup_link (code, expires_at)
		VALUES (?, ?)`, code, expiresAt)
	return err
}

func findSetupCode(ctx context.Context, q database.Queryer, code []byte, now int64) (bool, error) {
	var count int64
	err := q.Get(ctx, &count, `
		SELECT COUNT(*)
		  FROM setup_link
		 WHERE code = ?
		   AND expires_at > ?`, code, now)
	return count > 0, err
}

func useSetupCode(ctx context.Context, tx *database.Tx, code []byte, now int64) (used int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM setup_link
		 WHERE code = ?
		   AND expires_at > ?`, code, now)
}
