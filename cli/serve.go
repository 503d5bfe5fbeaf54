package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"banyan/platform/config"
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
			"certificate files, log.level and strangler.take as they are then, and goes on.",
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
	c.Flags().StringVar(&listen, "listen", "", "`address` to listen on (default from the settings)")
	return c
}

// standalone changes what is different for a module that runs alone and was
// not said otherwise: its one client is the trunk, which limits people already,
// and the trunk has the usual admin address.
func standalone(l host.Loaded) {
	if l.Settings.Module == "" {
		return
	}
	if isDefault(l, "http.rate") {
		l.Settings.HTTP.Rate = 0
	}
	if isDefault(l, "http.wallet_rate") {
		l.Settings.HTTP.WalletRate = 0
	}
	if isDefault(l, "admin.listen") {
		l.Settings.Admin.Listen = "127.0.0.1:0"
	}
}

// isDefault: in a clone of the repository ./config.yaml is the list of defaults
// itself, and says nothing by standing there.
func isDefault(l host.Loaded, key string) bool {
	origin := l.Source.Sources()[key]
	if origin.Kind != config.FromFile {
		return origin.Kind == config.FromDefault
	}
	text, err := os.ReadFile(origin.Name)
	return err == nil && bytes.Equal(text, l.Defaults)
}

// heapFloor is memory, in bytes, that the garbage collector counts and nobody
// touches, so the system never gives it. Go collects when the heap has doubled:
// with the 5 MB that this program lives on, a busy server marked them anew for
// every 5 MB of garbage, which took a quarter of its processors' time. What a busy
// server then lets lie before it collects is as much, so a small machine has less,
// and so has a small limit (GOMEMLIMIT), which the floor counts against. An
// available of 0 is unknown.
func heapFloor(available, limit int64) int64 {
	const most, share, unknown = 64 << 20, 32, 512 << 20
	if available == 0 {
		available = unknown
	}
	return min(most, available/share, limit/share)
}

// serve runs the program until the context ends. ready, if not nil, is called when
// its addresses are open and before it answers.
func serve(ctx context.Context, loaded host.Loaded, o host.Options, ready func(*host.Process) error) (err error) {
	process, err := host.New(ctx, loaded, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, process.Close()) }()
	if err := process.Listen(); err != nil {
		return err
	}
	floor := make([]byte, heapFloor(memory.Available(), debug.SetMemoryLimit(-1)))
	defer runtime.KeepAlive(floor)
	debug.FreeOSMemory() // reading the migrations took some 8 MB that are not needed again
	if ready != nil {
		if err := ready(process); err != nil {
			return err
		}
	}
	return process.Run(ctx)
}
