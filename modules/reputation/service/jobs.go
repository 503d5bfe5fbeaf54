package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/periodic"
	"banyan/platform/seam"
)

const (
	// scheduleName is what a change of the schedule wakes.
	scheduleName = "epoch schedule"
	// farOff is how long nothing is looked at that is not planned.
	farOff = time.Hour
)

// every returns how often epochs are computed; 0 = never.
func (s service) every(row scheduleRow) time.Duration {
	if row.EveryS != nil {
		return time.Duration(*row.EveryS) * time.Second
	}
	return s.o.Schedule
}

func (s service) schedule(row scheduleRow) reputation.Schedule {
	answer := reputation.Schedule{
		Seconds: int64(s.every(row) / time.Second), Setting: row.EveryS == nil, ChangedMS: row.ChangedMS, ChangedBy: row.ChangedBy,
	}
	if answer.Seconds > 0 {
		answer.NextMS = row.NextMS
	}
	return answer
}

// Schedule implements Scheduling.
func (s service) Schedule(ctx context.Context, _ reputation.ScheduleQuery) (reputation.Schedule, error) {
	row, err := readSchedule(ctx, s.o.DB.Read())
	if err != nil {
		return reputation.Schedule{}, err
	}
	return s.schedule(row), nil
}

// SetSchedule implements Scheduling.
func (s service) SetSchedule(ctx context.Context, q reputation.ScheduleDraft) (reputation.Schedule, error) {
	w := idempotency.Write{DB: s.o.DB, Operation: "setSchedule", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q), LookFirst: true}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Schedule]) (answer reputation.Schedule, err error) {
		now := s.o.Clock()
		row := scheduleRow{EveryS: q.Seconds, ChangedMS: now.UnixMilli(), ChangedBy: identity.From(ctx).Name()}
		row.NextMS = now.Add(s.every(row)).UnixMilli()
		answer = s.schedule(row)
		err = s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := tx.Lock(ctx, scheduleName); err != nil {
				return err
			}
			if err := saveSchedule(ctx, tx, row); err != nil {
				return err
			}
			tx.Wake(scheduleName)
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// Jobs computes epochs on the schedule.
type Jobs struct {
	service service
	log     *slog.Logger
}

// NewJobs returns the job that computes epochs as the schedule says.
func NewJobs(o Options) Jobs { return Jobs{service: newService(o), log: o.Log} }

// Run blocks until the context ends; only the owner of the writes may run it, once at a
// time. An epoch that fails is logged, and the next is computed at its time. When the
// next is due stands in the database, so that programs that begin often compute no
// fewer.
func (j Jobs) Run(ctx context.Context) error {
	woken, stop := j.service.o.DB.Listen(scheduleName)
	defer stop()
	for ctx.Err() == nil {
		wait, err := j.due(ctx)
		if err != nil {
			j.failed(ctx, err)
			wait = time.Second
		}
		if wait > 0 {
			if periodic.SleepUntil(ctx, wait, woken) != nil {
				return nil
			}
			continue
		}
		_, err = j.service.ComputeEpoch(ctx, reputation.EpochRequest{})
		j.failed(ctx, err)
		if err := j.plan(ctx); err != nil {
			j.failed(ctx, err)
			if periodic.Sleep(ctx, time.Second) != nil {
				return nil
			}
		}
	}
	return nil
}

// due returns how long it is until the next epoch, and plans the first.
func (j Jobs) due(ctx context.Context) (time.Duration, error) {
	row, err := readSchedule(ctx, j.service.o.DB.Read())
	if err != nil {
		return 0, err
	}
	now, every := j.service.o.Clock(), j.service.every(row)
	next := time.UnixMilli(row.NextMS)
	switch {
	case every == 0:
		return farOff, nil
	case row.NextMS == 0 || next.Sub(now) > every: // the setting is another than it was
		return every, j.plan(ctx)
	}
	return min(farOff, next.Sub(now)), nil
}

// plan notes when the next epoch is due, from now on.
func (j Jobs) plan(ctx context.Context) error {
	return j.service.o.DB.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, scheduleName); err != nil {
			return err
		}
		row, err := readSchedule(ctx, tx)
		if err != nil {
			return err
		}
		row.NextMS = j.service.o.Clock().Add(j.service.every(row)).UnixMilli()
		return saveSchedule(ctx, tx, row)
	})
}

func (j Jobs) failed(ctx context.Context, err error) {
	switch {
	case err == nil || ctx.Err() != nil:
	case fault.Is(err, fault.Conflict): // no edges or seeds yet: information for the operator, not a failure
		j.log.WarnContext(ctx, "no epoch was computed", "error", err)
	default:
		j.log.ErrorContext(ctx, "computing an epoch failed, so the scores stay those of the last one", "error", fmt.Errorf("epoch on schedule: %w", err))
	}
}
