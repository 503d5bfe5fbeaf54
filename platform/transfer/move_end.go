package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/periodic"
)

// lastWait bounds the time that writes are held before the decision.
const lastWait = 10 * time.Second

// cutOver holds writes, copies and compares the last rows, and moves the data. When it
// fails before the decision, writes go on where they were.
func (m *Move) cutOver(ctx context.Context, s *sides) error {
	next, err := m.openTarget(ctx)
	if err != nil {
		return err
	}
	m.note(func(n *Status) { n.Step = StepHolding })
	if errors.Is(context.Cause(ctx), errCanceled) { // until here it was possible
		return errors.Join(ctx.Err(), closeTarget(next))
	}
	p := newPause()
	holding, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	fenced, err := m.o.Owner.Fence(holding)
	p.lap("fence")
	if err == nil {
		err = m.last(holding, s)
		p.lap("rows")
	}
	if err == nil {
		err = m.decide(holding, s, fenced)
		p.lap("decision")
	}
	isMoved, err := m.outcome(ctx, err)
	if !isMoved {
		m.note(func(n *Status) { n.Step = StepFollowing; n.PauseMS += p.ms() })
		return errors.Join(err, closeTarget(next))
	}
	if err := m.o.reached("moved"); err != nil {
		return errors.Join(err, closeTarget(next))
	}
	if m.o.Remote != "" {
		return m.deliver(ctx, s, p)
	}
	claimed, err := m.claimUntilDone(ctx, s)
	p.lap("claim")
	if err != nil {
		return errors.Join(err, closeTarget(next))
	}
	left := m.o.Source.Options()
	if err := m.o.Source.Relocate(next); err != nil {
		m.o.Log.WarnContext(ctx, "a database that was left before could not be closed", "module", m.o.Source.Module(), "error", err)
	}
	m.o.Owner.Release(claimed)
	m.paused(ctx, p)
	if err := m.o.reached("claimed"); err != nil {
		return err
	}
	m.tidy(ctx, s, left)
	return nil
}

// pause is how long writes wait, and for what.
type pause struct {
	begun, last time.Time
	laps        []any // name, duration, …
}

func newPause() *pause {
	now := time.Now()
	return &pause{begun: now, last: now}
}

// lap notes what the time since the last lap went into.
func (p *pause) lap(name string) {
	now := time.Now()
	p.laps, p.last = append(p.laps, name, now.Sub(p.last).Round(10*time.Microsecond)), now
}

func (p *pause) ms() int64 { return time.Since(p.begun).Milliseconds() }

// paused says how long writes have waited.
func (m *Move) paused(ctx context.Context, p *pause) {
	m.letWrite()
	m.note(func(n *Status) { n.PauseMS += p.ms() })
	m.o.Log.InfoContext(ctx, "writes go on where the data of a module is now", append([]any{"module", m.o.Source.Module(), "to", m.o.ToName, "waited", time.Since(p.begun).Round(10 * time.Microsecond)}, p.laps...)...)
}

// openTarget opens the target as the module will use it, with connections; nil for the
// database of the handle itself, and another process's.
func (m *Move) openTarget(ctx context.Context) (*database.DB, error) {
	if m.home || m.o.Remote != "" {
		return nil, nil //nolint:nilnil // as Relocate takes it
	}
	next, err := database.Open(ctx, m.o.To)
	if err == nil {
		next.Warm(ctx)
	}
	return next, err
}

func closeTarget(next *database.DB) error {
	if next == nil {
		return nil
	}
	return next.Close()
}

// last is what writes wait for.
func (m *Move) last(ctx context.Context, s *sides) error {
	if err := m.o.reached("held"); err != nil {
		return err
	}
	if err := m.lastRound(ctx, s); err != nil {
		return err
	}
	return m.o.reached("compared")
}

// outcome reports whether the data was moved, after writes were held: the answer to the
// decision may have been lost, and the source says. If it was not, the owner has its
// writes back. It asks until there is an answer.
func (m *Move) outcome(ctx context.Context, err error) (isMoved bool, failed error) {
	if err == nil {
		return true, nil
	}
	if errors.Is(err, errStopped) {
		return false, err
	}
	program := ctx
	ctx = context.WithoutCancel(ctx)
	for {
		now, readErr := m.o.Owner.Current(ctx)
		if readErr == nil && now.Owner == ownership.Moving {
			now, readErr = m.o.Owner.Take(ctx, now.Epoch)
		}
		switch {
		case now.Owner == ownership.Moved && (readErr == nil || fault.Is(readErr, fault.Conflict)):
			return true, nil
		case readErr == nil:
			m.o.Owner.Release(now)
			return false, err
		}
		if program.Err() != nil { // the next start finds out; until then the writes wait
			return false, err
		}
		m.o.Log.ErrorContext(ctx, "whether the data of a module was moved cannot be read; its writes wait", "module", m.o.Source.Module(), "error", readErr)
		_ = periodic.Sleep(ctx, retryAfter) // which no context ends
	}
}

