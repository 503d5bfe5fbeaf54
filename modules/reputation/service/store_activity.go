package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// insertActivity keeps an activity with the event that reported it.
func insertActivity(ctx context.Context, tx *database.Tx, a reputation.Activity, event string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO activity_events (
			wallet,
			kind,
			ref,
			time_ms,
			event
		) VALUES `+values(1, 5), a.Wallet, a.Kind, a.Ref, a.TimeMS, event)
	if err != nil {
		return fmt.Errorf("keep an activity: %w", err)
	}
	return nil
}

// countDay adds one to the count of a wallet's day.
func countDay(ctx context.Context, tx *database.Tx, a reputation.Activity) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO activity_days (
			wallet,
			kind,
			day,
			count
		) VALUES (?, ?, ?, 1)
		ON CONFLICT (wallet, kind, day) DO UPDATE SET count = activity_days.count + 1`, a.Wallet, a.Kind, a.TimeMS/msPerDay)
	if err != nil {
		return fmt.Errorf("count the activity of a day: %w", err)
	}
	return nil
}

// countedActivity returns how many activities of a kind count, at most so many of a day.
func countedActivity(ctx context.Context, q database.Queryer, w wallet.Address, kind string, perDay int) (n int64, err error) {
	err = q.Get(ctx, &n, `
		SELECT CAST(COALESCE(SUM(CASE WHEN count > ? THEN ? ELSE count END), 0) AS BIGINT)
		FROM activity_days
		WHERE wallet = ? AND kind = ?`, perDay, int64(perDay), w, kind)
	return n, err
}

type activityEventRow struct {
	ID     int64  `db:"id"`
	Kind   string `db:"kind"`
	Ref    string `db:"ref"`
	TimeMS int64  `db:"time_ms"`
	Event  string `db:"event"`
}

// listActivity returns a wallet's activities with ids below before, the last first.
func listActivity(ctx context.Context, q database.Queryer, w wallet.Address, before int64, limit int) (rows []activityEventRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			id,
			kind,
			ref,
			time_ms,
			event
		FROM activity_events
		WHERE wallet = ? AND id < ?
		ORDER BY id DESC
		LIMIT ?`, w, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list activity: %w", err)
	}
	return rows, nil
}
