package rollout

import (
	"context"
	"sync"

	"banyan/platform/fault"
)

// module is a managed module and what this process has made of its plan.
type module struct {
	Managed
	turn chan struct{} // holds one token: whoever has it changes the route

	mu  sync.Mutex
	now state
}

// state is what is in force in this process.
type state struct {
	plan    Plan
	problem string   // why the plan of the database is not
	stale   bool     // the route may be elsewhere than plan says: follow again
	unsaved *unsaved // a step back that the database does not know yet
}

// debt is a change that was applied and could not be written down.
type unsaved struct {
	from, to Plan
}

func newModule(m Managed) *module {
	out := &module{Managed: m, turn: make(chan struct{}, 1)}
	out.turn <- struct{}{}
	out.now.plan = Plan{Module: m.Name, Place: m.Configured, Configured: true}
	return out
}

// planOf picks the module's plan; without one, or with one that follows
// config.yaml, it is what this process's config.yaml says.
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

// take waits for the right to change the route, give passes it on.
func (m *module) acquire(ctx context.Context) error {
	select {
	case <-m.turn:
		return nil
	case <-ctx.Done():
		return fault.From(ctx.Err())
	}
}

// takeNow is take for those who come again.
func (m *module) tryAcquire() bool {
	select {
	case <-m.turn:
		return true
	default:
		return false
	}
}

func (m *module) release() { m.turn <- struct{}{} }

func (m *module) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// settle notes that the route follows this plan.
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

// owe notes a change that is in force and not written down.
func (m *module) keepUnsaved(d unsaved, problem string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = state{plan: d.to, problem: problem, unsaved: &d}
}

// behind tells whether the route has to be looked after.
func (s state) behind(plan Plan) bool {
	return s.unsaved != nil || s.stale || s.plan.Version != plan.Version
}
