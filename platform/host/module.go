// Package host assembles the program: it opens what modules stand on, starts the
// modules in the order in which main lists them, and runs the server and the work
// beside it. It knows modules by their descriptors alone.
//
//	p, err := program.Load(source)              // settings
//	process, err := host.New(ctx, p, options)   // everything is open, nothing runs
//	err = process.Run(ctx)
//	err = process.Close()
//
// A process is the trunk, which has all modules, the pages and the sign-in, or one
// module alone (the setting "module"). Reading order: module.go, program.go,
// process.go, assembly.go, slot.go.
package host

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
)

// Module is what a module is to the program. It is made by the module's service
// package and listed in main; nothing else names it.
type Module struct {
	Contract *seam.Contract
	// Uses are the contracts of the modules that it calls. They must be listed
	// before it.
	Uses []*seam.Contract
	// Settings points to the struct that takes the section of config.yaml below
	// the module's name; nil = it has none. Start reads it.
	Settings any
	// Commands returns the module's own commands, which need no running program;
	// nil = it has none.
	Commands func() *cobra.Command
	// Start makes the service in a process that holds the module's data. What it
	// adds to the environment runs when everything is assembled.
	Start func(ctx context.Context, e *Env) (*seam.Local, error)
}

// Name is the module's name in settings, paths, flags and metrics.
func (m Module) Name() string { return m.Contract.Module }

// Env is what a module starts with.
type Env struct {
	DB    *database.DB // its own, migrated
	Log   *slog.Logger
	Clock func() time.Time
	Data  string // folder for files that belong to the data
	Site  string // host[:port] of the address where people reach the program

	slot *slot
}

// Route returns the route to a module in Uses: make its client of it. It panics
// for any other module, because then the order of the start is not checked.
func (e *Env) Route(c *seam.Contract) *seam.Route {
	if !slices.Contains(e.slot.module.Uses, c) {
		panic(fmt.Sprintf("the module %s calls %s, which is not in its descriptor's Uses", e.slot.name(), c.Module))
	}
	return e.slot.process.Route(c)
}

// Relay carries the events that the module publishes to those who listen. A
// module that only consumes calls it, too: the relay keeps its inbox short.
func (e *Env) Relay(consumers ...outbox.Consumer) {
	p, s := e.slot.process, e.slot
	relay := outbox.NewRelay(e.DB, outbox.Options{
		Poll: p.settings.Events.Poll, MaxAttempts: p.settings.Events.MaxAttempts, Keep: p.settings.Events.Keep, Log: e.Log, Clock: e.Clock,
	}, consumers...)
	p.publishers = append(p.publishers, e.DB)
	e.WhileOwner("events of "+s.name(), relay.Run)
	e.WhileOwner("stored answers of "+s.name(), idempotency.NewJob(e.DB, e.Log).Run)
}

// WhileOwner adds work that runs as long as this process owns the module's writes.
func (e *Env) WhileOwner(name string, run func(context.Context) error) {
	owner := e.slot.owner
	e.slot.process.addTask(name, func(ctx context.Context) error { return owner.WhileOwner(ctx, name, run) })
}

// IsOwner reports whether this process owns the module's writes.
func (e *Env) IsOwner() bool { return e.slot.owner.IsOwner() }
