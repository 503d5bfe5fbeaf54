package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/periodic"
)

// Step is what a move is doing.
type Step string

// The steps, in their order.
const (
	StepCopying   Step = "copying"   // rows are copied in the order of their keys, while others are written
	StepIndexing  Step = "indexing"  // the target's indexes are made
	StepFollowing Step = "following" // rows that were written meanwhile are copied again, round after round
	StepChecking  Step = "checking"  // both sides are read whole, and compared
	StepHolding   Step = "holding"   // writes wait for the last round
	StepDone      Step = "done"      // the data is in the target, and the program writes there
	StepCanceled  Step = "canceled"  // the data is where it was
	StepFailed    Step = "failed"    // likewise; Problem says why
)

// Status is where a move is.
type Status struct {
	To      string `json:"to"` // for people, without a password
	Step    Step   `json:"step"`
	Table   string `json:"table,omitempty"` // being copied or checked
	Rows    int64  `json:"rows"`            // copied
	OfRows  int64  `json:"of_rows"`         // that were there when the move began
	Bytes   int64  `json:"bytes"`           // of these rows' values, by this process
	Rounds  int    `json:"rounds"`          // of rows written meanwhile
	Lag     int64  `json:"lag"`             // rows of the last round
	Tables  int    `json:"tables,omitempty"`
	PauseMS int64  `json:"pause_ms"` // how long writes waited
	// SlowedMS is how long each write waits at present, because rows are written about as
	// fast as they are copied.
	SlowedMS  int64  `json:"slowed_ms,omitempty"`
	Problem   string `json:"problem,omitempty"`
	StartedMS int64  `json:"started_ms"` // UTC milliseconds
	EndedMS   int64  `json:"ended_ms,omitempty"`
}

// Ended reports whether nothing more happens.
func (s Status) Ended() bool {
	return s.Step == StepDone || s.Step == StepCanceled || s.Step == StepFailed
}

// Next says in words what happens next.
func (s Status) Next() string {
	switch s.Step {
	case StepCopying:
		return "the rows are copied while the module is used; then those that were written meanwhile, then both sides are compared"
	case StepIndexing:
		return "the indexes of the copy are made; then the rows that were written meanwhile are copied"
	case StepFollowing:
		return "rows that were written meanwhile are copied; when few are left, both sides are compared, writes wait for a moment, and the data changes its place"
	case StepChecking:
		return "both sides are read whole and compared; then writes wait for a moment, and the data changes its place"
	case StepHolding:
		return "the last rows are copied and compared; then the data changes its place"
	case StepDone:
		return "nothing: the module works over its data there"
	case StepCanceled:
		return "nothing: the data is where it was; the same command begins again"
	}
	return "nothing: the data is where it was; mend what the problem says, and begin again"
}

// MoveOptions say what is moved where. The zero values of the last four are good.
type MoveOptions struct {
	Source *database.DB // the module's handle; it leads to the target afterwards
	Owner  *ownership.Ownership
	// To is the database that the data goes to: a server's, or the handle's own, which
	// it left before.
	To               database.Options
	FromName, ToName string // for people, without a password

	// Remote is the address of another process that the data goes to instead, whose
	// database it has there; Dial returns that process. Led, called when it is the owner, leads
	// the module's calls there, and is repeated until it returns nil. Prepare, before writes
	// are held, and Route, right when it is the owner, do what they can of that sooner.
	Remote  string
	Dial    func(address string) (Far, error)
	Prepare func(ctx context.Context, r Arrival) error // may be nil, as Route and Led
	Route   func(ctx context.Context, r Arrival) error
	Led     func(ctx context.Context, r Arrival) error
	By      string // who asked, for the audit

	Rate int64 // bytes of values in a second while rows are copied; 0 = as fast as it goes
	Log  *slog.Logger
	Now  func() time.Time

	reached func(step string) error // for tests: ends the move as a crash would
}

func (o MoveOptions) withDefaults() MoveOptions {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.reached == nil {
		o.reached = func(string) error { return nil }
	}
	return o
}

// Move is one move of a module's data to another database while the program serves.
//
//	copying ─▶ indexing ─▶ following ─▶ checking ─▶ following ─▶ holding ─▶ done
//	   │           │            │            │            │          │ compared, and one commit in
//	   └───────────┴────────────┴─ cancel ───┴────────────┘          │ the source decides: moved
//	                            ▼                                    ▼
//	                  the data is where it was            the target is claimed, one epoch on
//
// Triggers in the source note the key of every row that is written, whoever writes it,
// so that the rows can be copied in any order and again. All that is to be remembered
// is in the two databases: after a crash Resume goes on, and Follow finds where the
// data is. Until the decision the source's owner takes its writes back whatever
// happens; after it the move only goes forward.
type Move struct {
	o    MoveOptions
	id   string
	home bool // back to the database that the handle was opened with

	mu     sync.Mutex
	status Status
	cancel context.CancelCauseFunc // of Run; nil = it does not run
	wanted bool                    // that it is canceled
}

// errCanceled ends a move that an operator does not want any longer.
var errCanceled = errors.New("the move was canceled")

// unknownMost is how often a move is tried again after errors that are no outage.
const unknownMost = 5

// retryAfter is how long a move waits when one side does not answer.
const retryAfter = 2 * time.Second

