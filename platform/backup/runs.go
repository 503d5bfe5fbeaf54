package backup

import (
	"context"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Cause is why a backup was made.
type Cause string

// The causes. The name of a file has the cause behind the time, but for Asked.
const (
	Asked           Cause = "asked"            // by an operator
	Scheduled       Cause = "scheduled"        // backup.every
	BeforeMigration Cause = "before-migration" // not among the runs: the databases are not open yet
)

const (
	lockName = "backup"
	// Beat is how often a run says that its process still works at it; one that was
	// not seen for gone has ended with its process.
	Beat = 20 * time.Second
	gone = 2 * time.Minute
	// again is when a scheduled backup is tried again that failed, if that is before
	// its next time.
	again    = 15 * time.Minute
	runsKept = 200
)

// Run is a backup that was made, is being made, or failed.
type Run struct {
	ID      int64
	Cause   Cause
	Process string // the host on which it was made
	Folder  string
	Name    string // of the file
	Started time.Time
	Ended   time.Time // zero while it runs
	Bytes   int64
	Err     *fault.Fault // nil = it was made, and read back whole
	seen    time.Time
}

// running reports whether a process works at it.
func (r Run) running(now time.Time) bool { return r.Ended.IsZero() && now.Sub(r.seen) < gone }

// State is what is known of the runs.
type State struct {
	Running *Run
	Last    *Run // that ended; its Err says why it failed
	Good    *Run // the last that was made
}

// Runs are the runs of all processes, in the identity database: of several trunks one
// makes a backup.
type Runs struct {
	db  *database.DB
	now func() time.Time
}

// OpenRuns returns the runs of a database.
func OpenRuns(db *database.DB, now func() time.Time) *Runs { return &Runs{db, now} }

// Begin notes that a backup is being made. Fails with fault.Conflict while one is.
func (r *Runs) Begin(ctx context.Context, run Run) (id int64, err error) {
	err = r.db.Write(ctx, func(tx *database.Tx) error {
		id, err = r.begin(ctx, tx, run)
		return err
	})
	return id, err
}

func (r *Runs) begin(ctx context.Context, tx *database.Tx, run Run) (id int64, err error) {
	if err := tx.Lock(ctx, lockName); err != nil {
		return 0, err
	}
	latest, err := latestRuns(ctx, tx, "", 1)
	if err != nil {
		return 0, err
	}
	if len(latest) > 0 && latest[0].running(r.now()) {
		return 0, fault.New(fault.Conflict, "a backup is being made just now: wait until it is there")
	}
	if err := forgetRuns(ctx, tx, runsKept); err != nil {
		return 0, err
	}
	return insertRun(ctx, tx, run, r.now())
}

// BeginDue is Begin for the schedule; ok is false when none is due.
func (r *Runs) BeginDue(ctx context.Context, run Run, every time.Duration) (id int64, ok bool, err error) {
	if next, err := r.Next(ctx, every); err != nil || next.After(r.now()) {
		return 0, false, err
	}
	err = r.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, lockName); err != nil {
			return err
		}
		latest, err := latestRuns(ctx, tx, Scheduled, 1)
		if err != nil {
			return err
		}
		if due(latest, every).After(r.now()) { // another process was first
			return nil
		}
		id, err = r.begin(ctx, tx, run)
		ok = err == nil
		return err
	})
	if fault.Is(err, fault.Conflict) { // one that an operator asked for: afterwards
		return 0, false, nil
	}
	return id, ok, err
}

// Next returns when the next scheduled backup is due.
func (r *Runs) Next(ctx context.Context, every time.Duration) (time.Time, error) {
	latest, err := latestRuns(ctx, r.db.Read(), Scheduled, 1)
	return due(latest, every), err
}

// due returns when the schedule makes the next one, after its latest.
func due(latest []Run, every time.Duration) time.Time {
	switch {
	case len(latest) == 0:
		return time.Time{}
	case latest[0].Ended.IsZero():
		return latest[0].seen.Add(gone)
	case latest[0].Err != nil:
		return latest[0].Started.Add(min(every, again))
	}
	return latest[0].Started.Add(every)
}

// Seen notes that a process still works at a run.
func (r *Runs) Seen(ctx context.Context, id int64) error {
	return r.db.Write(ctx, func(tx *database.Tx) error { return markSeen(ctx, tx, id, r.now()) })
}

// End notes how a run ended; failed is nil when the file is there and was read back.
func (r *Runs) End(ctx context.Context, id, bytes int64, failed error) error {
	run := Run{ID: id, Bytes: bytes, Ended: r.now()}
	if failed != nil {
		run.Err = fault.From(failed)
	}
	return r.db.Write(ctx, func(tx *database.Tx) error { return endRun(ctx, tx, run) })
}

// State reads what is known.
func (r *Runs) State(ctx context.Context) (s State, err error) {
	list, err := latestRuns(ctx, r.db.Read(), "", runsKept+2) // with the one that was begun since, and the last good one
	if err != nil {
		return s, err
	}
	for i := range list {
		run := &list[i]
		switch {
		case run.running(r.now()):
			s.Running = run
			continue
		case run.Ended.IsZero():
			run.Err = fault.New(fault.Unavailable, "the process that made the backup ended before it was done")
		}
		if s.Last == nil {
			s.Last = run
		}
		if s.Good == nil && run.Err == nil {
			s.Good = run
		}
	}
	return s, nil
}
