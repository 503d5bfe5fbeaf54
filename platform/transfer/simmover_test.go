package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"banyan/platform/ownership"
)

// simMutation is something that is wrong with the protocol, to see that it is found.
type simMutation string

const (
	simSound     simMutation = ""
	simNoHold    simMutation = "writes are not held before the last round"
	simBlind     simMutation = "the decision does not look whether the owner is the one it held"
	simEarly     simMutation = "the target is claimed before the decision"
	simNoLog     simMutation = "rows written while others are copied are not copied again"
	simForgets   simMutation = "a decision without an answer counts as none"
	simLateNotes simMutation = "what is written is noted only after the rows are copied"
)

var errSimCanceled, errSimUnequal = errors.New("canceled"), errors.New("the copy is not equal")

// simMove is a move as move*.go makes it, step by step and transaction by transaction.
type simMove struct {
	w        *simWorld
	id       string
	from, to *simStore
	record   record
	canceled bool
}

func (m *simMove) isHome() bool { return m.to == m.w.home }

func (m *simMove) lane(what string) *simLane { return &simLane{w: m.w, store: m.to, what: what} }

// begin is NewMove.
func (m *simMove) begin(ctx context.Context) error {
	var before *record
	if err := m.w.read(m.from, "look for a move", func(s simState) { before = s.remembered() }); err != nil {
		return err
	}
	if before != nil {
		return errors.New("a move is under way")
	}
	m.record = record{ID: m.id, Role: leaving, Phase: copying, Place: m.to.name, URL: m.to.name, File: m.from.name, Tables: map[string]done{}}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	return m.save("begin")
}

func (m *simMove) save(what string) error {
	return m.w.change(m.from, what, func(s *simState) error { s.remember(m.record); return nil })
}

// prepare empties and marks the target.
func (m *simMove) prepare(ctx context.Context) error {
	var now ownership.Claim
	if err := m.w.read(m.from, "read the owner", func(s simState) { now = s.claim }); err != nil {
		return err
	}
	l := m.lane("prepare the target")
	if err := l.beginWrite(ctx); err != nil {
		return err
	}
	err := func() error {
		if c := l.open.claim; !c.Elsewhere() && c.Epoch > 0 {
			return fmt.Errorf("%s has data in use", m.to.name)
		}
		clear(l.open.rows)
		l.open.notes = false
		mark := record{ID: m.id, Role: coming, Place: m.from.name, URL: m.from.name, Before: m.isHome()}
		if err := putRecord(ctx, l, mark); err != nil {
			return err
		}
		return writeOwner(ctx, l, ownership.Claim{Epoch: now.Epoch, Owner: ownership.Arriving, URL: m.from.name})
	}()
	return committing(ctx, l, err)
}

// run is Run: it attempts until the move has ended; only a crash ends it before.
func (m *simMove) run(ctx context.Context) error {
	for {
		err := m.attempt(ctx)
		switch {
		case err == nil || errors.Is(err, errCrash):
			return err
		case errors.Is(err, errSimUnequal): // as Run: it is found out, and the data stays where it was
			m.w.unequal++
			m.w.say("the copy is not equal")
			return m.giveUp(ctx)
		case m.canceled:
			return m.giveUp(ctx)
		}
	}
}

func (m *simMove) attempt(ctx context.Context) error {
	if err := m.recall(ctx); err != nil {
		return err
	}
	if m.record.Position == "" {
		if err := m.capture(); err != nil {
			return err
		}
	}
	if err := m.copyAll(); err != nil {
		return err
	}
	for range 1 + m.w.random.IntN(3) {
		if err := m.cancelable(); err != nil {
			return err
		}
		if err := m.round(nil); err != nil {
			return err
		}
		if err := m.prune(); err != nil {
			return err
		}
	}
	if err := m.round(m.compare); err != nil {
		return err
	}
	if err := m.cancelable(); err != nil {
		return err
	}
	return m.cutOver(ctx)
}

func (m *simMove) cancelable() error {
	if m.canceled = m.canceled || m.w.chance(2); m.canceled {
		m.w.say("canceled")
		return errSimCanceled
	}
	return nil
}

