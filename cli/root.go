package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/host"
)

func newRoot(program Program) *cobra.Command {
	root := &cobra.Command{
		Use:   "banyan",
		Short: "Reputation, exchange reviews and airdrops in one binary",
		Long: "Banyan shows a crypto community who can be trusted and which exchange is honest, and distributes\n" +
			"tokens with a proof for every wallet. It is one program on SQLite; each of its modules can run\n" +
			"as a service of its own.\n\n" +
			"Exit codes: 0 done, 1 failed, 2 a mistake in the command line.",
		SilenceUsage: true, SilenceErrors: true, Version: program.Version,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	s := &source{program: program.host(), modules: program.Modules}
	root.PersistentFlags().StringVar(&s.file, "config", "", "settings `file` (default ./"+config.DefaultFile+" if it exists)")
	root.AddCommand(
		serveCommand(s), healthCommand(s), doctorCommand(s), supportCommand(s), demoCommand(s), configCommand(s), migrateCommand(s), backupCommand(s), databaseCommand(s), moduleCommand(s), eventsCommand(s), tokenCommand(s), roleCommand(s), secondFactorCommand(s), setupCommand(s), securityLogCommand(s), certsCommand(), loadCommand(s), auditCommand(s),
		openapiCommand(s.program), versionCommand(program.Version),
	)
	for _, m := range program.Modules {
		if m.Commands != nil {
			root.AddCommand(m.Commands())
		}
	}
	markUsage(root)
	return root
}

// source is where a command reads its settings from.
type source struct {
	program host.Program
	modules []Module // of the program, with their pages
	file    string
	flags   map[string]string
}

func (s *source) set(key, value string) {
	if s.flags == nil {
		s.flags = make(map[string]string)
	}
	s.flags[key] = value
}

func (s *source) load() (host.Loaded, error) {
	return s.program.Load(config.Options{File: s.file, Env: os.Environ(), Flags: s.flags})
}

func versionCommand(version string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	}
}

// flagOrSettings marks an error of the settings as a mistake in the command line if a
// wrong setting was set by a flag, and not by a file or the environment.
func flagOrSettings(err error) error {
	var wrong *config.Error
	if errors.As(err, &wrong) && slices.ContainsFunc(wrong.Problems, func(p config.Problem) bool { return p.Origin.Kind == config.FromFlag }) {
		return fault.Usage(err)
	}
	return err
}
