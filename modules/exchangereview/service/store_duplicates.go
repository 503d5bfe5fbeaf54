package service

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

// mostSimilar bounds the reviews that one is compared with.
const mostSimilar = 10

type similarRow struct {
	Slug   string         `db:"slug"`
	Wallet wallet.Address `db:"wallet"`
	Text   string         `db:"text"`
}

// sharingPrints returns earlier reviews that are shown and share a print with a live
// one, of other wallets or exchanges.
func sharingPrints(ctx context.Context, tx *database.Tx, id int64, prints []int64) (rows []similarRow, err error) {
	query, args, err := database.In(`
		SELECT DISTINCT
			e.slug,
			o.wallet,
			o.text
		FROM review AS r
		JOIN review_print AS p ON p.print IN (?)
		JOIN review AS o ON o.id = p.review_id
		JOIN exchange AS e ON e.id = o.exchange_id
		WHERE r.id = ? AND r.retired = 0 AND r.state < 3
			AND o.retired = 0 AND o.state < 2 AND (o.wallet <> r.wallet OR o.exchange_id <> r.exchange_id)
		LIMIT ?`, prints, id, mostSimilar)
	if err != nil {
		return nil, err
	}
	err = tx.Select(ctx, &rows, query, args...)
	return rows, err
}

func addPrints(ctx context.Context, tx *database.Tx, id int64, prints []int64) error {
	args := make([]any, 0, 2*len(prints))
	for _, p := range prints {
		args = append(args, p, id)
	}
	_, err := tx.Exec(ctx, `INSERT INTO review_print (print, review_id) VALUES `+rowsOf(len(prints), 2)+` ON CONFLICT (print, review_id) DO NOTHING`, args...)
	return err
}
