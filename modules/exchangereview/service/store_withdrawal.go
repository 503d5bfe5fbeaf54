package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

type textRow struct {
	ID   int64  `db:"id"`
	Text string `db:"text"`
}

// textsOf returns the texts of all versions of a review that have not been
// erased yet.
func textsOf(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address) (rows []textRow, err error) {
	err = tx.Select(ctx, &rows, `
		SELECT id, text
		FROM review
		WHERE exchange_id = ? AND wallet = ? AND text_hash IS NULL AND state < 4
		LIMIT ?`, exchange, writer, exchangereview.MaxVersions)
	return rows, err
}

func eraseText(ctx context.Context, tx *database.Tx, id int64, hash exchangereview.Hash) error {
	_, err := tx.Exec(ctx, `UPDATE review SET text = '', text_hash = ? WHERE id = ?`, hash[:], id)
	return err
}

// reviewByHash returns one version of a wallet's review.
func reviewByHash(ctx context.Context, q database.Queryer, exchange int64, writer wallet.Address, hash exchangereview.Hash) (row reviewRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.exchange_id = ? AND r.wallet = ? AND r.hash = ?`, exchange, writer, hash[:])
	return row, err
}

// shownReview returns a wallet's live version with what is shown beside it.
func shownReview(ctx context.Context, q database.Queryer, exchange int64, writer wallet.Address) (row reviewRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE r.exchange_id = ? AND r.wallet = ? AND r.retired = 0`, exchange, writer)
	return row, err
}
