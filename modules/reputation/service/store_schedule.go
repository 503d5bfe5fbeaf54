package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
)

type scheduleRow struct {
	EveryS    *int64 `db:"every_s"` // nil = as the setting says
	NextMS    int64  `db:"next_ms"`
	ChangedMS int64  `db:"changed_ms"`
	ChangedBy string `db:"changed_by"`
}

// readSchedule returns the schedule, an empty one when nothing was planned or changed.
func readSchedule(ctx context.Context, r database.Queryer) (row scheduleRow, err error) {
	err = r.Get(ctx, &row, `
		SELECT
			every_s,
			next_ms,
			changed_ms,
			changed_by
		FROM epoch_schedule
		WHERE id = 1`)
	switch {
	case database.IsNoRows(err):
		return scheduleRow{}, nil
	case err != nil:
		return row, fmt.Errorf("read the schedule: %w", err)
	}
	return row, nil
}

func saveSchedule(ctx context.Context, tx *database.Tx, row scheduleRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO epoch_schedule (
			id,
			every_s,
			next_ms,
			changed_ms,
			changed_by
		) VALUES (1, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			every_s = excluded.every_s,
			next_ms = excluded.next_ms,
			changed_ms = excluded.changed_ms,
			changed_by = excluded.changed_by`, row.EveryS, row.NextMS, row.ChangedMS, row.ChangedBy)
	if err != nil {
		return fmt.Errorf("save the schedule: %w", err)
	}
	return nil
}
