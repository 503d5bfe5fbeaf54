// Package rollout moves modules between processes while the program runs: it
// changes where the calls of a module go, hands the ownership of its writes over,
// remembers both and who decided them and why.
//
//	c, err := rollout.Open(ctx, db, rollout.Options{Modules: []rollout.Managed{mover.Managed()}})
//	go c.Run(ctx)
//	plan, err := c.Set(ctx, operator, "reputation", rollout.Change{Mode: seam.ModeShadow, Percent: 10, URLs: urls, Why: "first look"})
//
// A Controller holds the plan of each module, in the trunk's database "routes",
// and every replica of the trunk follows it within a second:
//
//	Set, Rollback ─▶ judge ─▶ Apply: take, then route ─▶ plan and audit in the database
//	other replicas ◀──────── Follow: route only ◀─────────────────┘
//	once a second: Reconcile brings the owner of writes to where the plan says
//
// A Mover does that for one module in this process, with the seam's route (whose
// states are drawn at seam.Route), ownership's claim, and the module's own process
// (HandoverContract). Over shared data (PostgreSQL, or the files of one host) any
// state may follow any other, and a step copies nothing: what it moves is the
// routing of reads and, on the way into and out of remote, the ownership of
// writes. Moving the data to another database (move.go, platform/transfer) lasts, and
// goes on after a restart; Set refuses all steps until it has ended.
//
// A plan wins over the settings, also after a restart; where the two differ is
// shown. Reset lets the settings decide again.
//
// Reading order: plan.go, controller.go, change.go, step.go, judge.go, follow.go;
// mover.go, reconcile.go, remotes.go, data_check.go; move.go (the module's data); handover.go, verify.go;
// state.go, store.go, service.go.
package rollout

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/diff"
)

// Managed is a module whose route is changed here.
type Managed struct {
	Name       string
	Configured Place // what the settings say, and what the route does when Open is called

	// Apply makes a change as the one replica that makes it: it dials the remote,
	// hands the ownership of writes over where the step asks for it, and sets the
	// route. When it fails the route is as it was. It is never called twice at a
	// time for one module.
	Apply func(context.Context, Plan) error
	// Check fails as Apply would, and changes nothing; nil = nothing is checked.
	Check func(context.Context, Plan) error
	// Follow sets the route to a plan that is already in force: made by another
	// replica, or before the last restart. It hands nothing over, and repeating
	// it does no harm. nil = Apply.
	Follow func(context.Context, Plan) error

	// Lead is Apply where the move of the data, which has ended, has shown what Apply asks;
	// nil = Apply. Prepare opens what it needs; nil = nothing.
	Lead    func(context.Context, Plan) error
	Prepare func(context.Context, Plan) error

	// Reconcile is called once a second while the Controller runs, and brings the
	// owner of writes to where the plan says; nil = nothing does.
	Reconcile func(context.Context, *Controller)

	// Data moves the module's data to another database; nil = nothing does.
	Data DataMover

	// Status returns what the module's route does in this process; nil = not known.
	Status func() Status
	// Verdict reports whether the next step is safe, by what this replica has seen;
	// nil = no step is judged.
	Verdict func() analysis.Verdict
	// Differences returns the differences that shadow kept of an operation, newest
	// first. Fails with fault.NotFound for an unknown operation; nil = none are kept.
	Differences func(operation string) ([]diff.Difference, error)
}

// Options say what is managed. Modules are listed in this order.
type Options struct {
	Modules []Managed
	Clock   func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil = slog.Default
}

// Controller holds the plans of all modules. It is safe for concurrent use.
type Controller struct {
	db      *database.DB
	clock   func() time.Time
	log     *slog.Logger
	modules []*module
}

// Open reads the plans and follows those that differ from the settings, so that
// no request takes the way that was left. The database is migrated already.
//
// A plan that cannot be followed does not keep the program from starting: the
// module stays where the settings say, the state says why, and Run tries again.
// Fails with fault.Invalid when two modules share a name.
func Open(ctx context.Context, db *database.DB, o Options) (*Controller, error) {
	c := &Controller{db: db, clock: o.Clock, log: o.Log}
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
			m.setInForce(plan) // the route is there already
			continue
		}
		if err := m.acquire(ctx); err != nil {
			return nil, err
		}
		c.follow(ctx, m, plan)
		m.release()
	}
	return c, nil
}

func (c *Controller) find(name string) *module {
	for _, m := range c.modules {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (c *Controller) module(name string) (*module, error) {
	if m := c.find(name); m != nil {
		return m, nil
	}
	names := make([]string, len(c.modules))
	for i, m := range c.modules {
		names[i] = m.Name
	}
	return nil, fault.Newf(fault.NotFound, "there is no module %q here: choose one of %s", name, strings.Join(names, ", "))
}

// read returns the plan in the database, which is the settings' until somebody
// changes it.
func (c *Controller) read(ctx context.Context, m *module) (Plan, error) {
	stored, err := readPlans(ctx, c.db.Read())
	if err != nil {
		return Plan{}, err
	}
	return m.planOf(stored), nil
}
