// Package host assembles the program: it opens what modules use, starts the modules
// in the order in which main lists them, and runs the server and the background
// tasks. It has modules by their descriptors only.
//
//	p, err := program.Load(source)              // settings
//	process, err := host.New(ctx, p, options)   // everything is open, nothing runs
//	err = process.Run(ctx, nil)
//	err = process.Close()
//
// A process is either the trunk, which has all modules, the pages and the sign-in,
// or one module alone (the setting "module"). Reading order: module.go, program.go,
// process.go, assembly.go, slot.go.
package host

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
	"banyan/platform/signature"
	"banyan/platform/webhooks"
)

// Module is the descriptor of a module. The module's service package makes it and
// main lists it; nothing else names the module.
type Module struct {
	Contract *seam.Contract
	// Uses are the contracts of the modules that it calls, which must be listed before
	// it.
	Uses []*seam.Contract
	// Settings points to the struct for the section of config.yaml with the module's
	// name; nil = there is none. It is filled before Start.
	Settings any
	// Webhooks are the public events that servers of other people may receive.
	Webhooks []webhooks.Kind
	// Commands returns the module's own commands, which run without a server;
	// nil = there are none.
	Commands func() *cobra.Command
	// Start makes the service in a process that has the module's data. The tasks that
	// it adds to the environment start when everything is assembled.
	Start func(ctx context.Context, e *Env) (*seam.Local, error)
}

// Name returns the module's name in settings, paths, flags and metrics.
func (m Module) Name() string { return m.Contract.Module }

// Env is the environment of Module.Start.
type Env struct {
	DB    *database.DB // its own, migrated
	Log   *slog.Logger
	Clock func() time.Time
	Data  string // folder for files that belong to the data
	Site  string // host[:port] of the address where people reach the program
	// Contracts asks chains whether smart wallets signed; nil without nodes.
	Contracts signature.Contracts
	// Chains are the nodes that the settings name; nil without any.
	Chains *chain.Chains

	slot *slot
}

// Route returns the route to a module in Uses, for its client. It panics for any
// other module, because its order of starting would not be checked.
func (e *Env) Route(c *seam.Contract) *seam.Route {
	if !slices.Contains(e.slot.module.Uses, c) {
		panic(fmt.Sprintf("the module %s calls %s, which is not in its descriptor's Uses", e.slot.name(), c.Module))
	}
	return e.slot.process.Route(c)
}

// Relay adds the tasks that deliver the module's events to these consumers, and to
// webhooks, and delete old ones. A module that only consumes must call it, too: the relay deletes
// old rows of its inbox.
func (e *Env) Relay(consumers ...outbox.Consumer) {
	p, s := e.slot.process, e.slot
	relay := outbox.NewRelay(e.DB, outbox.Options{
		Poll: p.settings.Events.Poll, MaxAttempts: p.settings.Events.MaxAttempts, Keep: p.settings.Events.Keep, Log: e.Log, Clock: e.Clock,
		Choice: &p.broker.choice, DataID: s.owner.DataID,
	}, append(consumers, s.hooks.Consumers()...)...)
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