// NewMove checks both sides and has them remember the move, which Run makes. The caller sees
// that this process makes no other of these data. Fails with fault.Conflict when the target
// has other data or another process moves these, with fault.Unavailable when it does not
// answer, and then nothing has begun.
func NewMove(ctx context.Context, o MoveOptions) (*Move, error) {
	m, err := newMove(o)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: Go ends the program instead
	m.id = hex.EncodeToString(id[:])
	m.status.StartedMS = m.o.Now().UnixMilli()
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	return m, m.o.reached("begun")
}

// Resume returns the move that had begun when the program ended; nil without one.
func Resume(ctx context.Context, o MoveOptions, place func(url string) (database.Options, string)) (*Move, error) {
	r, err := readRecord(ctx, o.Source.Read())
	isOver := r != nil && r.Phase == gone && (r.Remote == "" || r.Settled)
	if err != nil || r == nil || r.Role != leaving || isOver || r.Owner != "" && r.Owner != o.Owner.Self().Name {
		return nil, err
	}
	if r.File != o.Source.Path() {
		return nil, forget(ctx, o.Source)
	}
	o.ToName, o.Remote, o.By = r.Place, r.Remote, r.By
	if r.Remote != "" {
		o.To = database.Options{}
	} else if home := o.Source.Home(); home != nil {
		o.To = *home
	} else {
		o.To, _ = place(r.URL)
	}
	m, err := newMove(o)
	if err != nil {
		return nil, err
	}
	m.id, m.status.StartedMS = r.ID, r.StartedMS
	if r.Phase == gone {
		m.status.Step = StepHolding // it only goes forward
	}
	return m, nil
}

func newMove(o MoveOptions) (*Move, error) {
	o = o.withDefaults()
	home := o.Source.Home()
	m := &Move{o: o, home: home != nil}
	m.status = Status{To: o.ToName, Step: StepCopying}
	if o.Remote != "" {
		if home != nil || o.Source.Dialect() != database.SQLite {
			return nil, fault.Newf(fault.Conflict, "the data of %s is in PostgreSQL, which processes on other hosts can use as well: lead the calls there with `banyan module set %s remote --url %s`", o.Source.Module(), o.Source.Module(), o.Remote)
		}
		return m, nil
	}
	switch isServer := isPostgres([]database.Options{o.To}); {
	case home == nil && o.Source.Dialect() != database.SQLite:
		return nil, fault.Newf(fault.Invalid, "the data of %s is in PostgreSQL by the settings (database.url): a module moves from SQLite to PostgreSQL, and back", o.Source.Module())
	case home == nil && !isServer:
		return nil, fault.New(fault.Invalid, "the data goes to PostgreSQL: name the database as postgres://user@host:5432/name")
	case home != nil && isServer:
		return nil, fault.Newf(fault.Conflict, "the data of %s is in another database already: move it back first (--home)", o.Source.Module())
	}
	return m, nil
}

// Status returns where the move is.
func (m *Move) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

func (m *Move) note(change func(*Status)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.status)
}

// Cancel has the move end with the data where it was. Fails with fault.Conflict when
// it is about to be elsewhere, or is.
func (m *Move) Cancel() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.status.Step == StepDone || m.status.Step == StepHolding:
		return fault.New(fault.Conflict, "the move has come too far to be canceled: move the data back when it has ended")
	case m.status.Ended():
		return nil
	}
	m.wanted = true
	if m.cancel != nil {
		m.cancel(errCanceled)
	}
	return nil
}

// Run makes the move, and tries again when one side does not answer, until it has
// ended; Status says how. It returns an error only when ctx ends first: then Resume
// goes on after the next start.
func (m *Move) Run(ctx context.Context) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.mu.Lock()
	m.cancel = cancel
	if m.wanted {
		cancel(errCanceled)
	}
	m.mu.Unlock()
	for unknown := 0; ; {
		err := m.attempt(running)
		if fault.Is(err, fault.Internal) {
			unknown++
		}
		switch {
		case err == nil:
			m.end(ctx, StepDone, nil)
			return nil
		case ctx.Err() != nil || errors.Is(err, errStopped):
			return err
		case errors.Is(context.Cause(running), errCanceled):
			m.giveUp(ctx, StepCanceled, nil)
			return nil
		case fault.Is(err, fault.Invalid) || errors.Is(err, errUnequal) || unknown == unknownMost:
			m.giveUp(ctx, StepFailed, err)
			return nil
		}
		m.o.Log.WarnContext(ctx, "the move of a module's data waits; it is tried again", "module", m.o.Source.Module(), "error", err)
		m.note(func(s *Status) { s.Problem = problemOf(err) })
		_ = periodic.Sleep(running, retryAfter) // the next attempt says what ended it
	}
}

// errStopped is a test's crash.
var errStopped = errors.New("the move was stopped")

// problemOf is what people read of an error that delays or ends a move.
func problemOf(err error) string {
	if fault.Is(err, fault.Internal) {
		return `a fault that the program has no advice for: its log has it in full, at "the move of a module's data"`
	}
	return fault.From(err).Message
}

func (m *Move) end(ctx context.Context, step Step, problem error) {
	m.note(func(s *Status) {
		s.Step, s.EndedMS, s.Table, s.Problem = step, m.o.Now().UnixMilli(), "", ""
		if problem != nil {
			s.Problem = problemOf(problem)
		}
	})
	s := m.Status()
	level := slog.LevelInfo
	if problem != nil {
		level = slog.LevelError
	}
	m.o.Log.Log(ctx, level, "the move of a module's data has ended", "module", m.o.Source.Module(), "to", m.o.ToName, "step", step,
		"rows", s.Rows, "pause_ms", s.PauseMS, "error", problem)
}
