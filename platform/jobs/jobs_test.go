package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/testenv/databasetest"
)

type ask struct{ To int }

var counting = jobs.NewKind[ask, int]("counting")

func add(t *testing.T, db *database.DB, q ask) (id int64) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *database.Tx) (err error) {
		id, err = counting.Add(t.Context(), tx, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// start runs work until stop, which waits for its end.
func start(db *database.DB, work func(ctx context.Context, j *jobs.Job, q ask) (int, error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = jobs.NewRunner(db, slog.New(slog.DiscardHandler), counting.By(work)).Run(ctx)
	}()
	return func() { cancel(); <-ended }
}

func wait(t *testing.T, db *database.DB, id int64) jobs.Status[int] {
	t.Helper()
	s, err := counting.Wait(t.Context(), db, id, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	databasetest.Each(t, "reputation", test)
}

func TestAJobRunsOnceAndTellsItsResult(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		first := add(t, db, ask{3})
		if again := add(t, db, ask{3}); again != first {
			t.Errorf("asked again while it waits, it is job %d, want %d", again, first)
		}
		other := add(t, db, ask{4})
		if s, err := counting.Status(t.Context(), db.Read(), first); err != nil || s.State != jobs.Waiting {
			t.Errorf("before it runs: %+v, %v", s, err)
		}
		runs := 0
		stop := start(db, func(_ context.Context, _ *jobs.Job, q ask) (int, error) {
			runs++
			if q.To == 4 {
				return 0, fault.New(fault.Conflict, "four is too many")
			}
			return q.To * 10, nil
		})
		if s := wait(t, db, first); s.State != jobs.Done || s.Result != 30 {
			t.Errorf("it ended as %+v", s)
		}
		if s := wait(t, db, other); s.State != jobs.Failed || !fault.Is(s.Err, fault.Conflict) || !strings.Contains(s.Err.Error(), "four is too many") {
			t.Errorf("the one that failed ended as %+v", s)
		}
		stop()
		if runs != 2 {
			t.Errorf("two jobs ran %d times", runs)
		}
		if _, err := counting.Status(t.Context(), db.Read(), other+1); !fault.Is(err, fault.NotFound) {
			t.Errorf("a job that there is not: %v", err)
		}
	})
}

// A process that ends in the middle of a job leaves it to the next, which goes on
// after the last step.
func TestTheNextProcessGoesOnFromTheCheckpoint(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		id := add(t, db, ask{5})
		reached := make(chan struct{})
		stop := start(db, func(ctx context.Context, j *jobs.Job, _ ask) (int, error) {
			if err := j.Step(ctx, jobs.Progress{Stage: "counting", Done: 2, Work: 5, Checkpoint: 2}, nil); err != nil {
				return 0, err
			}
			close(reached)
			<-ctx.Done() // the process ends
			return 0, ctx.Err()
		})
		<-reached
		if s, err := counting.Status(t.Context(), db.Read(), id); err != nil || s.State != jobs.Running || s.Stage != "counting" || s.Progress != 2 || s.Work != 5 {
			t.Errorf("in the middle: %+v, %v", s, err)
		}
		stop()
		stop = start(db, func(_ context.Context, j *jobs.Job, q ask) (int, error) {
			at := 0
			if _, err := j.Checkpoint(&at); err != nil {
				return 0, err
			}
			return q.To*100 + at, nil
		})
		defer stop()
		if s := wait(t, db, id); s.State != jobs.Done || s.Result != 502 {
			t.Errorf("it ended as %+v, want to go on from 2", s)
		}
	})
}

// What a step writes and its progress are one transaction, and a job that was
// cancelled ends at its next step.
func TestACancelledJobEndsAtItsNextStep(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		cancel := func(id int64) (found bool) {
			if err := db.Write(t.Context(), func(tx *database.Tx) (err error) {
				found, err = counting.Cancel(t.Context(), tx, id)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		waiting := add(t, db, ask{9})
		if !cancel(waiting) {
			t.Error("a job that waits was not cancelled")
		}
		id := add(t, db, ask{1})
		failed := errors.New("the step failed")
		stop := start(db, func(ctx context.Context, j *jobs.Job, _ ask) (int, error) {
			if err := j.Step(ctx, jobs.Progress{Done: 7}, func(*database.Tx) error { return failed }); !errors.Is(err, failed) {
				t.Errorf("a step that fails: %v", err)
			}
			if s, err := counting.Status(ctx, db.Read(), id); err != nil || s.Progress != 0 {
				t.Errorf("a step that failed left its progress: %+v, %v", s, err)
			}
			if !cancel(id) {
				t.Error("a job that runs was not cancelled")
			}
			wrote := false
			err := j.Step(ctx, jobs.Progress{Done: 8}, func(*database.Tx) error { wrote = true; return nil })
			if err == nil || wrote {
				t.Errorf("a step of a cancelled job wrote (%t): %v", wrote, err)
			}
			return 0, err
		})
		defer stop()
		for _, id := range []int64{waiting, id} {
			if s := wait(t, db, id); s.State != jobs.Canceled || !fault.Is(s.Err, fault.Canceled) {
				t.Errorf("job %d ended as %+v", id, s)
			}
		}
		if cancel(id) {
			t.Error("a job that has ended was cancelled")
		}
		if latest, ok, err := counting.Latest(t.Context(), db.Read()); err != nil || !ok || latest.ID != id {
			t.Errorf("the latest job is %+v, %t, %v", latest, ok, err)
		}
	})
}
