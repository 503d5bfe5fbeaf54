package backup

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
)

type runRow struct {
	ID        int64  `db:"id"`
	Cause     Cause  `db:"cause"`
	Process   string `db:"process"`
	Folder    string `db:"folder"`
	Name      string `db:"name"`
	StartedMS int64  `db:"started_ms"`
	SeenMS    int64  `db:"seen_ms"`
	EndedMS   int64  `db:"ended_ms"`
	Bytes     int64  `db:"bytes"`
	Code      string `db:"error_code"`
	Error     string `db:"error"`
}

func (row runRow) run() Run {
	r := Run{
		ID: row.ID, Cause: row.Cause, Process: row.Process, Folder: row.Folder, Name: row.Name,
		Started: time.UnixMilli(row.StartedMS), seen: time.UnixMilli(row.SeenMS), Bytes: row.Bytes,
	}
	if row.EndedMS > 0 {
		r.Ended = time.UnixMilli(row.EndedMS)
	}
	if row.Code != "" {
		r.Err = fault.New(fault.Code(row.Code), row.Error)
	}
	return r
}

// latestRuns returns runs of a cause, or all, the newest first.
func latestRuns(ctx context.Context, q database.Queryer, cause Cause, limit int) ([]Run, error) {
	var rows []runRow
	err := q.Select(ctx, &rows, `
		SELECT id,
		       cause,
		       process,
		       folder,
		       name,
		       started_ms,
		       seen_ms,
		       ended_ms,
		       bytes,
		       error_code,
		       error
		  FROM backup_run
		 WHERE ? = '' OR cause = ?
		 ORDER BY id DESC
		 LIMIT ?`, string(cause), string(cause), limit)
	if err != nil {
		return nil, fmt.Errorf("list the backups that were made: %w", err)
	}
	runs := make([]Run, len(rows))
	for i, row := range rows {
		runs[i] = row.run()
	}
	return runs, nil
}

func insertRun(ctx context.Context, tx *database.Tx, r Run, now time.Time) (id int64, err error) {
	err = tx.Get(ctx, &id, `
		INSERT INTO backup_run (cause, process, folder, name, started_ms, seen_ms, ended_ms, bytes, error_code, error)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0, '', '')
		RETURNING id`, string(r.Cause), r.Process, r.Folder, r.Name, now.UnixMilli(), now.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("note that a backup is made: %w", err)
	}
	return id, nil
}

func markSeen(ctx context.Context, tx *database.Tx, id int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE backup_run SET seen_ms = ? WHERE id = ? AND ended_ms = 0`, now.UnixMilli(), id)
	return err
}

func endRun(ctx context.Context, tx *database.Tx, r Run) error {
	code, message := "", ""
	if r.Err != nil {
		code, message = string(r.Err.Code), r.Err.Message
	}
	_, err := tx.Exec(ctx, `
		UPDATE backup_run
		   SET ended_ms   = ?,
		       bytes      = ?,
		       error_code = ?,
		       error      = ?
		 WHERE id = ? AND ended_ms = 0`, r.Ended.UnixMilli(), r.Bytes, code, message, r.ID)
	if err != nil {
		return fmt.Errorf("note how a backup ended: %w", err)
	}
	return nil
}

// forgetRuns keeps the latest runs, and the last one that was made.
func forgetRuns(ctx context.Context, tx *database.Tx, keep int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM backup_run
		 WHERE id <= (SELECT COALESCE(MAX(id), 0) FROM backup_run) - ?
		   AND id <> (SELECT COALESCE(MAX(id), 0) FROM backup_run WHERE ended_ms > 0 AND error_code = '')`, keep)
	if err != nil {
		return fmt.Errorf("forget old backups: %w", err)
	}
	return nil
}
