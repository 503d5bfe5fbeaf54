package rollout

import (
	"context"
	"fmt"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

const (
	wakeName = "routes"
	// poll is how often a replica looks for what the others have changed; a
	// change is everywhere within twice that.
	poll = 250 * time.Millisecond
	// followWait bounds following one plan, so that a module that hangs is tried
	// again.
	followWait = 10 * time.Second
)

// Run has this process follow the plans in the database, and reconcile the
// owners of writes with them, until the context ends. The process serves already.
// A database that does not answer leaves all routes as they are.
func (c *Controller) Run(ctx context.Context) error {
	woken, stop := c.db.Listen(wakeName)
	defer stop()
	var following sync.WaitGroup
	defer following.Wait()
	for _, m := range c.modules {
		if m.Reconcile != nil {
			following.Go(func() {
				periodic.Run(ctx, reconcileEvery, func(ctx context.Context) { m.Reconcile(ctx, c) }, periodic.AtOnce())
			})
		}
	}
	lost := false
	periodic.Run(ctx, poll, func(ctx context.Context) {
		stored, err := readPlans(ctx, c.db.Read())
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.round(ctx, stored, &following)
		case !lost: // said once, not four times a second
			c.log.WarnContext(ctx, "the plans of the routes cannot be read: all routes stay as they are", "error", err)
		}
		lost = err != nil
	}, periodic.AtOnce(), periodic.OnWake(woken))
	return nil
}

// round brings every module to its plan, each on its own: one that hangs does
// not hold the others up. A module whose route is being changed is left for
// the next round.
func (c *Controller) round(ctx context.Context, stored []Plan, following *sync.WaitGroup) {
	for _, m := range c.modules {
		plan := m.planOf(stored)
		if !m.state().behind(plan) || !m.tryAcquire() {
			continue
		}
		following.Go(func() {
			defer m.release()
			ctx, cancel := context.WithTimeout(ctx, followWait)
			defer cancel()
			c.catchUp(ctx, m)
		})
	}
}

// catchUp follows the plan that is in the database by now: between looking and
// acquiring the module, this process may have changed it itself.
func (c *Controller) catchUp(ctx context.Context, m *module) {
	if late := m.state().unsaved; late != nil && !c.saveUnsaved(ctx, m, *late) {
		return
	}
	plan, err := c.read(ctx, m)
	if err != nil {
		return // the next round says so
	}
	if m.state().behind(plan) {
		c.follow(ctx, m, plan)
	}
}

// saveUnsaved writes down a rollback that is in force already; false when that
// has to wait. If somebody has changed the plan meanwhile, theirs holds.
func (c *Controller) saveUnsaved(ctx context.Context, m *module, late unsaved) bool {
	err := c.write(ctx, late.from, late.to, step{automatic: true})
	switch {
	case err == nil:
		m.setInForce(late.to)
	case fault.Is(err, fault.Conflict):
		m.setInForce(late.from) // so that the plan in the database is a new one
	default:
		return false
	}
	return true
}

// follow sets the route to a plan that is in force already. The caller has
// acquired the module.
func (c *Controller) follow(ctx context.Context, m *module, plan Plan) {
	if err := m.Follow(ctx, plan); err != nil {
		if m.fail(fmt.Sprintf("this process cannot follow version %d: %s", plan.Version, fault.From(err).Message)) {
			c.log.WarnContext(ctx, "the plan of a module cannot be followed: it is tried again", "module", m.Name,
				"version", plan.Version, "mode", plan.Mode, "error", err)
		}
		return
	}
	m.setInForce(plan)
	c.log.InfoContext(ctx, "the route of a module follows its plan", "module", m.Name, "mode", plan.Mode,
		"percent", plan.Percent, "version", plan.Version, "by", plan.ChangedBy)
}
