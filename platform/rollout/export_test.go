package rollout

import "context"

// Plan returns a module's plan as the database has it. Fails with
// fault.NotFound.
func (c *Controller) Plan(ctx context.Context, name string) (Plan, error) {
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	return c.read(ctx, m)
}
