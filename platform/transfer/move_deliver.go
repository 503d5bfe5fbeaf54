package transfer

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/periodic"
)

// deliver does what follows the decision that another process has the data: that process
// claims it, the module's calls are led there, and the writes that waited go there. There is
// no other way any longer, so it is tried until it has worked, or the program ends:
// then Resume goes on here.
func (m *Move) deliver(ctx context.Context, s *sides, p *pause) error {
	m.note(func(n *Status) { n.Step = StepHolding })
	_, err := m.claimUntilDone(ctx, s)
	p.lap("claim")
	if err != nil {
		return err
	}
	if err := m.o.reached("claimed"); err != nil {
		return err
	}
	isRouted := m.o.Route != nil && m.o.Route(ctx, m.arrival()) == nil // or Led does it
	p.lap("route")
	if isRouted {
		m.release(ctx, p)
	}
	if err := m.lead(ctx); err != nil {
		return err
	}
	if !isRouted {
		p.lap("lead")
		m.release(ctx, p)
	}
	s.record.Phase, s.record.Tables, s.record.Settled = gone, nil, true // the first two as decide has it
	if err := m.save(ctx, s); err != nil {
		m.o.Log.WarnContext(ctx, "that a move has ended could not be written down; the next start does it", "module", m.o.Source.Module(), "error", err)
	}
	if err := release(ctx, m.o.Source, s.tables, true); err != nil {
		m.o.Log.WarnContext(ctx, "what a move needed could not be removed from the database that the data has left", "module", m.o.Source.Module(), "error", err)
	}
	return m.o.reached("settled")
}

// release lets the writes that were held go where the calls are led. The handle stays with
// the rows that were left: their owner row refuses every write.
func (m *Move) release(ctx context.Context, p *pause) {
	m.o.Owner.Release(m.o.Owner.Believed())
	m.paused(ctx, p)
}

func (m *Move) arrival() Arrival { return Arrival{Remote: m.o.Remote, By: m.o.By} }

// prepare makes what follows the decision short. What it cannot do is done then.
func (m *Move) prepare(ctx context.Context) {
	if m.o.Prepare == nil {
		return
	}
	if err := m.o.Prepare(ctx, m.arrival()); err != nil {
		m.o.Log.WarnContext(ctx, "the calls of a module cannot be prepared to go where its data moves; its writes may wait longer", "module", m.o.Source.Module(), "to", m.o.ToName, "error", err)
	}
}

// lead leads the module's calls to the data.
func (m *Move) lead(ctx context.Context) error {
	for m.o.Led != nil {
		err := m.o.Led(ctx, m.arrival())
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.o.Log.ErrorContext(ctx, "the data of a module was moved, and its calls cannot be led there; it is tried again", "module", m.o.Source.Module(), "to", m.o.ToName, "error", err)
		m.note(func(n *Status) { n.Problem = problemOf(err) })
		if err := periodic.Sleep(ctx, retryAfter); err != nil {
			return err
		}
	}
	return nil
}

// Elsewhere is where a module's data is when a move has led it to another process.
type Elsewhere struct {
	Remote  string // the address of that process; "" = the data is here
	Place   string // for people
	Coming  bool   // it is on its way back
	Arrived bool   // it is here again, and the module's calls may still be led away
	By      string // who asked for the last move
}

// FindElsewhere reads from the database of a module's handle where the data is.
func FindElsewhere(ctx context.Context, db *database.DB) (e Elsewhere, err error) {
	if has, err := hasRecords(ctx, db); err != nil || !has {
		return e, err
	}
	r, err := readRecord(ctx, db.Read())
	if err != nil || r == nil || r.Remote == "" {
		return e, err
	}
	here, err := claimIn(ctx, db.Read())
	if err != nil {
		return e, err
	}
	e = Elsewhere{Place: r.Place, By: r.By, Arrived: r.Role == arrived}
	if here.Elsewhere() {
		e.Remote, e.Coming = r.Remote, r.Role == coming
	}
	return e, nil
}

// Settle forgets that the data has arrived, when the module's calls are led to it.
func Settle(ctx context.Context, db *database.DB) error {
	return db.Unfenced(ctx, func(tx *database.Tx) error {
		r, err := readRecord(ctx, tx)
		if err != nil || r == nil || r.Role != arrived {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM module_move`)
		return err
	})
}
