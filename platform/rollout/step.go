package rollout

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// step is what a change is beside its place.
type step struct {
	by        string
	why       string
	automatic bool
	ifVersion *int64
	anyway    bool // asked for; once it is judged: needed
}

// Set changes where the calls of a module go: it is applied first and written
// down with its audit entry when that has worked. Asking for what is there
// already changes nothing. Fails with fault.Invalid, Forbidden (the caller is
// no operator), NotFound, Conflict (the plan is not of IfVersion, another replica
// was faster, or the step is not shown to be safe and Anyway is not said), or
// with what Apply says, and then nothing has changed.
func (c *Controller) Set(ctx context.Context, by identity.Caller, name string, change Change) (Plan, error) {
	if err := change.Validate(); err != nil {
		return Plan{}, err
	}
	step := step{by: by.Name(), why: change.Why, ifVersion: change.IfVersion, anyway: change.Anyway}
	return c.changeBy(ctx, by, name, step, func(m *module, present Plan) (next Plan, err error) {
		next.Place, err = change.place(present, m.Configured)
		return next, err
	})
}

// Reset lets the settings decide again, also when it is changed later. Fails as
// Set does.
func (c *Controller) Reset(ctx context.Context, by identity.Caller, q ResetRequest) (Plan, error) {
	if message := checkWhy(q.Why); message != "" {
		return Plan{}, fault.New(fault.Invalid, "the reason cannot be kept").With(fault.Field{Name: "why", Message: message})
	}
	s := step{by: by.Name(), why: q.Why, ifVersion: q.IfVersion, anyway: q.Anyway}
	return c.changeBy(ctx, by, q.Name, s, func(m *module, _ Plan) (Plan, error) {
		return Plan{Place: m.Configured, Configured: true}, nil
	})
}

// Rollback is the guard's: it moves a module back, and does nothing when the
// module is there or nearer to this process already (another replica's guard was faster,
// or an operator). A rollback holds in this process even when it cannot be
// written down: Run does that when the database is there again, unless somebody
// has decided otherwise by then.
func (c *Controller) Rollback(ctx context.Context, name string, to seam.Mode, percent float64, why string) (Plan, error) {
	if err := (Change{Mode: to, Percent: percent}).Validate(); err != nil {
		return Plan{}, err
	}
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	s := step{by: Guard, automatic: true, why: printable(why)}
	var there Plan
	plan, err := c.change(ctx, m, s, func(_ *module, present Plan) (Plan, error) {
		there = present
		if !nearer(to, percent, present.Place) {
			return Plan{}, errInForce
		}
		return Plan{Place: Place{Mode: to, Percent: percent, URLs: present.URLs}}, nil
	})
	if errors.Is(err, errInForce) {
		return there, nil
	}
	return plan, err
}

// NoteRollback writes down what the guard of a module's route has done, for
// seam.Route.OnStepBack.
func (c *Controller) NoteRollback(ctx context.Context, done analysis.Rollback) {
	_, err := c.Rollback(ctx, done.Module, done.To.Mode, done.To.Percent, strings.Join(done.Why, "; "))
	if err != nil {
		c.log.ErrorContext(ctx, "the guard's rollback is in force, but could not be written down", "module", done.Module, "error", err)
	}
}

// errInForce ends a rollback that has nothing to do.
var errInForce = errors.New("the module is there or nearer to this process already")

// Reapply applies the plan of a module once more, in turn with its changes: for
// a process that finds something else than the plan, such as an owner of writes
// from before a crash. It changes nothing in the database. Fails with
// fault.NotFound, or with what Apply says.
func (c *Controller) Reapply(ctx context.Context, name string) error {
	return c.again(ctx, name, func(m *module, plan Plan) error {
		if err := m.Apply(ctx, plan); err != nil {
			return err
		}
		m.setInForce(plan)
		return nil
	})
}

// Recheck follows the plan of a module once more, for a process that finds that
// the plan cannot be followed any longer, such as a module that was started
// again over other data: what is wrong is shown with the module's state, and Run
// tries again until it no longer is. It changes nothing in the database. Fails
// with fault.NotFound, or as reading the plan does.
func (c *Controller) Recheck(ctx context.Context, name string) error {
	return c.again(ctx, name, func(m *module, plan Plan) error {
		c.follow(ctx, m, plan)
		return nil
	})
}

// again does something with the plan that is in the database already.
func (c *Controller) again(ctx context.Context, name string, do func(*module, Plan) error) error {
	m, err := c.module(name)
	if err != nil {
		return err
	}
	if err := m.acquire(ctx); err != nil {
		return err
	}
	defer m.release()
	if m.state().unsaved != nil {
		return nil // the guard's rollback holds until it is written down
	}
	plan, err := c.read(ctx, m)
	if err != nil {
		return err
	}
	return do(m, plan)
}

