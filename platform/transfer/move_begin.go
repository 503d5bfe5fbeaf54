package transfer

import (
	"context"
	"errors"
	"slices"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/periodic"
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
	if err := m.requireNone(ctx); err != nil {
		return err
	}
	if m.o.Remote == "" {
		if err := migrate(ctx, []database.Options{m.o.To}); err != nil {
			return err
		}
	}
	s, err := m.open(ctx)
	if err != nil {
		return err
	}
	s.record = record{
		ID: m.id, Role: leaving, Phase: copying, Place: m.o.ToName, File: src.Path(), Tables: map[string]done{}, StartedMS: m.status.StartedMS,
		Remote: m.o.Remote, By: m.o.By, Owner: m.o.Owner.Self().Name,
	}
	if !m.home {
		s.record.URL = m.o.To.URL
	}
	err = s.to.prepare(ctx, m.opening())
	if err == nil {
		err = m.save(ctx, s)
	}
	return errors.Join(err, s.close())
}

// requireNone removes what this process remembers of a move that it does not make: nobody got
// the answer that it had begun, or it was given up and could not be forgotten. It fails
// with fault.Conflict for one of another process, or data whose arrival is being settled.
func (m *Move) requireNone(ctx context.Context) error {
	src := m.o.Source
	r, err := readRecord(ctx, src.Read())
	if err != nil || r == nil {
		return err
	}
	if r.Role != leaving || r.Phase == gone || r.Owner != "" && r.Owner != m.o.Owner.Self().Name {
		return fault.Newf(fault.Conflict, "a move of %s (%s) is under way: wait for it, or cancel it", src.Module(), r.Place)
	}
	m.o.Log.WarnContext(ctx, "a move of a module's data that nobody makes any longer is forgotten", "module", src.Module(), "to", r.Place)
	return forget(ctx, src)
}

// opening is what the target is told of the move.
func (m *Move) opening() Opening {
	o := Opening{
		ID: m.id, DataID: m.o.Owner.DataID(), Epoch: m.o.Owner.Believed().Epoch, From: m.o.FromName, Before: m.home, By: m.o.By,
		StartedMS: m.status.StartedMS, NowMS: m.o.Now().UnixMilli(),
	}
	if m.home {
		o.URL = m.o.Source.Options().URL
	}
	return o
}

// open connects to both sides, which have the same tables.
func (m *Move) open(ctx context.Context) (*sides, error) {
	from, err := openLane(ctx, m.o.Source.Options())
	if err != nil {
		return nil, err
	}
	s := &sides{from: from}
	if s.to, s.tables, err = m.openTo(ctx, from); err != nil {
		return nil, closing(from, err)
	}
	return s, nil
}

func (m *Move) openTo(ctx context.Context, from lane) (target, []table, error) {
	if m.o.Remote != "" {
		return m.openRemote(ctx, from)
	}
	to, err := openLane(ctx, m.o.To)
	if err != nil {
		return nil, nil, err
	}
	tables, err := movable(ctx, m.o.Source.Module(), from, to)
	if err != nil {
		return nil, nil, closing(to, err)
	}
	return &laneTarget{lane: to, at: m.o.To, name: m.o.ToName, all: tables, now: m.o.Now}, tables, nil
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
	return withoutMoves(into)
}

// withoutMoves leaves out what belongs to a database, and not to the data in it.
func withoutMoves(all []table) ([]table, error) {
	all = slices.DeleteFunc(all, func(t table) bool { return slices.Contains(aboutMoves, t.name) })
	for _, t := range all {
		if err := t.requireMovable(); err != nil {
			return nil, err
		}
	}
	return all, nil
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
	if s.record.Phase == gone {
		return nil
	}
	isKnown, err := s.to.recall(ctx, m.id)
	if err != nil {
		return err
	}
	whole, err := hasTriggers(ctx, m.o.Source, len(s.tables))
	if err != nil {
		return err
	}
	if !isKnown || (s.record.Position != "" && !whole) {
		s.record.Phase, s.record.Position, s.record.Tables = copying, "", map[string]done{}
		if err := s.to.prepare(ctx, m.opening()); err != nil {
			return err
		}
		_, err = s.to.recall(ctx, m.id)
	}
	return err
}

// undoWait bounds what is done after a move that is given up.
const undoWait = 30 * time.Second

// giveUp leaves the data where it was. What cannot be undone in the target, which may
// not answer, is overwritten by the next move. What cannot be forgotten here is tried again,
// because a start would go on with it; the next command removes it as well.
func (m *Move) giveUp(program context.Context, step Step, problem error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(program), undoWait)
	defer cancel()
	if s, err := m.open(ctx); err == nil {
		err = errors.Join(s.to.abandon(ctx, m.id, m.o.Owner.Believed().Epoch), s.close())
		m.noteLeft(ctx, m.o.ToName, err)
	}
	for {
		err := forget(ctx, m.o.Source)
		if err == nil {
			break
		}
		m.noteLeft(ctx, m.o.FromName, err)
		if program.Err() != nil || periodic.Sleep(ctx, retryAfter) != nil {
			break
		}
	}
	m.end(program, step, problem)
}

// noteLeft says what a move has left behind, and where.
func (m *Move) noteLeft(ctx context.Context, where string, err error) {
	if err != nil {
		m.o.Log.WarnContext(ctx, "what a move has left behind could not be removed; the next move removes it", "module", m.o.Source.Module(), "from", where, "error", err)
	}
}
