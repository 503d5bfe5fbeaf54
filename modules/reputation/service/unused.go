package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/jobs"
)

// deletedPerWrite keeps one write short, so that other writers run in between.
const deletedPerWrite = 4000

// unusedJob is the work of deleting edges that nobody reads any more: of imports that
// were removed, of versions that were dropped, and of those that can no longer be
// compared. It may take long, so whoever removes an import does not wait for it.
type unusedJob struct{}

// unusedKind is the kind of job that does it; its result is how many edges went.
func unusedKind() jobs.Kind[unusedJob, int64] { return jobs.NewKind[unusedJob, int64]("unused edges") }

// addUnused adds the job when a version counts from now on that makes another too old.
func addUnused(ctx context.Context, tx *database.Tx, version int64) error {
	if version <= keptVersions {
		return nil
	}
	_, err := unusedKind().Add(ctx, tx, unusedJob{})
	return err
}

// deleteUnused is the work of an unusedJob. What is left when it ends early is deleted
// by the next.
func (s service) deleteUnused(ctx context.Context, j *jobs.Job, _ unusedJob) (deleted int64, err error) {
	rows, err := listImports(ctx, s.o.DB.Read(), reputation.MaxImports)
	if err != nil {
		return 0, err
	}
	p := jobs.Progress{Stage: "deleting edges that are no longer used"}
	if p.Work, err = s.countUnused(ctx, rows); err != nil {
		return 0, fmt.Errorf("count edges that are no longer used: %w", err)
	}
	steps := []func(tx *database.Tx) (int64, error){func(tx *database.Tx) (int64, error) { return deleteRemoved(ctx, tx, deletedPerWrite) }}
	for _, row := range rows {
		if row.Dropped != 0 {
			steps = append(steps, func(tx *database.Tx) (int64, error) {
				if err := tx.Lock(ctx, "imports"); err != nil { // an upload may drop it, too
					return 0, err
				}
				return dropSome(ctx, tx, row.ID, row.Dropped, deletedPerWrite)
			})
		}
		if oldest := row.Version - keptVersions; oldest >= 1 {
			steps = append(steps, func(tx *database.Tx) (int64, error) { return deleteEnded(ctx, tx, row.ID, oldest, deletedPerWrite) })
		}
	}
	for _, step := range steps {
		for some := int64(deletedPerWrite); some >= deletedPerWrite; {
			p.Done = min(deleted, p.Work)
			err := j.Step(ctx, p, func(tx *database.Tx) (err error) {
				some, err = step(tx)
				return err
			})
			if err != nil {
				return deleted, err
			}
			deleted += some
		}
	}
	return deleted, nil
}

func (s service) countUnused(ctx context.Context, rows []importRow) (total int64, err error) {
	if total, err = countRemoved(ctx, s.o.DB.Read()); err != nil {
		return 0, err
	}
	for _, row := range rows {
		if row.Dropped != 0 {
			v, err := readVersion(ctx, s.o.DB.Read(), row.ID, row.Dropped)
			if err != nil {
				return 0, err
			}
			total += int64(v.edges())
		}
		if oldest := row.Version - keptVersions; oldest >= 1 {
			n, err := countEnded(ctx, s.o.DB.Read(), row.ID, oldest)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	return total, nil
}
