// Package transfer copies all data of the program from SQLite to PostgreSQL, or back,
// while no process works with it, proves that the copy is equal, and sees that only one
// of the two is written afterwards.
//
//	source                                target
//	read, writes locked out  ───────────▶ filled in one transaction, read again, compared
//	                                      committed as arriving: no process starts on it
//	committed as moved: none starts here
//	                                      committed as the owner's, one epoch later
//
// Whatever ends in between, at every moment at most one of the two takes writes, and
// the same command again goes on or begins again: the second commit is the decision.
//
// Reading order: transfer.go, plan.go (what may be copied where), snapshot.go (backups of
// PostgreSQL), tables.go (types,
// sums), store_sqlite.go and store_postgres.go (the two sides).
package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Options say what is copied.
type Options struct {
	// From and To are the same databases in the same order, all in one kind of
	// database, and in another.
	From, To []database.Options
	// FromName and ToName are how people know them, without a password.
	FromName, ToName string
	// Trial copies and compares, leaves the source in use, and gives the copy data ids of
	// its own: no process takes one for the other.
	Trial bool
	// Progress is called now and then; nil = nobody wants to know.
	Progress func(database, table string, rows int64)
	Now      time.Time

	reached func(step string) error // for tests: ends the copy behind a commit
}

func (o Options) step(name string) error {
	if o.reached == nil {
		return nil
	}
	return o.reached(name)
}

// Table is what was copied of one table.
type Table struct {
	Database string `json:"database"`
	Name     string `json:"table"`
	Rows     int64  `json:"rows"`
	// Sum is the sum of the rows' SHA-256, as 32 hexadecimal digits: equal on both
	// sides, and independent of the order.
	Sum string `json:"sum"`
}

// Report says what was done.
type Report struct {
	Tables []Table `json:"tables"` // empty when an earlier copy was only finished
	Trial  bool    `json:"trial"`
	From   string  `json:"from"`
	To     string  `json:"to"`
}

// side is all databases in one kind of database, with a transaction open.
type side interface {
	// session returns the database of this place in the options.
	session(i int) session
	// commit ends the transaction.
	commit(ctx context.Context) error
	close() error
}

// session is one database of a side.
type session interface {
	// tables describes all tables but those of goose, in an order in which each stands
	// after those that it refers to.
	tables(ctx context.Context) ([]table, error)
	// get reads one row; false without one.
	get(ctx context.Context, dest []any, query string, args ...any) (bool, error)
	exec(ctx context.Context, query string, args ...any) error
	// read calls row with the values of each row: nil, int64, float64, string or []byte.
	read(ctx context.Context, t table, row func(values []any) error) error
	// load inserts what next returns, until that is nil.
	load(ctx context.Context, t table, next func() ([]any, error)) error
	// clear deletes all rows.
	clear(ctx context.Context, ts []table) error
	// counter returns the last id that the table has given, 0 for a table without ids
	// of its own; setCounter lets it give later ones only.
	counter(ctx context.Context, t table) (int64, error)
	setCounter(ctx context.Context, t table, last int64) error
}

// Copy copies. Fails with fault.Conflict when a process works with one side, the target
// has other data, or the source has been moved before; with fault.Invalid for rows that
// the target cannot store. Then the source is what it was, and the target not in use.
func Copy(ctx context.Context, o Options) (report Report, err error) {
	report = Report{Trial: o.Trial, From: o.FromName, To: o.ToName}
	if len(o.From) != len(o.To) || len(o.From) == 0 {
		return report, errors.New("the databases to copy are not the same on both sides")
	}
	if err := requireCurrent(ctx, o.From, o.FromName); err != nil {
		return report, err
	}
	source, err := openSide(ctx, o.From)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	there, err := lookAt(ctx, o, source)
	if err != nil {
		return report, err
	}
	next, err := decide(o, there)
	if err != nil {
		return report, err
	}
	if next == copyAll {
		if report.Tables, err = fill(ctx, o, source, there); err != nil {
			return report, err
		}
		if err := o.step("arriving"); err != nil || o.Trial {
			return report, err
		}
		for i := range o.From {
			if err := markMoved(ctx, source.session(i), there.from[i], o); err != nil {
				return report, err
			}
		}
		// The decision: from here on the data is the target's.
		if err := source.commit(ctx); err != nil {
			return report, err
		}
		if err := o.step("moved"); err != nil {
			return report, err
		}
	}
	return report, finish(ctx, o)
}

