package service

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// values returns "(?,?),(?,?)" for rows of that many columns.
func values(rows, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

// countActivity adds one to a wallet's count of a kind.
func countActivity(ctx context.Context, tx *database.Tx, a reputation.Activity) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO activity (
			wallet,
			kind,
			count,
			first_ms,
			last_ms
		) VALUES (?, ?, 1, ?, ?)
		ON CONFLICT (wallet, kind) DO UPDATE SET
			count = activity.count + 1,
			first_ms = CASE WHEN excluded.first_ms < activity.first_ms THEN excluded.first_ms ELSE activity.first_ms END,
			last_ms = CASE WHEN excluded.last_ms > activity.last_ms THEN excluded.last_ms ELSE activity.last_ms END`,
		a.Wallet, a.Kind, a.TimeMS, a.TimeMS)
	if err != nil {
		return fmt.Errorf("count activity: %w", err)
	}
	return nil
}

type activityRow struct {
	Kind   string `db:"kind"`
	Count  int64  `db:"count"`
	LastMS int64  `db:"last_ms"`
}

func readActivity(ctx context.Context, r database.Queryer, w wallet.Address) ([]activityRow, error) {
	var rows []activityRow
	err := r.Select(ctx, &rows, `
		SELECT
			kind,
			count,
			last_ms
		FROM activity
		WHERE wallet = ?
		ORDER BY kind`, w)
	if err != nil {
		return nil, fmt.Errorf("read activity: %w", err)
	}
	return rows, nil
}

// readFirstActivity returns when each of these wallets was first active, those
// that were.
func readFirstActivity(ctx context.Context, r database.Queryer, wallets []wallet.Address) (map[wallet.Address]int64, error) {
	query, args, err := database.In(`
		SELECT
			wallet,
			MIN(first_ms) AS first_ms
		FROM activity
		WHERE wallet IN (?)
		GROUP BY wallet`, wallets)
	if err != nil {
		return nil, fmt.Errorf("read first activity: %w", err)
	}
	var rows []struct {
		Wallet  wallet.Address `db:"wallet"`
		FirstMS int64          `db:"first_ms"`
	}
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read first activity: %w", err)
	}
	first := make(map[wallet.Address]int64, len(rows))
	for _, row := range rows {
		first[row.Wallet] = row.FirstMS
	}
	return first, nil
}
