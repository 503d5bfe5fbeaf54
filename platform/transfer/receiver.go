package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// ReceiverOptions say where data may come to. All are needed but Arrived and Log.
type ReceiverOptions struct {
	DB    *database.DB // the module's handle
	Owner *ownership.Ownership
	Name  string // this process, for people
	// Arrived is called when this process has become the owner, and may be called again;
	// the source is answered when it returns nil, and writes wait until then.
	Arrived func(ctx context.Context, a Arrival) error
	Log     *slog.Logger
	Now     func() time.Time
}

// Receiver takes the data of a module that another process sends (Far). What is to be
// remembered is in the database. Calls wait for each other.
type Receiver struct {
	o  ReceiverOptions
	mu sync.Mutex
	at *laneTarget // connected; nil = not
}

// NewReceiver opens nothing.
func NewReceiver(o ReceiverOptions) *Receiver {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Receiver{o: o}
}

// schemaVersions are the migrations that were applied to a database, as text to compare.
func schemaVersions(ctx context.Context, o database.Options) (string, error) {
	status, err := database.ReadStatus(ctx, o)
	if err != nil {
		return "", err
	}
	var all []string
	for _, m := range status.Migrations {
		if m.Applied {
			all = append(all, fmt.Sprintf("%s %d", m.Set, m.Version))
		}
	}
	return strings.Join(all, ", "), nil
}

// with runs fn with the connection, which is made when it is needed and closed when
// fn fails.
func (r *Receiver) with(ctx context.Context, fn func(l *laneTarget) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		at, err := r.connect(ctx)
		if err != nil {
			return err
		}
		r.at = at
	}
	r.at.guard = nil
	err := database.ExplainFile(fn(r.at))
	if database.IsOutage(err) { // the operator reads it where the data comes from
		err = fault.Wrap(err, fault.Unavailable, "at "+r.o.Name+": "+fault.From(err).Message)
	}
	if err != nil {
		err = errors.Join(err, r.disconnect())
	}
	return err
}

func (r *Receiver) connect(ctx context.Context) (*laneTarget, error) {
	if r.o.DB.Dialect() != database.SQLite || r.o.DB.Home() != nil {
		return nil, fault.Newf(fault.Conflict, "the process of %s at %s has its data in PostgreSQL, which this program can use as well: set database.url instead, or start that process on an empty data folder", r.o.DB.Module(), r.o.Name)
	}
	o := r.o.DB.Options()
	l, err := openLane(ctx, o)
	if err != nil {
		return nil, err
	}
	tables, err := l.tables(ctx)
	if err == nil {
		tables, err = withoutMoves(tables)
	}
	if err != nil {
		return nil, closing(l, err)
	}
	return &laneTarget{lane: l, at: o, name: r.o.Name, all: tables, now: r.o.Now}, nil
}

func (r *Receiver) disconnect() error {
	if r.at == nil {
		return nil
	}
	err := r.at.close()
	r.at = nil
	return err
}

// Close ends the connection.
func (r *Receiver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.disconnect(); err != nil {
		r.o.Log.Warn("the connection of a move could not be closed", "module", r.o.DB.Module(), "error", err)
	}
}

// Begin implements Far.
func (r *Receiver) Begin(ctx context.Context, o Opening) error {
	return r.with(ctx, func(l *laneTarget) error {
		schema, err := schemaVersions(ctx, l.at)
		if err != nil {
			return err
		}
		if schema != o.Schema {
			return fault.Newf(fault.Conflict, "the databases of %s at %s and at %s have different migrations (%s; %s): bring both programs to one release, then move", l.at.Module, o.From, r.o.Name, o.Schema, schema)
		}
		if err := l.prepare(ctx, o); err != nil {
			return err
		}
		r.o.Log.InfoContext(ctx, "the data of a module comes to this process", "module", l.at.Module, "from", o.From)
		return r.o.Owner.Adopt(ctx)
	})
}

// Recall implements Far.
func (r *Receiver) Recall(ctx context.Context, q RecallRequest) (known Recalled, err error) {
	err = r.with(ctx, func(l *laneTarget) error {
		return l.writing(ctx, func() error {
			mark, err := recordOf(ctx, l)
			if err != nil || mark == nil || mark.ID != q.ID || mark.Role != coming {
				return err
			}
			mark.Attempt++
			mark.Whole = false
			known = Recalled{Known: true, Attempt: mark.Attempt}
			return putRecord(ctx, l, *mark)
		})
	})
	return known, err
}

// only refuses what is not of this attempt: a request may arrive long after its sender has
// given it up.
func only(id string, attempt int64) func(ctx context.Context, s session) error {
	return func(ctx context.Context, s session) error {
		mark, err := recordOf(ctx, s)
		switch {
		case err != nil:
			return err
		case mark == nil || mark.ID != id || mark.Role != coming:
			return fault.New(fault.Unavailable, "this process does not know of the move any longer: it is begun again")
		case mark.Attempt != attempt || mark.Whole:
			return fault.Newf(fault.Unavailable, "attempt %d of the move is over: it goes on with the next", attempt)
		}
		return nil
	}
}

func (l *laneTarget) find(name string) (table, error) {
	for _, t := range l.all {
		if t.name == name {
			return t, nil
		}
	}
	return table{}, fault.Newf(fault.Invalid, "there is no table %q to move rows into: both sides must be of one release", name)
}

