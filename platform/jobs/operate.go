package jobs

import (
	"context"
	"fmt"

	"banyan/platform/database"
)

// Summary is a job of any kind, for operators.
type Summary struct {
	ID        int64  `json:"id"`
	Kind      string `json:"kind"`
	State     State  `json:"state"`
	Stage     string `json:"stage,omitempty"` // what it is doing, for people
	Progress  int64  `json:"progress"`        // of Work
	Work      int64  `json:"work"`            // 0 = not known
	Runs      int64  `json:"runs"`            // how often it was begun
	Canceling bool   `json:"canceling"`       // it ends before its next step
	Error     string `json:"error,omitempty"` // of one that failed or was cancelled
	CreatedMS int64  `json:"created_ms"`      // UTC
	EndedMS   int64  `json:"ended_ms"`        // 0 = it has not ended
}

// List returns at most limit jobs of all kinds, the newest first, that were added
// before the one of this number.
func List(ctx context.Context, r database.Queryer, before int64, limit int) ([]Summary, error) {
	rows, err := readSummaries(ctx, r, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list := make([]Summary, len(rows))
	for i, row := range rows {
		list[i] = Summary{
			ID: row.ID, Kind: row.Kind, State: row.State, Stage: row.Stage, Progress: row.Progress, Work: row.Work, Runs: row.Runs,
			Canceling: row.Cancel == 1 && !row.State.Ended(), Error: row.Error, CreatedMS: row.CreatedMS, EndedMS: row.EndedMS,
		}
	}
	return list, nil
}

// Cancel is Kind.Cancel for a job of any kind.
func Cancel(ctx context.Context, tx *database.Tx, id int64) (bool, error) {
	tx.Wake(wakeName)
	return cancelJob(ctx, tx, "", id)
}
