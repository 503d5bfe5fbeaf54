package transfer

import (
	"context"
	"errors"

	"banyan/platform/ownership"
)

func (l *laneTarget) write(ctx context.Context, t table, rows [][]any, again bool) error {
	if len(rows) == 0 {
		return nil
	}
	return l.writing(ctx, func() error {
		if again {
			keys := make([][]any, len(rows))
			for i, values := range rows {
				keys[i] = t.keyOf(values)
			}
			if err := l.remove(ctx, t, keys); err != nil {
				return err
			}
		}
		return l.put(ctx, t, rows)
	})
}

// replay copies the rows that were written since the position. Without unique indexes
// each few of them are a transaction; with them all are one, in which a value that went
// from one row to another is first free.
func (l *laneTarget) replay(ctx context.Context, loose bool, from changes, counters []int64) (keys int64, err error) {
	removeKeys := func(t table, keys [][]any) error { return l.remove(ctx, t, keys) }
	copyKeys := func(t table, keys [][]any) error {
		rows, sent, err := from.rows(ctx, t, keys)
		if err != nil {
			return err
		}
		stored, err := l.store(ctx, t, keys, rows)
		if err == nil && stored != sent {
			err = notEqual(t, sent, stored)
		}
		return err
	}
	if loose {
		return from.each(ctx, func(t table, keys [][]any) error {
			return l.writing(ctx, func() error {
				if err := removeKeys(t, keys); err != nil {
					return err
				}
				return copyKeys(t, keys)
			})
		})
	}
	err = l.writing(ctx, func() (err error) {
		if _, err = from.each(ctx, removeKeys); err == nil {
			keys, err = from.each(ctx, copyKeys)
		}
		return err
	})
	if err == nil && counters != nil {
		err = l.last(ctx, counters)
	}
	return keys, err
}

// store inserts the rows that there are of these keys, and reads them again.
func (l *laneTarget) store(ctx context.Context, t table, keys, rows [][]any) (stored sum, err error) {
	if len(rows) > 0 {
		err = l.put(ctx, t, rows)
	}
	if err == nil {
		err = l.present(ctx, t, keys, func(values []any) error { stored.add(values); return nil })
	}
	return stored, err
}

// index makes what loosenIndexes has removed.
func (l *laneTarget) index(ctx context.Context) error {
	mark, err := l.marked(ctx)
	if err != nil {
		return err
	}
	statements := mark.Indexes
	if l.isServer() {
		for _, t := range l.all {
			statements = append(statements, `ANALYZE `+quoted([]string{t.name}))
		}
	}
	mark.Indexes = nil
	return l.writing(ctx, func() error {
		for _, statement := range statements {
			if err := l.exec(ctx, statement); err != nil {
				return err
			}
		}
		return putRecord(ctx, l.lane, *mark)
	})
}

// marked is the record of the move, which must be there.
func (l *laneTarget) marked(ctx context.Context) (*record, error) {
	mark, err := recordIn(ctx, l.lane)
	if err == nil && mark == nil {
		err = errors.New("the target has lost the record of the move")
	}
	return mark, err
}

func (l *laneTarget) sums(ctx context.Context, note func(table string)) (map[string]sum, error) {
	all := make(map[string]sum, len(l.all))
	err := reading(ctx, l.lane, func() error {
		for _, t := range l.all {
			note(t.name)
			var of sum
			if err := l.read(ctx, t, func(values []any) error { of.add(values); return ctx.Err() }); err != nil {
				return err
			}
			all[t.name] = of
		}
		return l.validate(ctx)
	})
	return all, err
}

// last sets what the tables count from, and makes the foreign keys, which are checked later.
func (l *laneTarget) last(ctx context.Context, counters []int64) error {
	mark, err := l.marked(ctx)
	if err != nil {
		return err
	}
	return l.writing(ctx, func() error {
		for i, t := range l.all {
			if err := l.setCounter(ctx, t, counters[i]); err != nil {
				return err
			}
		}
		for _, statement := range mark.Foreign {
			if err := l.exec(ctx, statement); err != nil {
				return err
			}
		}
		mark.Foreign = nil
		return putRecord(ctx, l.lane, *mark)
	})
}

func (l *laneTarget) claim(ctx context.Context, c ownership.Claim) error {
	return claim(ctx, l.lane, c)
}

func (l *laneTarget) tidy(ctx context.Context) error {
	return l.writing(ctx, func() error { return l.validate(ctx) })
}

func (l *laneTarget) abandon(ctx context.Context, id string, epoch int64) error {
	mark, err := recordIn(ctx, l.lane)
	if err != nil || mark == nil || mark.ID != id || mark.Role != coming {
		return err
	}
	return l.writing(ctx, func() error {
		if mark.Before {
			mark.Role, mark.Phase = leaving, gone
			if err := putRecord(ctx, l.lane, *mark); err != nil {
				return err
			}
			return writeOwner(ctx, l.lane, ownership.Claim{Epoch: epoch, Owner: ownership.Moved, URL: mark.Place, ChangedMS: l.now().UnixMilli()})
		}
		if err := l.clear(ctx, l.all); err != nil {
			return err
		}
		for _, statement := range append(mark.Indexes, mark.Foreign...) {
			if err := l.exec(ctx, statement); err != nil {
				return err
			}
		}
		for _, statement := range []string{`DELETE FROM ownership`, `DELETE FROM module_move`} {
			if err := l.exec(ctx, statement); err != nil {
				return err
			}
		}
		return l.exec(ctx, `INSERT INTO data_identity (id, data_id) VALUES (1, ?)`, id)
	})
}
