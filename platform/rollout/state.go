package rollout

import (
	"context"
	"sync"

	"banyan/platform/fault"
)

// module is a managed module and what this process has made of its plan.
type module struct {
	Managed
	right chan struct{} // to change the route: one token, for one at a time

	mu  sync.Mutex
	now state
}

// state is what is in force in this process.
type state struct {
	plan    Plan
	problem string   // why the plan of the database is not
	stale   bool     // the route may be elsewhere than plan says: follow again
	unsaved *unsaved // a rollback that the database does not know yet
}

// unsaved is a change that was applied and could not be written down.
type unsaved struct {
	from, to Plan
}

func newModule(m Managed) *module {
	out := &module{Managed: m, right: make(chan struct{}, 1)}
	out.right <- struct{}{}
	out.now.plan = Plan{Module: m.Name, Place: m.Configured, Configured: true}
	return out
}

// planOf picks the module's plan; without one, or with one that follows
// config.yaml, it is what this process's settings say.
func (m *module) planOf(stored []Plan) Plan {
	plan := Plan{Module: m.Name, Configured: true}
	for _, p := range stored {
		if p.Module == m.Name {
			plan = p
		}
	}
	if plan.Configured {
		plan.Place = m.Configured
	}
	return plan
}

// acquire waits for the right to change the route; release ends it.
func (m *module) acquire(ctx context.Context) error {
	select {
	case <-m.right:
		return nil
	case <-ctx.Done():
		return fault.From(ctx.Err())
	}
}

// tryAcquire is acquire for those who come again: false when somebody else has it.
func (m *module) tryAcquire() bool {
	select {
	case <-m.right:
		return true
	default:
		return false
	}
}

func (m *module) release() { m.right <- struct{}{} }

func (m *module) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// setInForce notes that the route follows this plan.
func (m *module) setInForce(plan Plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = state{plan: plan}
}

// fail notes why a plan is not followed; false when that was known.
func (m *module) fail(problem string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := m.now.problem != problem
	m.now.problem, m.now.stale = problem, true
	return fresh
}

// keepUnsaved notes a change that is in force and not written down.
func (m *module) keepUnsaved(d unsaved, problem string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = state{plan: d.to, problem: problem, unsaved: &d}
}

// behind reports whether the route must be brought to the plan.
func (s state) behind(plan Plan) bool {
	return s.unsaved != nil || s.stale || s.plan.Version != plan.Version
}