// Rows implements Far. All of a batch is there before anything waits for it.
func (r *Receiver) Rows(ctx context.Context, b Batch) (stored Stored, err error) {
	body, err := io.ReadAll(b.Body)
	if err != nil {
		return stored, err
	}
	err = r.with(ctx, func(l *laneTarget) error {
		l.guard = only(b.ID, b.Attempt)
		groups := newGroupReader(bytes.NewReader(body))
		stored = Stored{}
		take := batchReader{
			find: l.find,
			group: func(t table, keys, rows [][]any) error {
				of, err := l.take(ctx, t, keys, rows)
				if len(keys) > 0 {
					stored.Sums = append(stored.Sums, of.wire())
				}
				return err
			},
			end: func(counters map[string]int64) error { return l.markWhole(ctx, counters) },
		}
		return l.writing(ctx, func() error {
			for {
				err := groups.next(take)
				if errors.Is(err, io.EOF) && !fault.Is(err, fault.Invalid) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
	})
	return stored, err
}

// take stores a group, and returns the sum of what is stored of its keys.
func (l *laneTarget) take(ctx context.Context, t table, keys, rows [][]any) (stored sum, err error) {
	if len(keys) == 0 {
		return stored, l.put(ctx, t, rows)
	}
	if err := l.remove(ctx, t, t.without(keys, rows)); err != nil {
		return stored, err
	}
	return l.store(ctx, t, keys, rows)
}

// markWhole notes that all rows are here.
func (l *laneTarget) markWhole(ctx context.Context, counters map[string]int64) error {
	for _, t := range l.all {
		if err := l.setCounter(ctx, t, counters[t.name]); err != nil {
			return err
		}
	}
	mark, err := recordOf(ctx, l)
	if err != nil || mark == nil {
		return errors.Join(err, errors.New("the record of the move is gone"))
	}
	mark.Whole = true
	return putRecord(ctx, l, *mark)
}

// The most that one call of Sum reads.
const (
	sumRows  = 50_000
	sumBytes = 64 << 20
)

// Sum implements Far.
func (r *Receiver) Sum(ctx context.Context, q SumQuery) (page SumPage, err error) {
	err = r.with(ctx, func(l *laneTarget) error {
		t, err := l.find(q.Table)
		if err != nil {
			return err
		}
		var last []any
		if q.After != "" {
			if last, err = t.parseKey(q.After); err != nil {
				return fault.Wrap(err, fault.Invalid, "the key to go on after cannot be read")
			}
		}
		return reading(ctx, l, func() error {
			if err := only(q.ID, q.Attempt)(ctx, l); err != nil {
				return err
			}
			page, err = sumAfter(ctx, l, t, last)
			return err
		})
	})
	return page, err
}

// sumAfter adds up rows after a key.
func sumAfter(ctx context.Context, l lane, t table, last []any) (page SumPage, err error) {
	var of sum
	var bytes int64
	var next []any
	err = l.after(ctx, t, last, sumRows, func(values []any) error {
		of.add(values)
		bytes += sizeOf(values)
		if of.rows == sumRows || bytes >= sumBytes {
			next = t.keyOf(values)
			return errFull
		}
		return ctx.Err()
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	page.RowSum = of.wire()
	if next != nil {
		page.Next = t.formatKey(next)
	}
	return page, err
}

// Claim implements Far.
func (r *Receiver) Claim(ctx context.Context, c Claiming) error {
	var by string
	err := r.with(ctx, func(l *laneTarget) error {
		return l.writing(ctx, func() error { return r.claimIn(ctx, l, c, &by) })
	})
	if err != nil {
		return err
	}
	r.Close() // the lane would keep its connection for nobody
	if now := r.o.Owner.Believed(); now.Epoch != c.Epoch || !r.o.Owner.IsOwner() {
		if err := r.o.Owner.Adopt(ctx); err != nil {
			return err
		}
		r.o.Log.InfoContext(ctx, "the data of a module has come to this process, which owns its writes now", "module", r.o.DB.Module(), "epoch", c.Epoch)
	}
	if r.o.Arrived == nil {
		return nil
	}
	return r.o.Arrived(ctx, Arrival{By: by})
}

// claimIn makes this process the owner, unless it is by this claim already.
func (r *Receiver) claimIn(ctx context.Context, l *laneTarget, c Claiming, by *string) error {
	mark, err := recordOf(ctx, l)
	if err != nil {
		return err
	}
	now, err := claimOf(ctx, l)
	if err != nil {
		return err
	}
	self := r.o.Owner.Self()
	if now.Owner == self.Name && now.Epoch >= c.Epoch { // the answer was lost
		if mark != nil {
			*by = mark.By
		}
		return nil
	}
	if mark == nil || mark.ID != c.ID || mark.Role != coming || !mark.Whole {
		return fault.Newf(fault.Conflict, "the process of %s at %s does not have the data that was moved to it: its database was restored or replaced; restore it there, or restore a backup here", l.at.Module, r.o.Name)
	}
	*by = mark.By
	next := ownership.Claim{Epoch: c.Epoch, Owner: self.Name, URL: self.URL, ChangedMS: r.o.Now().UnixMilli()}
	if err := claimOpen(ctx, l, next); err != nil || r.o.Arrived == nil {
		return err
	}
	return putRecord(ctx, l, record{ID: mark.ID, Role: arrived, Place: mark.Place, Remote: mark.Remote, By: mark.By, StartedMS: mark.StartedMS})
}

// Abandon implements Far.
func (r *Receiver) Abandon(ctx context.Context, a Abandoning) error {
	err := r.with(ctx, func(l *laneTarget) error { return l.abandon(ctx, a.ID, a.Epoch) })
	if err != nil {
		return err
	}
	r.Close()
	return r.o.Owner.Adopt(ctx)
}