// claimUntilDone claims the target: there is no other way any longer.
func (m *Move) claimUntilDone(ctx context.Context, s *sides) (ownership.Claim, error) {
	now, err := m.o.Owner.Current(ctx)
	self := m.o.Owner.Self()
	for {
		if err == nil {
			next := ownership.Claim{Epoch: now.Epoch + 1, Owner: self.Name, URL: self.URL, ChangedMS: m.o.Now().UnixMilli()}
			if m.o.Remote != "" { // the epoch of the decision is the target's
				next.Epoch = now.Epoch
			}
			if err = s.to.claim(ctx, next); err == nil {
				return next, nil
			}
		}
		if ctx.Err() != nil {
			return now, ctx.Err()
		}
		m.o.Log.ErrorContext(ctx, "the data of a module was moved, and its new database does not answer; its writes wait", "module", m.o.Source.Module(), "to", m.o.ToName, "error", err)
		m.note(func(n *Status) { n.Problem = problemOf(err) })
		if err := periodic.Sleep(ctx, retryAfter); err != nil {
			return now, err
		}
		if again, _, openErr := m.openTo(ctx, s.from); openErr == nil {
			_ = s.to.close() // it has failed
			s.to = again
		}
		now, err = m.o.Owner.Current(ctx)
	}
}

// tidy checks foreign keys that were made without, and removes the triggers from what
// the data has left. Neither can take the move back.
func (m *Move) tidy(ctx context.Context, s *sides, left database.Options) {
	if err := s.to.tidy(ctx); err != nil {
		m.o.Log.WarnContext(ctx, "the foreign keys of a module that was moved were not checked", "module", m.o.Source.Module(), "error", err)
	}
	if err := removeTriggers(ctx, left, s.tables); err != nil {
		m.o.Log.WarnContext(ctx, "what a move needed could not be removed from the database that the data has left", "module", m.o.Source.Module(), "error", err)
	}
}

func removeTriggers(ctx context.Context, o database.Options, tables []table) (err error) {
	db, err := database.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return release(ctx, db, tables, true)
}

// Follow has the handle of a module lead to where its data is: in the database that the
// handle was opened with, or in the one to which that has moved its data. It finishes a
// move that was decided when the program ended. open opens a migrated database by its
// URL.
//
//	home says      the other says     the data is
//	an owner       –                  at home
//	moved          an owner           there
//	moved          arriving           there: the claim was missing
//	arriving       an owner, moving   there: a move back is under way
//	arriving       moved              at home: the claim was missing
func Follow(ctx context.Context, home *database.DB, open func(ctx context.Context, url string) (*database.DB, error)) error {
	if has, err := hasRecords(ctx, home); err != nil || !has {
		return err
	}
	r, err := readRecord(ctx, home.Read())
	if err != nil {
		return err
	}
	here, err := claimIn(ctx, home.Read())
	if err != nil || !here.Elsewhere() || r == nil || r.URL == "" {
		return err // what `banyan database copy` has moved is refused by ownership.Open
	}
	away, err := open(ctx, r.URL)
	if err != nil {
		return fmt.Errorf("the data of %s was moved to %s: %w", home.Module(), r.Place, err)
	}
	isHome, err := settleMove(ctx, home, away, *r, here)
	if err == nil && !isHome {
		return home.Relocate(away)
	}
	return errors.Join(err, away.Close())
}

// LeftFor returns the place of a module's data, for people, when a move has led it away
// from the database that it has by the settings; "" while it is there.
func LeftFor(ctx context.Context, home *database.DB) (place string, err error) {
	if has, err := hasRecords(ctx, home); err != nil || !has {
		return "", err
	}
	here, err := claimIn(ctx, home.Read())
	if err != nil || !here.Elsewhere() {
		return "", err
	}
	r, err := readRecord(ctx, home.Read())
	if err != nil || r == nil {
		return "", err
	}
	return r.Place, nil
}

// settleMove claims what was decided and not claimed, and reports whether the data is
// at home.
func settleMove(ctx context.Context, home, away *database.DB, r record, here ownership.Claim) (isHome bool, err error) {
	there, err := claimIn(ctx, away.Read())
	if err != nil {
		return false, err
	}
	other, err := readRecord(ctx, away.Read())
	if err != nil {
		return false, err
	}
	same := other != nil && other.ID == r.ID
	epoch := max(here.Epoch, there.Epoch) + 1
	switch {
	case here.Owner == ownership.Moved && there.Owner == ownership.Arriving && same:
		return false, claimAfterwards(ctx, home, away.Options(), epoch)
	case here.Owner == ownership.Arriving && there.Owner == ownership.Moved && same:
		return true, claimAfterwards(ctx, away, home.Options(), epoch)
	case !there.Elsewhere() && there.Epoch > 0:
		return false, nil
	}
	return false, fault.Newf(fault.Conflict, "the data of %s was moved to %s, and what is there is not that data (%q): restore it there, or restore a backup here", home.Module(), r.Place, there.Owner)
}

// claimAfterwards gives the data to the owner that it had.
func claimAfterwards(ctx context.Context, from *database.DB, to database.Options, epoch int64) error {
	owner, url, err := ownerBefore(ctx, from.Read())
	if err != nil {
		return err
	}
	s, err := openLane(ctx, to)
	if err != nil {
		return err
	}
	return closing(s, claim(ctx, s, ownership.Claim{Epoch: epoch, Owner: owner, URL: url, ChangedMS: time.Now().UnixMilli()}))
}
