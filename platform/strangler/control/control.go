// Package control changes where the calls of a module go while the program
// runs, remembers it, and says who did it and why.
//
//	c, err := control.Open(ctx, db, control.Options{Modules: managed})
//	go c.Run(ctx)
//	plan, err := c.Set(ctx, operator, "reputation", control.Change{Mode: seam.ModeShadow, Percent: 10, URLs: urls, Why: "first look"})
//
// Each module has one plan, in the trunk's database "routes", and every replica
// of the trunk follows it within a second:
//
//	        ┌──────────────────── Set, StepBack ────────────────────┐
//	local ⇄ shadow(p %) ⇄ canary(p %) ⇄ remote        over shared data any state may follow any other
//
// Over shared data (PostgreSQL, or the files of one host) a step copies nothing:
// what it moves is the routing of reads and, on the way into and out of remote,
// the ownership of writes, which Managed.Apply hands over. Moving the data to
// another host is a step of its own between shadow and remote; it will be a
// state of the plan ("moving", with the place it goes to), because it lasts and
// must be found again after a restart, and Set will refuse all other steps
// until it has ended.
//
// A plan wins over config.yaml, also after a restart; where the two differ is
// shown. Reset lets config.yaml decide again.
//
// Reading order: control.go, change.go, follow.go, store.go, seam.go.
package control

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// Place is where the calls of a module go.
type Place struct {
	Mode    seam.Mode `json:"mode"`
	Percent float64   `json:"percent"`        // 0–100; of reads compared in shadow, of callers led there in canary; else 0
	URLs    []string  `json:"urls,omitempty"` // of the remote, http(s)://host[:port]; kept in local for the next step out
}

// same tells whether calls go the same way: what a local module remembers of
// its last remote does not count.
func (p Place) same(other Place) bool {
	return p.Mode == other.Mode && p.Percent == other.Percent &&
		(p.Mode == seam.ModeLocal || slices.Equal(p.URLs, other.URLs))
}

// Plan is the place of a module that every replica follows.
type Plan struct {
	Module string `json:"module"`
	Place
	Version    int64  `json:"version"`              // goes up by one with each change; 0 = there was none
	Configured bool   `json:"configured"`           // config.yaml decides
	ChangedBy  string `json:"changed_by,omitempty"` // as identity.Caller.Name has it, or "guard"
	ChangedMS  int64  `json:"changed_ms,omitempty"` // UTC milliseconds
	Why        string `json:"why,omitempty"`
}

// Entry is one change in the audit.
type Entry struct {
	Version    int64  `json:"version"` // of the plan that it made
	AtMS       int64  `json:"at_ms"`   // UTC milliseconds
	Who        string `json:"who"`
	Automatic  bool   `json:"automatic"`  // the guard's step back
	Anyway     bool   `json:"anyway"`     // the step was not shown to be safe, and the operator went on
	Configured bool   `json:"configured"` // back to what config.yaml says
	From       Place  `json:"from"`
	To         Place  `json:"to"`
	Why        string `json:"why,omitempty"`
}

// Managed is a module whose route is changed here.
type Managed struct {
	Name       string
	Configured Place // what config.yaml says, and what the route does when Open is called

	// Apply makes a change as the one replica that leads it: it reaches the
	// remote, hands the ownership of writes over where the step asks for it, and
	// sets the route. When it fails the route is as it was. It is never called
	// twice at a time for one module.
	Apply func(context.Context, Plan) error
	// Follow sets the route to a plan that is already in force: made by another
	// replica, or before the last restart. It hands nothing over, and repeating
	// it does no harm. nil = Apply.
	Follow func(context.Context, Plan) error

	// Status gives the figures of the route as something that becomes JSON; nil = none.
	Status func() any
	// Verdict says whether the next step is safe, by what this replica knows; nil =
	// no step is judged.
	Verdict func() analysis.Verdict
	// Differences gives the differences that shadow kept of an operation, newest
	// first. Fails with fault.NotFound for an unknown operation; nil = none are kept.
	Differences func(operation string) (any, error)
}

// Options say what is managed. Modules are listed in this order.
type Options struct {
	Modules []Managed
	Clock   func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil = slog.Default
}

// Control holds the plans of all modules. It is safe for concurrent use.
type Control struct {
	db      *database.DB
	clock   func() time.Time
	log     *slog.Logger
	modules []*module
}

// Open reads the plans and follows those that differ from config.yaml, so that
// no request takes the way that was left. The database is migrated already.
//
// A plan that cannot be followed does not keep the program from starting: the
// module stays where config.yaml says, the state says why, and Run tries again.
// Fails with fault.Invalid when two modules share a name.
func Open(ctx context.Context, db *database.DB, o Options) (*Control, error) {
	c := &Control{db: db, clock: o.Clock, log: o.Log}
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	for _, m := range o.Modules {
		if c.find(m.Name) != nil {
			return nil, fault.Newf(fault.Invalid, "the module %s is managed twice", m.Name)
		}
		if m.Follow == nil {
			m.Follow = m.Apply
		}
		c.modules = append(c.modules, newModule(m))
	}
	stored, err := readPlans(ctx, c.db.Read())
	if err != nil {
		return nil, err
	}
	for _, m := range c.modules {
		plan := m.planOf(stored)
		if plan.same(m.Configured) {
			m.settle(plan) // the route is there already
			continue
		}
		if err := m.take(ctx); err != nil {
			return nil, err
		}
		c.follow(ctx, m, plan)
		m.give()
	}
	return c, nil
}

func (c *Control) find(name string) *module {
	for _, m := range c.modules {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (c *Control) module(name string) (*module, error) {
	if m := c.find(name); m != nil {
		return m, nil
	}
	names := make([]string, len(c.modules))
	for i, m := range c.modules {
		names[i] = m.Name
	}
	return nil, fault.Newf(fault.NotFound, "there is no module %q here: choose one of %s", name, strings.Join(names, ", "))
}

// Plan gives a module's plan as the database has it. Fails with
// fault.NotFound.
func (c *Control) Plan(ctx context.Context, name string) (Plan, error) {
	m, err := c.module(name)
	if err != nil {
		return Plan{}, err
	}
	return c.read(ctx, m)
}

// read gives the plan in the database, which is config.yaml's until somebody
// changes it.
func (c *Control) read(ctx context.Context, m *module) (Plan, error) {
	stored, err := readPlans(ctx, c.db.Read())
	if err != nil {
		return Plan{}, err
	}
	return m.planOf(stored), nil
}