// requireCurrent fails unless all databases exist and have this program's schema.
func requireCurrent(ctx context.Context, all []database.Options, name string) error {
	for _, one := range all {
		status, err := database.ReadStatus(ctx, one)
		switch {
		case err != nil:
			return err
		case !status.Exists:
			return fault.Newf(fault.NotFound, "there is no database %s in %s: check from where to copy", one.Module, name)
		case status.Newer() > 0:
			return fault.Newf(fault.Conflict, "a newer program has migrated the database %s in %s: copy with that program", one.Module, name)
		case status.Pending():
			return fault.Newf(fault.Conflict, "the database %s in %s has a schema of an older program: run `banyan migrate up` first", one.Module, name)
		}
	}
	return nil
}

func openSide(ctx context.Context, all []database.Options) (side, error) {
	if isPostgres(all) {
		return openPostgres(ctx, all)
	}
	return openSQLite(ctx, all)
}

// fill copies and compares all tables, and commits the target as arriving.
func fill(ctx context.Context, o Options, source side, there states) (tables []Table, err error) {
	into := o.To
	if !isPostgres(o.To) {
		scratch, remove, err := scratchFolder(o.To)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, remove()) }()
		into = scratch
	}
	if err := migrate(ctx, into); err != nil {
		return nil, err
	}
	target, err := openSide(ctx, into)
	if err != nil {
		return nil, err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, target.close())
		}
	}()
	for i, one := range o.From {
		copied, err := copyDatabase(ctx, o, one.Module, source.session(i), target.session(i), aboutMoves)
		if err != nil {
			return nil, err
		}
		tables = append(tables, copied...)
		if err := settle(ctx, o, target.session(i), there.from[i]); err != nil {
			return nil, err
		}
	}
	if err := target.commit(ctx); err != nil {
		return nil, err
	}
	closed = true
	if err := target.close(); err != nil {
		return nil, err
	}
	if !isPostgres(o.To) {
		return tables, putFiles(ctx, into, o.To)
	}
	return tables, nil
}

// migrate brings the target to this program's schema; it makes what is missing.
func migrate(ctx context.Context, all []database.Options) error {
	for _, one := range all {
		db, err := database.Open(ctx, one)
		if err != nil {
			return err
		}
		if err := errors.Join(db.Migrate(ctx), db.Close()); err != nil {
			return err
		}
	}
	return nil
}

// copyDatabase copies all tables but those of except, which it empties.
func copyDatabase(ctx context.Context, o Options, name string, source, target session, except []string) ([]Table, error) {
	from, err := source.tables(ctx)
	if err != nil {
		return nil, err
	}
	into, err := target.tables(ctx)
	if err != nil {
		return nil, err
	}
	if err := sameTables(name, from, into); err != nil {
		return nil, err
	}
	if err := target.clear(ctx, into); err != nil {
		return nil, fmt.Errorf("empty the tables of %s: %w", name, err)
	}
	var done []Table
	for _, t := range into { // in the target's order, which its foreign keys want
		if slices.Contains(except, t.name) {
			continue
		}
		sum, err := copyTable(ctx, o, name, t, source, target)
		if err != nil {
			return nil, fmt.Errorf("copy the table %s of %s: %w", t.name, name, err)
		}
		done = append(done, Table{Database: name, Name: t.name, Rows: sum.rows, Sum: sum.String()})
	}
	return done, nil
}

// copyTable copies a table, reads the copy, and compares.
func copyTable(ctx context.Context, o Options, name string, t table, source, target session) (sum, error) {
	var sent, stored sum
	rows := make(chan []any, 256)
	reading := make(chan error, 1)
	readCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(rows)
		reading <- source.read(readCtx, t, func(values []any) error {
			if err := t.check(values); err != nil {
				return err
			}
			sent.add(values)
			if o.Progress != nil && sent.rows%10_000 == 0 {
				o.Progress(name, t.name, sent.rows)
			}
			select {
			case rows <- values:
				return nil
			case <-readCtx.Done():
				return readCtx.Err()
			}
		})
	}()
	err := target.load(ctx, t, func() ([]any, error) { return <-rows, nil })
	cancel()
	for range rows { //nolint:revive // until the reader has ended
	}
	// The reader's own failure is the cause; that it was cancelled follows from the other's.
	if readErr := <-reading; readErr != nil && (err == nil || !errors.Is(readErr, context.Canceled)) {
		return sent, readErr
	}
	if err != nil {
		return sent, err
	}
	last, err := source.counter(ctx, t)
	if err != nil {
		return sent, err
	}
	if err := target.setCounter(ctx, t, last); err != nil {
		return sent, err
	}
	err = target.read(ctx, t, func(values []any) error { stored.add(values); return nil })
	if err == nil && stored != sent {
		err = fault.Newf(fault.Internal, "the copy is not equal: %d rows with the sum %s were read, %d with %s are stored; nothing was changed in the source", sent.rows, sent, stored.rows, stored)
	}
	return sent, err
}
