package service

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

// ringRow is a review among which rings are looked for.
type ringRow struct {
	ID         int64          `db:"id"`
	ExchangeID int64          `db:"exchange_id"`
	Wallet     wallet.Address `db:"wallet"`
	Overall    int            `db:"overall"`
	CreatedMS  int64          `db:"created_ms"`
}

// newestShown returns the newest live reviews that are shown, newest first.
func newestShown(ctx context.Context, r database.Queryer, limit int) (rows []ringRow, err error) {
	err = r.Select(ctx, &rows, `
		SELECT
			id,
			exchange_id,
			wallet,
			overall,
			created_ms
		FROM review
		WHERE retired = 0
		AND state < 2
		ORDER BY id DESC
		LIMIT ?`, limit)
	return rows, err
}

// votePair says that a wallet found a review of another helpful.
type votePair struct {
	By  wallet.Address `db:"by_wallet"`
	For wallet.Address `db:"for_wallet"`
}

// helpfulVotes returns votes on the newest reviews that are shown.
func helpfulVotes(ctx context.Context, r database.Queryer, limit int) (rows []votePair, err error) {
	err = r.Select(ctx, &rows, `
		SELECT
			v.wallet AS by_wallet,
			o.wallet AS for_wallet
		FROM vote AS v
		JOIN review AS o ON o.id = v.review_id
		WHERE v.helpful = 1
		AND o.retired = 0
		AND o.state < 2
		ORDER BY v.review_id DESC
		LIMIT ?`, limit)
	return rows, err
}

// slugsOf returns the slugs of all exchanges by their ids.
func slugsOf(ctx context.Context, r database.Queryer) (map[int64]string, error) {
	var rows []struct {
		ID   int64  `db:"id"`
		Slug string `db:"slug"`
	}
	if err := r.Select(ctx, &rows, `SELECT id, slug FROM exchange`); err != nil {
		return nil, err
	}
	slugs := make(map[int64]string, len(rows))
	for _, row := range rows {
		slugs[row.ID] = row.Slug
	}
	return slugs, nil
}

func ringsSearched(ctx context.Context, r database.Queryer) (ms int64, err error) {
	err = r.Get(ctx, &ms, `SELECT rings_ms FROM directory WHERE id = 1`)
	return ms, err
}

func setRingsSearched(ctx context.Context, tx *database.Tx, ms int64) error {
	_, err := tx.Exec(ctx, `UPDATE directory SET rings_ms = ? WHERE id = 1`, ms)
	return err
}

// addFlagOnce puts a review that is shown into the queue; one that a moderator has decided
// about is not asked about again.
func addFlagOnce(ctx context.Context, tx *database.Tx, review int64, f flagRow) (added bool, err error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO moderation_flag (review_id, kind, by_wallet, evidence, created_ms)
		SELECT id, ?, ?, ?, ?
		FROM review
		WHERE id = ?
		AND retired = 0
		AND state < 2
		ON CONFLICT (review_id, kind, by_wallet) DO NOTHING`, f.Kind, f.By, f.Evidence, f.CreatedMS, review)
	return n > 0, err
}
