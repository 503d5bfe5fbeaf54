package transfer

import (
	"context"
	"errors"
	"slices"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// committing commits, or rolls back with an error.
func committing(ctx context.Context, s lane, err error) error {
	if err == nil {
		err = s.commit(ctx)
	}
	if err != nil {
		err = errors.Join(err, s.rollback())
	}
	return err
}

// reading runs fn in a snapshot.
func reading(ctx context.Context, s lane, fn func() error) error {
	if err := s.beginRead(ctx); err != nil {
		return err
	}
	return errors.Join(fn(), s.rollback())
}

// closing closes with an error.
func closing(s lane, err error) error { return errors.Join(err, s.close()) }

// begin makes both sides ready: the target first, because it may refuse.
func (m *Move) begin(ctx context.Context) error {
	src := m.o.Source
	if now, err := m.o.Owner.Current(ctx); err != nil {
		return err
	} else if now.Owner != m.o.Owner.Self().Name {
		return fault.Newf(fault.Conflict, "this process does not own the writes of %s: lead the module's calls here first (banyan module set %s local)", src.Module(), src.Module())
	}
	switch r, err := readRecord(ctx, src.Read()); {
	case err != nil:
		return err
	case r != nil:
		return fault.Newf(fault.Conflict, "a move of %s to %s is under way: wait for it, or cancel it", src.Module(), r.Place)
	}
	if err := migrate(ctx, []database.Options{m.o.To}); err != nil {
		return err
	}
	s, err := m.open(ctx)
	if err != nil {
		return err
	}
	s.record = record{
		ID: m.id, Role: leaving, Phase: copying, Place: m.o.ToName, File: src.Path(), Tables: map[string]done{}, StartedMS: m.status.StartedMS,
	}
	if !m.home {
		s.record.URL = m.o.To.URL
	}
	err = m.prepare(ctx, s)
	if err == nil {
		err = m.save(ctx, s)
	}
	return errors.Join(err, s.close())
}

// open connects to both sides, which have the same tables.
func (m *Move) open(ctx context.Context) (*sides, error) {
	from, err := openLane(ctx, m.o.Source.Options())
	if err != nil {
		return nil, err
	}
	to, err := openLane(ctx, m.o.To)
	if err != nil {
		return nil, closing(from, err)
	}
	s := &sides{from: from, to: to}
	if s.tables, err = movable(ctx, m.o.Source.Module(), from, to); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// movable are the tables that are copied, in the target's order.
func movable(ctx context.Context, name string, from, to session) ([]table, error) {
	there, err := from.tables(ctx)
	if err != nil {
		return nil, err
	}
	into, err := to.tables(ctx)
	if err != nil {
		return nil, err
	}
	if err := sameTables(name, there, into); err != nil {
		return nil, err
	}
	into = slices.DeleteFunc(into, func(t table) bool { return slices.Contains(aboutMoves, t.name) })
	for _, t := range into {
		if err := t.requireMovable(); err != nil {
			return nil, err
		}
	}
	return into, nil
}

// prepare empties the target, which must have no data of its own, and marks it.
func (m *Move) prepare(ctx context.Context, s *sides) error {
	var before *record
	err := reading(ctx, s.to, func() (err error) {
		if err = m.requireEmpty(ctx, s.to); err == nil {
			before, err = recordOf(ctx, s.to)
		}
		return err
	})
	if err != nil {
		return err
	}
	return m.empty(ctx, s, before)
}

// requireEmpty fails unless the database is empty, or has what is left of these data.
func (m *Move) requireEmpty(ctx context.Context, to session) error {
	there, err := look(ctx, to)
	if err != nil {
		return err
	}
	own := m.o.Owner.DataID()
	switch {
	case there.claim.Elsewhere() && there.dataID == own: // what is left of these data
	case there.claim.Elsewhere():
		return fault.Newf(fault.Conflict, "%s has a copy of other data of %s: choose an empty database; nothing was changed", m.o.ToName, m.o.Source.Module())
	case there.claim.Epoch > 0:
		return fault.Newf(fault.Conflict, "%s has data of %s that is in use: choose an empty database; nothing was changed", m.o.ToName, m.o.Source.Module())
	default:
		made, err := rowsOfMigrations(ctx, []database.Options{m.o.To})
		if err != nil {
			return err
		}
		if rows, err := rowsBeyond(ctx, m.o.Source.Module(), to, made); err != nil || rows > 0 {
			return errors.Join(err, fault.Newf(fault.Conflict, "%s has rows of %s already: choose an empty database; nothing was changed", m.o.ToName, m.o.Source.Module()))
		}
	}
	return nil
}

// empty marks the target, and empties it in the same transaction.
func (m *Move) empty(ctx context.Context, s *sides, before *record) error {
	mark := record{ID: m.id, Role: coming, Place: m.o.FromName, Before: m.home, StartedMS: m.status.StartedMS}
	if m.home {
		mark.URL = m.o.Source.Options().URL
	}
	if before != nil { // what an earlier move has loosened
		mark.Indexes, mark.Foreign = before.Indexes, before.Foreign
	}
	now := m.o.Owner.Believed()
	if err := s.to.beginWrite(ctx); err != nil {
		return err
	}
	err := func() error {
		for _, t := range s.tables { // the triggers of a move from there
			statements := releasePostgres(t)
			if m.home {
				statements = releaseSQLite(t)
			}
			for _, statement := range statements {
				if err := s.to.exec(ctx, statement); err != nil {
					return err
				}
			}
		}
		if err := loosen(ctx, s, &mark, true); err != nil {
			return err
		}
		if err := s.to.clear(ctx, s.tables); err != nil {
			return err
		}
		// The id says whose rows these are to be, before the first is here.
		if err := s.to.exec(ctx, `INSERT INTO data_identity (id, data_id) VALUES (1, ?)`, m.o.Owner.DataID()); err != nil {
			return err
		}
		if err := putRecord(ctx, s.to, mark); err != nil {
			return err
		}
		return writeOwner(ctx, s.to, ownership.Claim{Epoch: now.Epoch, Owner: ownership.Arriving, URL: m.o.FromName, ChangedMS: m.o.Now().UnixMilli()})
	}()
	return committing(ctx, s.to, err)
}

// loosen removes what wants rows in an order, and remembers it.
func loosen(ctx context.Context, s *sides, mark *record, indexes bool) error {
	foreign, err := s.to.loosenForeign(ctx, s.tables)
	if err != nil {
		return err
	}
	mark.Foreign = append(mark.Foreign, foreign...)
	if !indexes {
		return nil
	}
	again, err := s.to.loosenIndexes(ctx, s.tables)
	mark.Indexes = append(mark.Indexes, again...)
	return err
}

// connect opens both sides of a move that has begun. It begins again from the first row
// when a side does not know of it any longer.
func (m *Move) connect(ctx context.Context) (*sides, error) {
	s, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.recall(ctx, s); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (m *Move) recall(ctx context.Context, s *sides) error {
	r, err := readRecord(ctx, m.o.Source.Read())
	if err != nil {
		return err
	}
	if r == nil || r.ID != m.id {
		return fault.Newf(fault.Internal, "the database of %s does not know of this move any longer: it was restored, or another move was begun", m.o.Source.Module())
	}
	s.record = *r
	if s.record.Tables == nil {
		s.record.Tables = map[string]done{}
	}
	mark, err := recordIn(ctx, s.to)
	if err != nil {
		return err
	}
	whole, err := hasTriggers(ctx, m.o.Source, len(s.tables))
	if err != nil {
		return err
	}
	if mark == nil || mark.ID != m.id || (s.record.Position != "" && !whole) {
		s.record.Phase, s.record.Position, s.record.Tables = copying, "", map[string]done{}
		return m.prepare(ctx, s)
	}
	if err := s.to.beginWrite(ctx); err != nil {
		return err
	}
	if err = loosen(ctx, s, mark, false); err == nil {
		err = putRecord(ctx, s.to, *mark)
	}
	return committing(ctx, s.to, err)
}

// index makes what loosenIndexes has removed.
func (m *Move) index(ctx context.Context, s *sides) error {
	mark, err := recordIn(ctx, s.to)
	if err != nil || mark == nil {
		return errors.Join(err, errors.New("the target has lost the record of the move"))
	}
	if err := s.to.beginWrite(ctx); err != nil {
		return err
	}
	statements := mark.Indexes
	if !m.home {
		for _, t := range s.tables {
			statements = append(statements, `ANALYZE `+quoted([]string{t.name}))
		}
	}
	for _, statement := range statements {
		if err = s.to.exec(ctx, statement); err != nil {
			return errors.Join(err, s.to.rollback())
		}
	}
	mark.Indexes = nil
	return committing(ctx, s.to, putRecord(ctx, s.to, *mark))
}

// undoWait bounds what is done after a move that is given up.
const undoWait = 30 * time.Second

// giveUp leaves the data where it was. What cannot be undone in the target, which may
// not answer, is overwritten by the next move.
func (m *Move) giveUp(ctx context.Context, step Step, problem error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWait)
	defer cancel()
	s, err := m.open(ctx)
	if err == nil {
		err = m.abandon(ctx, s)
		err = errors.Join(release(ctx, m.o.Source, s.tables, false), err, s.close())
	} else {
		err = forget(ctx, m.o.Source)
	}
	if err != nil {
		m.o.Log.WarnContext(ctx, "what a move has left behind could not be removed; the next move removes it", "module", m.o.Source.Module(), "error", err)
	}
	m.end(ctx, step, problem)
}

// abandon brings the target to what it was before, but its rows: empty and nobody's, or
// data that has left.
func (m *Move) abandon(ctx context.Context, s *sides) error {
	mark, err := recordIn(ctx, s.to)
	if err != nil || mark == nil || mark.ID != m.id {
		return err
	}
	if err := s.to.beginWrite(ctx); err != nil {
		return err
	}
	err = func() error {
		if mark.Before {
			now := m.o.Owner.Believed()
			mark.Role, mark.Phase = leaving, gone
			if err := putRecord(ctx, s.to, *mark); err != nil {
				return err
			}
			return writeOwner(ctx, s.to, ownership.Claim{Epoch: now.Epoch, Owner: ownership.Moved, URL: m.o.FromName, ChangedMS: m.o.Now().UnixMilli()})
		}
		if err := s.to.clear(ctx, s.tables); err != nil {
			return err
		}
		for _, statement := range append(mark.Indexes, mark.Foreign...) {
			if err := s.to.exec(ctx, statement); err != nil {
				return err
			}
		}
		for _, statement := range []string{`DELETE FROM ownership`, `DELETE FROM module_move`} {
			if err := s.to.exec(ctx, statement); err != nil {
				return err
			}
		}
		return s.to.exec(ctx, `INSERT INTO data_identity (id, data_id) VALUES (1, ?)`, m.id)
	}()
	return committing(ctx, s.to, err)
}
