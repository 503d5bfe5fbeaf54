// Package jobs runs work that takes longer than a request: durable, resumable,
// cancellable, with progress. Its state is in the database of the module whose
// work it is, so a job waits and ends with the module's data wherever that goes.
//
//	epochs := jobs.NewKind[Request, Result]("epoch")
//	id, err := epochs.Add(ctx, tx, request)               // in the transaction of what asks for it
//	runner := jobs.NewRunner(db, log, epochs.By(func(ctx context.Context, j *jobs.Job, q Request) (Result, error) { … }))
//	e.WhileOwner("jobs", runner.Run)                      // only the owner of the writes runs jobs
//	status, err := epochs.Status(ctx, db.Read(), id)
//
//	waiting → running → done | failed | canceled
//	   ↑         │
//	   └─────────┘ the process ended or lost the writes: the next owner begins it
//	               again, from its last checkpoint
//
// One job runs at a time, the oldest first. Work writes in steps (Job.Step), each
// in one transaction with its progress and checkpoint, so that a step is done
// once or not at all; a step fails when somebody cancelled the job.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// State is where a job is in its life.
type State string

// The states.
const (
	Waiting  State = "waiting"
	Running  State = "running"
	Done     State = "done"
	Failed   State = "failed"
	Canceled State = "canceled"
)

// Ended reports whether nothing more will happen.
func (s State) Ended() bool { return s == Done || s == Failed || s == Canceled }

const (
	// poll is how often jobs of other processes are looked for.
	poll = 2 * time.Second
	// mostRuns is how often a job is begun: one that ends its process each time
	// must not do so for ever.
	mostRuns = 5
	// kept is how many jobs that have ended are kept, of each kind.
	kept = 100
	// wakeName is what a commit that changes a job wakes.
	wakeName = "jobs"
)

// Status is how a job does.
type Status[Result any] struct {
	ID       int64
	State    State
	Stage    string
	Progress int64
	Work     int64  // 0 = not known
	Result   Result // zero unless State is Done
	Err      error  // a fault, where State is Failed or Canceled
}

// Kind is one kind of work.
type Kind[Request, Result any] struct{ name string }

// NewKind returns the kind of this name.
func NewKind[Request, Result any](name string) Kind[Request, Result] {
	return Kind[Request, Result]{name}
}

// Add adds a job, or returns the one of its kind that waits already: what it
// will do is what was asked for.
func (k Kind[Request, Result]) Add(ctx context.Context, tx *database.Tx, request Request) (id int64, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return 0, fmt.Errorf("encode a job of kind %s: %w", k.name, err)
	}
	if err := tx.Lock(ctx, wakeName); err != nil {
		return 0, err
	}
	if id, err = waitingJob(ctx, tx, k.name, string(text)); err != nil || id != 0 {
		return id, err
	}
	tx.Wake(wakeName)
	return addJob(ctx, tx, k.name, string(text))
}

// Status returns how a job does. It fails with fault.NotFound when there is none
// of this number any more.
func (k Kind[Request, Result]) Status(ctx context.Context, r database.Queryer, id int64) (Status[Result], error) {
	row, err := readJob(ctx, r, k.name, id)
	if database.IsNoRows(err) {
		return Status[Result]{}, fault.NoSuch("job", "there is no job %d any more: the last %d of a kind are kept", id, kept)
	}
	if err != nil {
		return Status[Result]{}, fmt.Errorf("read a job: %w", err)
	}
	return k.status(row)
}

// Latest returns the newest job of the kind; ok is false when there is none.
func (k Kind[Request, Result]) Latest(ctx context.Context, r database.Queryer) (s Status[Result], ok bool, err error) {
	row, err := latestJob(ctx, r, k.name)
	if database.IsNoRows(err) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read the latest job: %w", err)
	}
	s, err = k.status(row)
	return s, err == nil, err
}

func (k Kind[Request, Result]) status(row jobRow) (Status[Result], error) {
	s := Status[Result]{ID: row.ID, State: row.State, Stage: row.Stage, Progress: row.Progress, Work: row.Work}
	if row.State == Done {
		if err := json.Unmarshal([]byte(row.Result), &s.Result); err != nil {
			return s, fmt.Errorf("decode the result of job %d: %w", row.ID, err)
		}
	}
	if row.State == Failed || row.State == Canceled {
		s.Err = fault.New(fault.Code(row.ErrorCode), row.Error)
	}
	return s, nil
}

// Wait returns the status of a job once it has ended, or when the wait is over. Fails as a
// write would when the data leaves for another process meanwhile.
func (k Kind[Request, Result]) Wait(ctx context.Context, db *database.DB, id int64, wait time.Duration) (Status[Result], error) {
	woken, stop := db.Listen(wakeName)
	defer stop()
	const pause = 100 * time.Millisecond // for jobs that another process runs
	for {
		if err := db.Left(); err != nil { // the job goes on where the data is, and the caller asks there
			return Status[Result]{}, err
		}
		s, err := k.Status(ctx, db.Read(), id)
		if err != nil || s.State.Ended() || wait <= 0 {
			return s, err
		}
		if err := periodic.SleepUntil(ctx, min(pause, wait), woken); err != nil {
			return s, err
		}
		wait -= pause
	}
}

// Cancel makes a job end before its next step, one that waits at once. It
// reports whether there is such a job that had not ended.
func (k Kind[Request, Result]) Cancel(ctx context.Context, tx *database.Tx, id int64) (bool, error) {
	tx.Wake(wakeName)
	return cancelJob(ctx, tx, k.name, id)
}

