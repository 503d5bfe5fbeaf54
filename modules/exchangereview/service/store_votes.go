package service

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

// vote stores what a reader thinks of a writer's live review and returns all
// votes on it; the error is database.IsNoRows when there is no such review.
func vote(ctx context.Context, tx *database.Tx, exchange int64, writer, reader wallet.Address, helpful bool, weight int64) (votes votesRow, err error) {
	var review struct {
		ID int64 `db:"id"`
		votesRow
	}
	query := `
		SELECT
			id,
			helpful,
			unhelpful,
			helpful_order
		FROM review
		WHERE retired = 0 AND state < 2 AND wallet = ? AND exchange_id = ?`
	if tx.Dialect() == database.Postgres {
		query += ` FOR NO KEY UPDATE`
	}
	if err := tx.Get(ctx, &review, query, writer, exchange); err != nil {
		return votesRow{}, err
	}
	var before struct {
		Helpful int   `db:"helpful"`
		Weight  int64 `db:"weight"`
	}
	err = tx.Get(ctx, &before, `SELECT helpful, weight FROM vote WHERE review_id = ? AND wallet = ?`, review.ID, reader)
	switch {
	case err == nil:
		review.add(before.Helpful == 1, -before.Weight)
	case !database.IsNoRows(err):
		return votesRow{}, err
	}
	review.add(helpful, weight)
	_, err = tx.Exec(ctx, `
		INSERT INTO vote (review_id, wallet, helpful, weight)
		VALUES (?, ?, ?, ?)
		ON CONFLICT (review_id, wallet) DO UPDATE SET helpful = excluded.helpful, weight = excluded.weight`,
		review.ID, reader, bit(helpful), weight)
	if err != nil {
		return votesRow{}, err
	}
	_, err = tx.Exec(ctx, `UPDATE review SET helpful = ?, unhelpful = ?, helpful_order = ? WHERE id = ?`,
		review.Helpful, review.Unhelpful, review.HelpfulOrder, review.ID)
	return review.votesRow, err
}
