package host

import (
	"context"
	"errors"
	"syscall"
	"time"

	"banyan/platform/periodic"
)

const (
	// addressWait is how long a start waits for an address that is in use: after a
	// restart the program before it may still be finishing its requests.
	addressWait = 5 * time.Second
	addressLook = 100 * time.Millisecond
)

// Listen opens the addresses; Run serves on them. It waits for a while, and says so
// in the log, when one is in use.
func (p *Process) Listen(ctx context.Context) error {
	err := listenSoon(ctx, p.server.Listen, func(err error) {
		p.log.WarnContext(ctx, "waiting for an address, in case the program there is about to stop", "for", addressWait, "error", err)
	})
	if err != nil {
		return err
	}
	what := p.settings.Module
	if what == "" {
		what = "everything"
	}
	p.log.InfoContext(ctx, "serving "+what, "url", p.URL(), "admin", here(p.server.AdminAddr()), "version", p.program.Version)
	return nil
}

// listenSoon calls listen until it fails for another reason than an address in use,
// or addressWait has passed. waiting is called once, with the first error.
func listenSoon(ctx context.Context, listen func() error, waiting func(error)) error {
	deadline := time.Now().Add(addressWait)
	for isFirst := true; ; isFirst = false {
		err := listen()
		if !errors.Is(err, syscall.EADDRINUSE) || !time.Now().Before(deadline) {
			return err
		}
		if isFirst {
			waiting(err)
		}
		if periodic.Sleep(ctx, addressLook) != nil {
			return err
		}
	}
}
