package jobs

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/fault"
)

type jobRow struct {
	ID         int64  `db:"id"`
	Kind       string `db:"kind"`
	State      State  `db:"state"`
	Request    string `db:"request"`
	Checkpoint string `db:"checkpoint"`
	Result     string `db:"result"`
	Stage      string `db:"stage"`
	Progress   int64  `db:"progress"`
	Work       int64  `db:"work"`
	ErrorCode  string `db:"error_code"`
	Error      string `db:"error"`
}

const jobColumns = `
			id,
			kind,
			state,
			request,
			checkpoint,
			result,
			stage,
			progress,
			work,
			error_code,
			error`

func addJob(ctx context.Context, tx *database.Tx, kind, request string) (id int64, err error) {
	err = tx.Get(ctx, &id, `
		INSERT INTO jobs (
			kind,
			state,
			request,
			checkpoint,
			result,
			stage,
			progress,
			work,
			runs,
			cancel,
			error_code,
			error,
			created_ms
		) VALUES (?, 'waiting', ?, '', '', '', 0, 0, 0, 0, '', '', ?)
		RETURNING id`, kind, request, tx.Now().UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("add a job of kind %s: %w", kind, err)
	}
	return id, nil
}

// waitingJob returns the job of a kind that waits with the same request and was
// not begun; 0 when there is none.
func waitingJob(ctx context.Context, tx *database.Tx, kind, request string) (id int64, err error) {
	err = tx.Get(ctx, &id, `
		SELECT COALESCE(MAX(id), 0)
		FROM jobs
		WHERE state = 'waiting'
			AND kind = ?
			AND request = ?
			AND runs = 0`, kind, request)
	if err != nil {
		return 0, fmt.Errorf("look for a job of kind %s: %w", kind, err)
	}
	return id, nil
}

func readJob(ctx context.Context, r database.Queryer, kind string, id int64) (row jobRow, err error) {
	err = r.Get(ctx, &row, `
		SELECT`+jobColumns+`
		FROM jobs
		WHERE id = ?
			AND kind = ?`, id, kind)
	return row, err
}

type summaryRow struct {
	ID        int64  `db:"id"`
	Kind      string `db:"kind"`
	State     State  `db:"state"`
	Stage     string `db:"stage"`
	Progress  int64  `db:"progress"`
	Work      int64  `db:"work"`
	Runs      int64  `db:"runs"`
	Cancel    int64  `db:"cancel"`
	Error     string `db:"error"`
	CreatedMS int64  `db:"created_ms"`
	EndedMS   int64  `db:"ended_ms"`
}

// readSummaries returns the newest jobs of all kinds.
func readSummaries(ctx context.Context, r database.Queryer, before int64, limit int) (rows []summaryRow, err error) {
	err = r.Select(ctx, &rows, `
		SELECT
			id,
			kind,
			state,
			stage,
			progress,
			work,
			runs,
			cancel,
			error,
			created_ms,
			COALESCE(ended_ms, 0) AS ended_ms
		FROM jobs
		WHERE id < ?
		ORDER BY id DESC
		LIMIT ?`, before, limit)
	return rows, err
}

func latestJob(ctx context.Context, r database.Queryer, kind string) (row jobRow, err error) {
	err = r.Get(ctx, &row, `
		SELECT`+jobColumns+`
		FROM jobs
		WHERE kind = ?
		ORDER BY id DESC
		LIMIT 1`, kind)
	return row, err
}

// recoverJobs makes those that a former process was running wait again, but for
// those begun too often.
func recoverJobs(ctx context.Context, tx *database.Tx, most int) error {
	_, err := tx.Exec(ctx, `
		UPDATE jobs SET
			state = 'failed',
			error_code = ?,
			error = 'the process ended each time while it did this job; its log may say why',
			ended_ms = ?
		WHERE state = 'running'
			AND runs >= ?`, string(fault.Internal), tx.Now().UnixMilli(), most)
	if err != nil {
		return fmt.Errorf("give up jobs: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE jobs SET state = 'waiting' WHERE state = 'running'`); err != nil {
		return fmt.Errorf("take over jobs: %w", err)
	}
	return nil
}

// beginJob makes the oldest waiting job run; database.IsNoRows when there is
// none.
func beginJob(ctx context.Context, tx *database.Tx) (row jobRow, err error) {
	err = tx.Get(ctx, &row, `
		UPDATE jobs SET
			state = 'running',
			runs = runs + 1
		WHERE id = (SELECT MIN(id) FROM jobs WHERE state = 'waiting')
		RETURNING`+jobColumns)
	return row, err
}

// stepJob stores progress; going is false when somebody wants the job to stop.
func stepJob(ctx context.Context, tx *database.Tx, id int64, p Progress, checkpoint string) (going bool, err error) {
	changed, err := tx.Exec(ctx, `
		UPDATE jobs SET
			stage = ?,
			progress = ?,
			work = ?,
			checkpoint = ?
		WHERE id = ?
			AND state = 'running'
			AND cancel = 0`, p.Stage, p.Done, p.Work, checkpoint, id)
	if err != nil {
		return false, fmt.Errorf("store the progress of a job: %w", err)
	}
	return changed == 1, nil
}

// cancelJob cancels a job of this kind, of any for "".
func cancelJob(ctx context.Context, tx *database.Tx, kind string, id int64) (bool, error) {
	changed, err := tx.Exec(ctx, `
		UPDATE jobs SET
			cancel = 1,
			error_code = CASE WHEN state = 'waiting' THEN ? ELSE error_code END,
			error = CASE WHEN state = 'waiting' THEN ? ELSE error END,
			ended_ms = CASE WHEN state = 'waiting' THEN CAST(? AS BIGINT) ELSE ended_ms END,
			state = CASE WHEN state = 'waiting' THEN 'canceled' ELSE state END
		WHERE id = ?
			AND (kind = ? OR ? = '')
			AND state IN ('waiting', 'running')`, string(fault.Canceled), errCanceled.Error(), tx.Now().UnixMilli(), id, kind, kind)
	if err != nil {
		return false, fmt.Errorf("cancel a job: %w", err)
	}
	return changed == 1, nil
}

// endJob ends a job, and deletes the oldest of its kind that have ended.
func endJob(ctx context.Context, tx *database.Tx, row jobRow, state State, result string, told *fault.Fault) error {
	code, message := "", ""
	if told != nil {
		code, message = string(told.Code), told.Message
	}
	_, err := tx.Exec(ctx, `
		UPDATE jobs SET
			state = ?,
			result = ?,
			checkpoint = '',
			error_code = ?,
			error = ?,
			ended_ms = ?
		WHERE id = ?`, string(state), result, code, message, tx.Now().UnixMilli(), row.ID)
	if err != nil {
		return fmt.Errorf("end a job: %w", err)
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM jobs
		WHERE kind = ?
			AND state IN ('done', 'failed', 'canceled')
			AND id NOT IN (
				SELECT id
				FROM jobs
				WHERE kind = ?
				ORDER BY id DESC
				LIMIT ?
			)`, row.Kind, row.Kind, kept)
	if err != nil {
		return fmt.Errorf("delete old jobs: %w", err)
	}
	return nil
}
