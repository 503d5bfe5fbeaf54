package cli

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"banyan/platform/host"
	"banyan/platform/memory"
)

func serveCommand(s *source) *cobra.Command {
	var module, listen string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve everything, or one module alone",
		Example: "  banyan serve\n" +
			"  banyan serve --module reputation --listen 127.0.0.1:8081",
		Long: "It stops in good order at SIGINT and SIGTERM, and at once at a second one. At SIGHUP it takes up the\n" +
			"certificate files, log.level, legacy.take, events.broker and flags as they are then, and goes on.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("module") {
				s.set("module", module)
			}
			if cmd.Flags().Changed("listen") {
				s.set("listen", listen)
			}
			return serveThroughSignals(cmd, s)
		},
	}
	c.Flags().StringVar(&module, "module", "", "serve only this `module`: "+s.program.OneOfModules())
	c.Flags().StringVar(&listen, "listen", "", "`address` to listen on (default: the setting listen)")
	return c
}

// standalone changes the defaults for a module that runs alone: its one client is the
// trunk, which limits people already, and the trunk has the usual admin address.
func standalone(l host.Loaded) {
	if l.Settings.Module == "" {
		return
	}
	set := l.Source.Sources()
	if _, ok := set["http.rate"]; !ok {
		l.Settings.HTTP.Rate = 0
	}
	if _, ok := set["http.wallet_rate"]; !ok {
		l.Settings.HTTP.WalletRate = 0
	}
	if _, ok := set["admin.listen"]; !ok {
		l.Settings.Admin.Listen = "127.0.0.1:0"
	}
}

// heapBallast returns the size, in bytes, of an allocation that the garbage collector
// counts and that is never written, so the system never maps memory for it. Go
// collects when the heap has doubled: with the 5 MB that this program needs, a busy
// server marked them again for every 5 MB of garbage, which took a quarter of its
// CPU time. A busy server then has as much more garbage before it collects, so a
// small machine has less ballast, and so has a small limit (GOMEMLIMIT), which the
// ballast counts against. An available of 0 is unknown.
func heapBallast(available, limit int64) int64 {
	const most, share, unknown = 64 << 20, 32, 512 << 20
	if available == 0 {
		available = unknown
	}
	return min(most, available/share, limit/share)
}

// serve runs the program until the context ends. ready, if not nil, is called when
// its addresses are open and its tasks run, and before it serves.
func serve(ctx context.Context, loaded host.Loaded, o host.Options, ready func(*host.Process) error) (err error) {
	process, err := host.New(ctx, loaded, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, process.Close()) }()
	if err := process.Listen(ctx); err != nil {
		return err
	}
	ballast := make([]byte, heapBallast(memory.Available(), debug.SetMemoryLimit(-1)))
	defer runtime.KeepAlive(ballast)
	debug.FreeOSMemory() // reading the migrations took about 8 MB that are not needed any more
	return process.Run(ctx, func(context.Context) error {
		if ready == nil {
			return nil
		}
		return ready(process)
	})
}
