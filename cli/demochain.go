package cli

import (
	"context"

	"banyan/web"
	"banyan/web/demo"
)

// demoChain is the chain of a demo; nil in a program without one.
type demoChain interface {
	demo.Chain
	web.DemoChain
	// URL is the address of its JSON-RPC.
	URL() string
	// Run seals blocks until ctx ends.
	Run(ctx context.Context) error
	Close() error
}
