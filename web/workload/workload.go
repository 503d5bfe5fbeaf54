// Package workload is what `banyan load` asks of the modules: reads of what people look
// at, writes signed by wallets that it makes, and lists of airdrops. Everything goes
// through the modules' contracts, as programs of others call them, and the run's name
// occurs in all that is written.
package workload

import (
	"context"
	"crypto/rand"

	"banyan/platform/load"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Run is what the visits of a load have in common.
type Run struct {
	Name      string // occurs in all that is written
	Operators bool   // the load may do what operators may
}

// Part returns the visits to one module, over a route to it; nil = there are none.
type Part func(context.Context, Run, *seam.Route) ([]load.Visit, error)

// mark is how a text says to which run it belongs.
func (r Run) mark() string { return "Written by banyan load " + r.Name + "." }

// nobody returns a new wallet that nobody can sign for.
func nobody() (w wallet.Address) {
	_, _ = rand.Read(w[:]) // crypto/rand never fails: it ends the program instead
	return w
}
