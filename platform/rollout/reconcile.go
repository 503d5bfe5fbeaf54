package rollout

import (
	"context"
	"time"

	"banyan/platform/seam"
)

const (
	reconcileEvery = time.Second
	// reconcileAfter is how many looks in a row must find plan and ownership apart:
	// while a change is being made, or has just been made by another replica, they
	// are apart for a moment.
	reconcileAfter = 4
)

// Reconcile is one look at whether the owner of writes is where the plan says,
// and brings it there when something kept them apart: the remote was not there
// when this process started, or a process ended between the two halves of a
// change. The Controller calls it once a second while the process serves, never
// twice at a time.
func (m *Mover) Reconcile(ctx context.Context, c *Controller) {
	m.data.setServing()
	m.recheckData(ctx, c)
	isHere := m.isOwner(m.owner.Believed())
	if isHere != (m.route.Plan().Mode == seam.ModeRemote) {
		m.apart = 0
		return
	}
	if m.apart++; m.apart < reconcileAfter {
		return
	}
	m.apart = 0
	if err := c.Reapply(ctx, m.name()); err != nil && ctx.Err() == nil {
		m.log.WarnContext(ctx, "the writes of a module are not owned where its calls go; trying again", "module", m.name(), "error", err)
	}
}