// recall reads what both sides remember, and begins again when one has forgotten.
func (m *simMove) recall(ctx context.Context) error {
	var here *record
	whole := false
	if err := m.w.read(m.from, "recall", func(s simState) { here, whole = s.remembered(), s.notes }); err != nil {
		return err
	}
	if here == nil || here.ID != m.id {
		m.canceled = true
		return errors.New("the source does not know of the move")
	}
	m.record = *here
	if m.record.Tables == nil {
		m.record.Tables = map[string]done{}
	}
	l := m.lane("recall")
	mark, err := recordIn(ctx, l)
	if err != nil {
		return err
	}
	if mark == nil || mark.ID != m.id || mark.Role != coming || (m.record.Position != "" && !whole && m.w.broken != simLateNotes) {
		m.record.Phase, m.record.Position, m.record.Tables = copying, "", map[string]done{}
		return m.prepare(ctx)
	}
	return nil
}

func (m *simMove) capture() error {
	if err := m.w.change(m.from, "note what is written", func(s *simState) error {
		clear(s.log)
		s.notes = m.w.broken != simLateNotes
		return nil
	}); err != nil {
		return err
	}
	if err := m.w.read(m.from, "read the position", func(s simState) { m.record.Position = strconv.Itoa(s.seq) }); err != nil {
		return err
	}
	return m.save("save the position")
}

// copyAll copies rows in the order of their keys, some at a time.
func (m *simMove) copyAll() error {
	for m.record.Phase == copying {
		last := -1
		if d := m.record.Tables["t"]; d.Last != "" {
			last, _ = strconv.Atoi(d.Last) // as it was written below
		}
		var keys []int
		rows := map[int]int{}
		if err := m.w.read(m.from, "read rows", func(s simState) {
			for _, key := range slices.Sorted(maps.Keys(s.rows)) {
				if key > last && len(keys) < 4 {
					keys = append(keys, key)
					rows[key] = s.rows[key]
				}
			}
		}); err != nil {
			return err
		}
		if len(keys) == 0 {
			m.record.Phase = following
			return m.endCopy()
		}
		end := keys[len(keys)-1]
		if err := m.w.change(m.to, "write rows", func(s *simState) error {
			maps.DeleteFunc(s.rows, func(key, _ int) bool { return key > last && key <= end })
			maps.Copy(s.rows, rows)
			return nil
		}); err != nil {
			return err
		}
		m.record.Tables["t"] = done{Last: strconv.Itoa(end)}
		if err := m.save("save the progress"); err != nil {
			return err
		}
	}
	return nil
}

func (m *simMove) endCopy() error {
	if m.w.broken == simLateNotes {
		return m.w.change(m.from, "note what is written", func(s *simState) error { s.notes = true; s.remember(m.record); return nil })
	}
	return m.save("all rows are copied")
}

