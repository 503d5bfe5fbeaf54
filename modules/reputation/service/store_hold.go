package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// holdEpoch notes that holder needs the scores of an epoch.
func holdEpoch(ctx context.Context, tx *database.Tx, number int64, holder string) error {
	var held int
	if err := tx.Get(ctx, &held, `SELECT COUNT(*) FROM epoch_holds WHERE NOT (epoch = ? AND holder = ?)`, number, holder); err != nil {
		return fmt.Errorf("count the holds of epochs: %w", err)
	}
	if held >= reputation.MaxHolds {
		return fault.Newf(fault.Conflict, "epochs are held for %d others already: end campaigns that do not go on", reputation.MaxHolds)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO epoch_holds (
			epoch,
			holder,
			since_ms
		) VALUES (?, ?, ?)
		ON CONFLICT (epoch, holder) DO NOTHING`, number, holder, tx.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("hold an epoch: %w", err)
	}
	return nil
}

func releaseEpoch(ctx context.Context, tx *database.Tx, number int64, holder string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM epoch_holds WHERE epoch = ? AND holder = ?`, number, holder); err != nil {
		return fmt.Errorf("release an epoch: %w", err)
	}
	return nil
}

// readAllScores returns up to limit scores of an epoch behind a wallet, by address;
// first includes the wallet itself.
func readAllScores(ctx context.Context, r database.Queryer, epoch int64, after wallet.Address, first bool, limit int) ([]scoreRow, error) {
	behind := "wallet > ?"
	if first {
		behind = "wallet >= ?"
	}
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			wallet,
			points,
			weight_ppm,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?
			AND `+behind+`
		ORDER BY wallet
		LIMIT ?`, epoch, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the scores of an epoch: %w", err)
	}
	return rows, nil
}
