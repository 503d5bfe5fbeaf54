package transfer

import (
	"context"
	"errors"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// target is the side that the data comes to: a database that this process connects to
// (laneTarget), or another process with its own (remoteTarget). What changes it is a
// transaction each, or several that can be repeated.
type target interface {
	// prepare empties the target, which must have no data of its own, and marks it.
	prepare(ctx context.Context, o Opening) error
	// recall reports whether the target knows of this move, and makes it ready to go on.
	recall(ctx context.Context, id string) (bool, error)
	// write inserts rows, in the place of those with the same keys if again.
	write(ctx context.Context, t table, rows [][]any, again bool) error
	// replay makes rows be as in the source, and compares what is stored. Without unique
	// indexes it is loose. The last one, after which all rows are there, has what the tables
	// count from, in their order; the others have nil.
	replay(ctx context.Context, loose bool, from changes, counters []int64) (keys int64, err error)
	// index makes what prepare has removed.
	index(ctx context.Context) error
	// sums reads all tables; note is called with the name of each.
	sums(ctx context.Context, note func(table string)) (map[string]sum, error)
	// claim makes the target the owner's.
	claim(ctx context.Context, c ownership.Claim) error
	// abandon brings the target to what it was before, but its rows: empty and nobody's, or
	// data that has left. It does nothing when the target does not know of this move.
	abandon(ctx context.Context, id string, epoch int64) error
	// tidy checks what was made without a check; it may last.
	tidy(ctx context.Context) error
	close() error
}

// changes are the rows of the source that were written, in one snapshot.
type changes interface {
	// each calls do with the keys of such rows, some of one table at a time.
	each(ctx context.Context, do func(t table, keys [][]any) error) (keys int64, err error)
	// rows returns those that are there, and their sum.
	rows(ctx context.Context, t table, keys [][]any) (rows [][]any, of sum, err error)
}

// Opening is what the target is told of a move that begins.
type Opening struct {
	ID        string `json:"id"`           // of the move
	DataID    string `json:"data_id"`      // whose rows come
	Epoch     int64  `json:"epoch"`        // of the source's owner
	From      string `json:"from"`         // the source, for people
	Before    bool   `json:"before"`       // the data was there before
	URL       string `json:"-"`            // of the source's database, where the target must know it
	By        string `json:"by,omitempty"` // who asked
	StartedMS int64  `json:"started_ms"`
	NowMS     int64  `json:"now_ms"`
	Schema    string `json:"schema,omitempty"` // of the source: the migrations that were applied, see schemaVersions
}

// laneTarget is a database that this process connects to.
type laneTarget struct {
	lane
	at   database.Options
	name string // for people
	all  []table
	now  func() time.Time
	// guard, which may be nil, is asked in every transaction that writes, and refuses
	// what a move may not do any longer.
	guard func(ctx context.Context, s session) error
}

func (l *laneTarget) isServer() bool { return isPostgres([]database.Options{l.at}) }

// writing runs fn in a transaction.
func (l *laneTarget) writing(ctx context.Context, fn func() error) error {
	if err := l.beginWrite(ctx); err != nil {
		return err
	}
	var err error
	if l.guard != nil {
		err = l.guard(ctx, l.lane)
	}
	if err == nil {
		err = fn()
	}
	return committing(ctx, l.lane, err)
}

func (l *laneTarget) prepare(ctx context.Context, o Opening) error {
	var before *record
	err := reading(ctx, l.lane, func() (err error) {
		if err = l.requireEmpty(ctx, o.DataID); err == nil {
			before, err = recordOf(ctx, l.lane)
		}
		return err
	})
	if err != nil {
		return err
	}
	return l.empty(ctx, o, before)
}

// requireEmpty fails unless the database is empty, or has what is left of these data.
func (l *laneTarget) requireEmpty(ctx context.Context, own string) error {
	there, err := look(ctx, l.lane)
	if err != nil {
		return err
	}
	module := l.at.Module
	switch {
	case there.claim.Elsewhere() && there.dataID == own: // what is left of these data
	case there.claim.Elsewhere():
		return fault.Newf(fault.Conflict, "%s has a copy of other data of %s: choose an empty database; nothing was changed", l.name, module)
	case there.claim.Epoch > 0:
		return fault.Newf(fault.Conflict, "%s has data of %s that is in use: choose an empty database; nothing was changed", l.name, module)
	default:
		made, err := rowsOfMigrations(ctx, []database.Options{l.at})
		if err != nil {
			return err
		}
		if rows, err := rowsBeyond(ctx, module, l.lane, made); err != nil || rows > 0 {
			return errors.Join(err, fault.Newf(fault.Conflict, "%s has rows of %s already: choose an empty database; nothing was changed", l.name, module))
		}
	}
	return nil
}

// empty marks the target, and empties it in the same transaction.
func (l *laneTarget) empty(ctx context.Context, o Opening, before *record) error {
	mark := record{ID: o.ID, Role: coming, Place: o.From, Before: o.Before, URL: o.URL, StartedMS: o.StartedMS, By: o.By}
	if before != nil { // what an earlier move has loosened
		mark.Indexes, mark.Foreign = before.Indexes, before.Foreign
	}
	if before != nil && before.Remote != "" { // what this side is again when the move is abandoned
		mark.Before = before.Before || before.Role == leaving
		mark.Remote, mark.Place, mark.Settled = before.Remote, before.Place, before.Settled
	}
	if err := l.beginWrite(ctx); err != nil {
		return err
	}
	err := func() error {
		for _, t := range l.all { // the triggers of a move from there
			statements := releaseSQLite(t)
			if l.isServer() {
				statements = releasePostgres(t)
			}
			for _, statement := range statements {
				if err := l.exec(ctx, statement); err != nil {
					return err
				}
			}
		}
		if err := l.loosen(ctx, &mark, true); err != nil {
			return err
		}
		if err := l.clear(ctx, l.all); err != nil {
			return err
		}
		// The id says whose rows these are to be, before the first is here.
		if err := l.exec(ctx, `INSERT INTO data_identity (id, data_id) VALUES (1, ?)`, o.DataID); err != nil {
			return err
		}
		if err := putRecord(ctx, l.lane, mark); err != nil {
			return err
		}
		return writeOwner(ctx, l.lane, ownership.Claim{Epoch: o.Epoch, Owner: ownership.Arriving, URL: o.From, ChangedMS: o.NowMS})
	}()
	return committing(ctx, l.lane, err)
}

// loosen removes what wants rows in an order, and remembers it.
func (l *laneTarget) loosen(ctx context.Context, mark *record, indexes bool) error {
	foreign, err := l.loosenForeign(ctx, l.all)
	if err != nil {
		return err
	}
	mark.Foreign = append(mark.Foreign, foreign...)
	if !indexes {
		return nil
	}
	again, err := l.loosenIndexes(ctx, l.all)
	mark.Indexes = append(mark.Indexes, again...)
	return err
}

func (l *laneTarget) recall(ctx context.Context, id string) (bool, error) {
	mark, err := recordIn(ctx, l.lane)
	// One that was abandoned keeps the id, and is nobody's target.
	if err != nil || mark == nil || mark.ID != id || mark.Role != coming {
		return false, err
	}
	if err := l.beginWrite(ctx); err != nil {
		return true, err
	}
	if err = l.loosen(ctx, mark, false); err == nil {
		err = putRecord(ctx, l.lane, *mark)
	}
	return true, committing(ctx, l.lane, err)
}