// round copies the rows that were written since the position, in one snapshot.
func (m *simMove) round(whole func(seen simState) error) error {
	var seen simState
	if err := m.w.read(m.from, "read what was written", func(s simState) { seen = s.clone() }); err != nil {
		return err
	}
	since, err := strconv.Atoi(m.record.Position)
	if err != nil {
		return err
	}
	if err := m.w.change(m.to, "copy what was written", func(s *simState) error {
		for seq, key := range seen.log {
			if seq <= since || m.w.broken == simNoLog {
				continue
			}
			if value, there := seen.rows[key]; there {
				s.rows[key] = value
			} else {
				delete(s.rows, key)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if whole != nil {
		if err := whole(seen); err != nil {
			return err
		}
	}
	m.record.Position = strconv.Itoa(seen.seq)
	return nil
}

// compare is check. It would find the faults of those who lose rows while they copy.
func (m *simMove) compare(seen simState) error {
	var stored map[int]int
	if err := m.w.read(m.to, "compare", func(s simState) { stored = maps.Clone(s.rows) }); err != nil {
		return err
	}
	if m.w.broken != simNoLog && m.w.broken != simLateNotes && !maps.Equal(stored, seen.rows) {
		return errSimUnequal
	}
	return nil
}

func (m *simMove) prune() error {
	since, err := strconv.Atoi(m.record.Position)
	if err != nil {
		return err
	}
	return m.w.change(m.from, "prune the log", func(s *simState) error {
		s.remember(m.record)
		maps.DeleteFunc(s.log, func(seq, _ int) bool { return seq <= since })
		return nil
	})
}

// cutOver is cutOver: hold, last round, decide, claim.
func (m *simMove) cutOver(ctx context.Context) error {
	fenced, err := m.hold()
	if err == nil {
		err = m.round(nil)
	}
	if m.w.broken == simEarly && err == nil {
		err = claim(ctx, m.lane("claim the target early"), ownership.Claim{Epoch: fenced.Epoch + 2, Owner: trunk})
	}
	if err == nil {
		err = m.decide(fenced)
	}
	isMoved, err := m.outcome(err)
	if !isMoved {
		return err
	}
	m.w.moved++
	for {
		var now ownership.Claim
		err := m.w.read(m.from, "read the decision", func(s simState) { now = s.claim })
		if err == nil {
			err = claim(ctx, m.lane("claim the target"), ownership.Claim{Epoch: now.Epoch + 1, Owner: trunk})
		}
		if errors.Is(err, errCrash) {
			return err
		}
		if err == nil {
			break
		}
	}
	m.w.at, m.w.holding = m.to, false
	err = m.w.change(m.from, "tidy", func(s *simState) error { s.notes = false; clear(s.log); return nil })
	if errors.Is(err, errCrash) {
		return err
	}
	return nil // what is left is no obstacle
}

func (m *simMove) hold() (fenced ownership.Claim, err error) {
	if m.w.broken == simNoHold {
		err = m.w.read(m.from, "read the owner", func(s simState) { fenced = s.claim })
		return fenced, err
	}
	var now ownership.Claim
	if err := m.w.read(m.from, "read the owner", func(s simState) { now = s.claim }); err != nil {
		return now, err
	}
	m.w.holding = true
	fenced = ownership.Claim{Epoch: now.Epoch + 1, Owner: ownership.Moving}
	return fenced, m.swap(m.from, "hold the writes", now.Epoch, fenced)
}

// swap is the compare-and-swap of package ownership.
func (m *simMove) swap(s *simStore, what string, expected int64, c ownership.Claim) error {
	return m.w.change(s, what, func(s *simState) error {
		if s.claim.Epoch != expected || s.claim.Elsewhere() {
			return fmt.Errorf("%s: the epoch is %d", what, s.claim.Epoch)
		}
		s.claim = c
		return nil
	})
}

func (m *simMove) decide(fenced ownership.Claim) error {
	decided := m.record
	decided.Phase, decided.Tables = gone, nil
	return m.w.change(m.from, "decide", func(s *simState) error {
		if s.claim != fenced && m.w.broken != simBlind {
			return errors.New("the writes were taken meanwhile")
		}
		s.claim = ownership.Claim{Epoch: fenced.Epoch + 1, Owner: ownership.Moved, URL: m.to.name}
		s.remember(decided)
		return nil
	})
}

// outcome asks the source what has happened.
func (m *simMove) outcome(err error) (isMoved bool, failed error) {
	if err == nil || errors.Is(err, errCrash) {
		return err == nil, err
	}
	if m.w.broken == simForgets {
		m.w.holding = false
		return false, err
	}
	for {
		var now ownership.Claim
		readErr := m.w.read(m.from, "ask for the decision", func(s simState) { now = s.claim })
		if readErr == nil && now.Owner == ownership.Moving {
			next := ownership.Claim{Epoch: now.Epoch + 1, Owner: trunk}
			if readErr = m.swap(m.from, "take the writes back", now.Epoch, next); readErr == nil {
				now = next
			}
		}
		switch {
		case errors.Is(readErr, errCrash):
			return false, readErr
		case readErr == nil && now.Owner == ownership.Moved:
			return true, nil
		case readErr == nil && now.Owner == trunk:
			m.w.holding = false
			return false, err
		}
	}
}

// giveUp leaves the data where it was.
func (m *simMove) giveUp(ctx context.Context) error {
	l := m.lane("abandon the target")
	mark, err := recordIn(ctx, l)
	if err == nil && mark != nil && mark.ID == m.id {
		if err = l.beginWrite(ctx); err == nil {
			err = committing(ctx, l, m.abandon(ctx, l, *mark))
		}
	}
	if errors.Is(err, errCrash) {
		return err
	}
	err = m.w.change(m.from, "forget the move", func(s *simState) error {
		s.notes, s.record = false, ""
		clear(s.log)
		return nil
	})
	if errors.Is(err, errCrash) {
		return err
	}
	return nil
}

func (m *simMove) abandon(ctx context.Context, l *simLane, mark record) error {
	clear(l.open.rows)
	if !mark.Before {
		l.open.claim, l.open.record = ownership.Claim{}, ""
		return nil
	}
	mark.Role, mark.Phase = leaving, gone
	if err := putRecord(ctx, l, mark); err != nil {
		return err
	}
	return writeOwner(ctx, l, ownership.Claim{Epoch: m.from.claim.Epoch, Owner: ownership.Moved, URL: m.from.name})
}