// By returns the worker of a kind. work ends with a fault that people can read.
func (k Kind[Request, Result]) By(work func(ctx context.Context, j *Job, request Request) (Result, error)) Worker {
	return Worker{k.name, func(ctx context.Context, j *Job, text string) (string, error) {
		var request Request
		if err := json.Unmarshal([]byte(text), &request); err != nil {
			return "", fmt.Errorf("decode job %d of kind %s: %w", j.id, k.name, err)
		}
		result, err := work(ctx, j, request)
		if err != nil {
			return "", err
		}
		out, err := json.Marshal(result)
		return string(out), err
	}}
}

// Worker does the jobs of one kind.
type Worker struct {
	kind string
	work func(ctx context.Context, j *Job, request string) (result string, err error)
}

// Job is the job that a worker does.
type Job struct {
	db         *database.DB
	id         int64
	checkpoint string
}

// errCanceled ends a step of a job that somebody cancelled.
var errCanceled = errors.New("the job was cancelled")

// Checkpoint decodes what the last step of an earlier run left into to, and
// reports whether there is any.
func (j *Job) Checkpoint(to any) (bool, error) {
	if j.checkpoint == "" {
		return false, nil
	}
	return true, json.Unmarshal([]byte(j.checkpoint), to)
}

// Progress is what a step tells of the job.
type Progress struct {
	Stage      string // for people
	Done, Work int64
	Checkpoint any // nil = the job begins from the start again
}

// Step writes in one transaction with the progress after it. do may be nil.
func (j *Job) Step(ctx context.Context, p Progress, do func(tx *database.Tx) error) error {
	checkpoint := ""
	if p.Checkpoint != nil {
		text, err := json.Marshal(p.Checkpoint)
		if err != nil {
			return fmt.Errorf("encode a checkpoint: %w", err)
		}
		checkpoint = string(text)
	}
	return j.db.Write(ctx, func(tx *database.Tx) error {
		going, err := stepJob(ctx, tx, j.id, p, checkpoint)
		if err != nil {
			return err
		}
		if !going {
			return errCanceled
		}
		tx.Wake(wakeName)
		if do == nil {
			return nil
		}
		return do(tx)
	})
}

// Runner runs the jobs of one database.
type Runner struct {
	db      *database.DB
	log     *slog.Logger
	workers map[string]Worker
}

// NewRunner returns the runner of these workers.
func NewRunner(db *database.DB, log *slog.Logger, workers ...Worker) *Runner {
	r := &Runner{db: db, log: log, workers: make(map[string]Worker, len(workers))}
	for _, w := range workers {
		r.workers[w.kind] = w
	}
	return r
}

// Run runs jobs until ctx ends. Those that a former process began wait again.
// Only the owner of the database's writes may call it, once at a time.
func (r *Runner) Run(ctx context.Context) error {
	woken, stop := r.db.Listen(wakeName)
	defer stop()
	recovered := false
	periodic.Run(ctx, poll, func(ctx context.Context) {
		if !recovered {
			if err := r.recover(ctx); err != nil {
				r.trouble(ctx, err)
				return
			}
			recovered = true
		}
		for {
			again, err := r.next(ctx)
			if err != nil {
				r.trouble(ctx, err)
			}
			if !again || err != nil || ctx.Err() != nil {
				return
			}
		}
	}, periodic.AtOnce(), periodic.OnWake(woken))
	return nil
}

func (r *Runner) trouble(ctx context.Context, err error) {
	if ctx.Err() == nil {
		r.log.WarnContext(ctx, "jobs cannot be run; it is tried again in a moment", "module", r.db.Module(), "error", err)
	}
}

func (r *Runner) recover(ctx context.Context) error {
	return r.db.Write(ctx, func(tx *database.Tx) error { return recoverJobs(ctx, tx, mostRuns) })
}

// next runs the oldest job that waits; again is false when there is none.
func (r *Runner) next(ctx context.Context) (again bool, err error) {
	var row jobRow
	err = r.db.Write(ctx, func(tx *database.Tx) (err error) {
		row, err = beginJob(ctx, tx)
		if database.IsNoRows(err) {
			return nil
		}
		tx.Wake(wakeName)
		return err
	})
	if err != nil || row.ID == 0 {
		return false, err
	}
	result, err := r.work(ctx, row)
	if err != nil && ctx.Err() != nil {
		return false, nil //nolint:nilerr // the process ends or is no owner any more: the next one begins the job again
	}
	state, told := Done, fault.From(err)
	switch {
	case errors.Is(err, errCanceled):
		state, told = Canceled, fault.New(fault.Canceled, errCanceled.Error())
	case err != nil:
		state = Failed
		if told == nil {
			told = fault.New(fault.Internal, "the job failed; the log of the process says why")
		}
		if fault.CodeOf(err) == fault.Internal {
			r.log.ErrorContext(ctx, "a job failed", "module", r.db.Module(), "kind", row.Kind, "job", row.ID, "error", err)
		}
	}
	return true, r.db.Write(ctx, func(tx *database.Tx) error {
		tx.Wake(wakeName)
		return endJob(ctx, tx, row, state, result, told)
	})
}

func (r *Runner) work(ctx context.Context, row jobRow) (string, error) {
	w, known := r.workers[row.Kind]
	if !known {
		return "", fault.Newf(fault.Unsupported, "this program has no worker for jobs of kind %q: a later one has made it", row.Kind)
	}
	return w.work(ctx, &Job{db: r.db, id: row.ID, checkpoint: row.Checkpoint}, row.Request)
}
