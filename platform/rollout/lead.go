package rollout

import (
	"context"
	"slices"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// Prepare opens what Route needs, so that nobody waits for it then. It is an attempt.
func (c *Controller) Prepare(ctx context.Context, name string, to Place) error {
	m, err := c.module(name)
	if err != nil || m.Prepare == nil {
		return err
	}
	return m.Prepare(ctx, Plan{Module: name, Place: to})
}

// Route leads the calls of a module in this process to where its data has been moved, before
// Lead writes that down: the module's writes wait for it. A start before Lead finds the data
// by itself. Fails as Apply does.
func (c *Controller) Route(ctx context.Context, name string, to Place) error {
	m, err := c.module(name)
	if err != nil {
		return err
	}
	if err := m.acquire(ctx); err != nil {
		return err
	}
	defer m.release()
	return m.lead(ctx, Plan{Module: name, Place: to})
}

// lead applies a plan that leads to where the data is.
func (m *module) lead(ctx context.Context, p Plan) error {
	if m.Lead == nil {
		return m.Apply(ctx, p)
	}
	return m.Lead(ctx, p)
}

// Lead leads the calls of a module to where its data has been moved, as the last part of
// a move, and writes that down. It may be repeated. Fails as Set does.
func (c *Controller) Lead(ctx context.Context, name string, to Place, by, why string) error {
	m, err := c.module(name)
	if err != nil {
		return err
	}
	if err := m.acquire(ctx); err != nil {
		return err
	}
	defer m.release()
	present, err := c.read(ctx, m)
	if err != nil {
		return err
	}
	if present.same(to) && !m.state().behind(present) {
		return m.Follow(ctx, present) // the owner may have changed
	}
	if len(to.URLs) == 0 {
		to.URLs = present.URLs
	}
	next := Plan{
		Module: m.Name, Place: to, Version: present.Version + 1, ChangedBy: by, ChangedMS: c.clock().UnixMilli(), Why: why,
	}
	if err := m.lead(ctx, next); err != nil {
		return err
	}
	_, err = c.keep(ctx, m, step{by: by, why: why, anyway: true}, present, next)
	return err
}

// requireAtData fails with fault.Conflict when a plan leads a module's calls elsewhere than to
// its data.
func (m *module) requireAtData(next Place) error {
	if m.Data == nil {
		return nil
	}
	away := m.Data.Away()
	if away == "" || next.Mode == seam.ModeRemote && slices.Equal(next.URLs, []string{away}) {
		return nil
	}
	return fault.Newf(fault.Conflict, "the data of %s is at %s, and its calls can only be led there: bring the data home first (banyan module move %s --home)", m.Name, away, m.Name)
}