// nearer reports whether mode and percent are nearer to this process than a place.
func nearer(mode seam.Mode, percent float64, than Place) bool {
	return mode.Before(than.Mode) || (mode == than.Mode && percent < than.Percent)
}

// printable makes a reason that a program gave fit for the audit.
func printable(why string) string {
	why = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(why, "?"))
	if utf8.RuneCountInString(why) > maxWhy {
		why = string([]rune(why)[:maxWhy-1]) + "…"
	}
	return why
}

func (c *Controller) changeBy(ctx context.Context, by identity.Caller, name string, s step, decide func(*module, Plan) (Plan, error)) (Plan, error) {
	if by.Role < identity.Operator {
		return Plan{}, fault.New(fault.Forbidden, "this needs the role operator: ask an operator of this site")
	}
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	return c.change(ctx, m, s, decide)
}

// change makes one change from the present plan to the one that decide makes
// of it: apply, then write down.
func (c *Controller) change(ctx context.Context, m *module, s step, decide func(*module, Plan) (Plan, error)) (Plan, error) {
	if err := m.acquire(ctx); err != nil {
		return Plan{}, err
	}
	defer m.release()
	if err := m.requireStill(); err != nil {
		return Plan{}, err
	}
	present, err := c.present(ctx, m, s)
	if err != nil {
		return Plan{}, err
	}
	if s.ifVersion != nil && *s.ifVersion != present.Version {
		return Plan{}, stale(present)
	}
	next, err := decide(m, present)
	if err != nil {
		return Plan{}, err
	}
	if err := m.requireAtData(next.Place); err != nil {
		return Plan{}, err
	}
	isInForce := !m.state().behind(present)
	if isInForce && next.same(present.Place) && next.Configured == present.Configured && slices.Equal(next.URLs, present.URLs) {
		return present, nil
	}
	if s.anyway, err = m.judge(s, present.Place, next.Place); err != nil {
		if m.Check != nil { // going on anyway would not help where the step cannot be made
			err = cmp.Or(m.Check(ctx, next), err)
		}
		return Plan{}, err
	}
	next.Module, next.Version = m.Name, present.Version+1
	next.ChangedBy, next.ChangedMS, next.Why = s.by, c.clock().UnixMilli(), s.why
	if err := m.Apply(ctx, next); err != nil {
		return Plan{}, err
	}
	return c.keep(ctx, m, s, present, next)
}

// present is the plan that a change begins from. The guard goes by what is in
// force here when the database does not know it or does not answer.
func (c *Controller) present(ctx context.Context, m *module, s step) (Plan, error) {
	if !s.automatic {
		return c.read(ctx, m)
	}
	now := m.state()
	if now.unsaved != nil {
		now.plan.Version = now.unsaved.from.Version // the database's
		return now.plan, nil
	}
	ctx, cancel := context.WithTimeout(ctx, guardWait)
	defer cancel()
	plan, err := c.read(ctx, m)
	if err != nil {
		return now.plan, nil //nolint:nilerr // the rollback is the more urgent
	}
	return plan, nil
}

// keep writes an applied change down. A change that cannot be written is undone,
// except the guard's, which stays unsaved.
func (c *Controller) keep(ctx context.Context, m *module, s step, from, to Plan) (Plan, error) {
	writing := ctx
	if s.automatic {
		var cancel context.CancelFunc
		writing, cancel = context.WithTimeout(ctx, guardWait)
		defer cancel()
	}
	err := c.write(writing, from, to, s)
	if err == nil {
		m.setInForce(to)
		c.log.InfoContext(ctx, "the route of a module has changed", "module", m.Name, "from", from.Mode, "to", to.Mode,
			"percent", to.Percent, "version", to.Version, "by", to.ChangedBy, "why", to.Why, "anyway", s.anyway)
		return to, nil
	}
	if s.automatic && !fault.Is(err, fault.Conflict) {
		m.keepUnsaved(unsaved{from, to}, "the guard's rollback is in force here and not written down yet: "+fault.From(err).Message)
		c.log.ErrorContext(ctx, "the guard's rollback is in force but cannot be written down", "module", m.Name, "to", to.Mode, "error", err)
		return to, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWait)
	defer cancel()
	stored, readErr := c.read(ctx, m)
	switch {
	case readErr != nil:
		stored = from // Run follows the database as soon as it answers
	case stored.Version == to.Version && stored.ChangedBy == to.ChangedBy && stored.ChangedMS == to.ChangedMS && stored.same(to.Place):
		m.setInForce(to) // only the answer to the commit was lost
		return to, nil
	}
	c.follow(ctx, m, stored)
	return Plan{}, err
}

func stale(present Plan) error {
	by := present.ChangedBy
	if by == "" {
		by = "config.yaml"
	}
	return fault.Newf(fault.Conflict, "the plan of %s is version %d by %s (%s): look at it, then decide again", present.Module, present.Version, by, present.Mode)
}
