package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/host"
)

// serveThroughSignals serves until the context ends. SIGHUP, which service
// managers, log rotation and a lost terminal send, has it read again what may
// change while it runs, and a reader of its log that goes away (SIGPIPE) only
// costs the log: by default both end a program at once.
func serveThroughSignals(cmd *cobra.Command, s *source) error {
	hangups, release := catchHangups()
	defer release()
	loaded, err := s.load()
	if err != nil {
		return flagOrSettings(err)
	}
	standalone(loaded)
	warnOfSources(cmd.ErrOrStderr(), loaded)
	ctx, stop := context.WithCancel(cmd.Context())
	var reloading sync.WaitGroup
	defer reloading.Wait()
	defer stop()
	return serve(ctx, loaded, host.Options{Pages: pages(s.modules, nil)}, func(p *host.Process) error {
		reloading.Go(func() {
			for {
				select {
				case <-hangups:
					p.Reload(ctx, func() (host.Loaded, error) { return s.reload() })
				case <-ctx.Done():
					return
				}
			}
		})
		return offerSetup(ctx, p)
	})
}

// reload reads the settings again, beside those in use.
func (s *source) reload() (host.Loaded, error) {
	loaded, err := s.program.Reread(config.Options{File: s.file, Env: os.Environ(), Flags: s.flags})
	if err == nil {
		standalone(loaded)
	}
	return loaded, err
}

// catchHangups returns a channel that receives each SIGHUP, and has SIGPIPE ignored.
// Call release at the end.
func catchHangups() (hangups <-chan os.Signal, release func()) {
	received := make(chan os.Signal, 1) // one that waits stands for all
	signal.Notify(received, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
	return received, func() { signal.Stop(received) }
}
