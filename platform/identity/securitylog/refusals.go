package securitylog

import (
	"context"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/identity"
	"banyan/platform/periodic"
)

const (
	refusalWindow = 10 * time.Minute
	refusalKinds  = 1000 // kinds and networks that are told apart in a window
	refusalRows   = 200  // in an hour
	flushEvery    = time.Minute
)

// refusals are what people without rights were refused. Whoever likes can cause
// them, so their number of rows is bounded, whatever is sent from however many
// networks.
type refusals struct {
	mu     sync.Mutex
	since  time.Time          // of the window
	seen   map[refusal]*tally // of this window
	beyond int64              // that have no tally
	hour   time.Time
	rows   int // in this hour
}

type refusal struct {
	what    What
	network string
}

// tally is what came after the first of its kind.
type tally struct {
	row   eventRow // the last one
	times int64
}

// Refused records what a caller was refused. The first of a kind from a network has
// a row at once; those that follow are counted, and the count has a row when ten
// minutes are over.
func (l *Log) Refused(ctx context.Context, e Event) {
	e.Refused = true
	if e.Who == "" {
		e.Who = identity.From(ctx).Name() // somebody outside was refused, also where nobody is known
	}
	row, now := l.row(ctx, e, 1), l.o.Now()
	key := refusal{e.What, l.o.Network(ctx)}
	l.refusals.mu.Lock()
	if l.refusals.seen == nil {
		l.refusals.seen, l.refusals.since = make(map[refusal]*tally), now
	}
	before, known := l.refusals.seen[key]
	fits := !known && len(l.refusals.seen) < refusalKinds && l.refusals.hasRow(now)
	switch {
	case known:
		before.row, before.times = row, before.times+1
	case fits:
		l.refusals.seen[key] = &tally{}
	default:
		l.refusals.beyond++
	}
	l.refusals.mu.Unlock()
	if fits {
		l.Note(ctx, e)
	}
}

// hasRow takes one of this hour's rows, if there is one left.
func (r *refusals) hasRow(now time.Time) bool {
	if now.Sub(r.hour) >= time.Hour || now.Before(r.hour) {
		r.hour, r.rows = now, 0
	}
	if r.rows >= refusalRows {
		return false
	}
	r.rows++
	return true
}

// Run adds the counts of refusals and deletes rows by their age, until the context
// ends; the counts of the last window are added then.
func (l *Log) Run(ctx context.Context) error {
	periodic.Run(ctx, flushEvery, func(ctx context.Context) {
		l.flush(ctx, false)
		if err := l.Prune(ctx); err != nil && ctx.Err() == nil {
			l.o.Log.ErrorContext(ctx, "old rows of the security log could not be deleted", "error", err)
		}
	})
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	l.flush(end, true)
	return nil
}

// flush adds the counts of the window, if it is over or at the end.
func (l *Log) flush(ctx context.Context, atOnce bool) {
	rows := l.refusals.take(l.o.Now(), atOnce)
	if len(rows) == 0 {
		return
	}
	err := l.db.Write(ctx, func(tx *database.Tx) error {
		for _, row := range rows {
			if err := l.add(ctx, tx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.o.Log.ErrorContext(ctx, "the number of refused attempts could not be added to the security log", "kinds", len(rows), "error", err)
	}
}

// take ends the window and returns its counts: those for which the hour has rows,
// and the rest in one.
func (r *refusals) take(now time.Time, atOnce bool) (rows []eventRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || !atOnce && now.Sub(r.since) < refusalWindow {
		return nil
	}
	rest := r.beyond
	for _, t := range r.seen {
		switch {
		case t.times == 0:
		case r.hasRow(now):
			t.row.Times = t.times
			rows = append(rows, t.row)
		default:
			rest += t.times
		}
	}
	r.seen, r.beyond = nil, 0
	if rest > 0 {
		rows = append(rows, eventRow{
			AtMS: now.UnixMilli(), What: string(Others), Refused: 1, Who: system, Origin: "several networks",
			Detail: "refused attempts without a row of their own", Times: rest,
		})
	}
	return rows
}
