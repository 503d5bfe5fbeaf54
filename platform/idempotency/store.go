package idempotency

import (
	"context"
	"crypto/sha256"

	"banyan/platform/database"
)

// store contains all SQL of the package, for one key.
type store struct {
	db      *database.DB
	scope   []byte
	request [sha256.Size]byte
}

type answerRow struct {
	Request []byte `db:"request"`
	Answer  string `db:"answer"`
}

// find reads the answer; database.IsNoRows when there is none.
func (s store) find(ctx context.Context) (row answerRow, err error) {
	err = s.db.Read().Get(ctx, &row, `
		SELECT
			request,
			answer
		FROM once_answer
		WHERE scope = ?`, s.scope)
	return row, err
}

// insert adds the answer unless there is one. In PostgreSQL it waits for
// another transaction that is adding it.
func (s store) insert(ctx context.Context, tx *database.Tx, answer string) (added bool, err error) {
	changed, err := tx.Exec(ctx, `
		INSERT INTO once_answer (
			scope,
			request,
			answer,
			kept_ms
		) VALUES (?, ?, ?, ?)
		ON CONFLICT (scope) DO NOTHING`,
		s.scope, s.request[:], answer, tx.Now().UnixMilli())
	return changed == 1, err
}

// deleteOldest deletes the oldest answers stored before a time, at most limit
// of them.
func deleteOldest(ctx context.Context, tx *database.Tx, beforeMS int64, limit int) (deleted int64, err error) {
	return tx.Exec(ctx, `
		DELETE FROM once_answer
		WHERE id IN (
				SELECT id
				FROM once_answer
				ORDER BY id
				LIMIT ?
			)
			AND kept_ms < ?`, limit, beforeMS)
}
