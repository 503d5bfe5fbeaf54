package rollout

import (
	"context"
	"slices"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

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
	if err := m.Apply(ctx, next); err != nil {
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
