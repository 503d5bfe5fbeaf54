package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"banyan/platform/host"
)

func configCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force and where they come from, secrets masked",
		Long: "Print the settings in force and where they come from, secrets masked.\n\n" +
			"It fails where `banyan serve` would fail by its settings, and reads the files that they name. Not tried are the\n" +
			"database's server, the data folder, and the addresses to listen on.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			standalone(loaded)
			warnOfSources(cmd.ErrOrStderr(), loaded)
			if err := rehearse(cmd.Context(), s, loaded); err != nil {
				return err
			}
			if asJSON {
				return printSettings(cmd.OutOrStdout(), loaded)
			}
			return loaded.Source.Print(cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// rehearse assembles the program as serve does, over an empty folder that is gone
// afterwards, so that nothing that serve refuses is printed as if it were in force.
func rehearse(ctx context.Context, s *source, loaded host.Loaded) (err error) {
	if err := loaded.CheckDatabaseURL(); err != nil {
		return err
	}
	folder, err := temporaryFolder(temporaryPlaces(), "banyan-config-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	settings := *loaded.Settings
	settings.Data, settings.Database.URL, settings.Tracing.Endpoint, settings.Log.Level = folder, "", "", "error"
	loaded.Settings = &settings
	process, err := host.New(ctx, loaded, host.Options{Pages: pages(s.modules, nil)})
	if err != nil {
		return err
	}
	return process.Close()
}

// printSettings prints the settings as JSON, with the keys of config.yaml.
func printSettings(w io.Writer, loaded host.Loaded) error {
	tree, err := loaded.Source.YAML()
	if err != nil {
		return err
	}
	var values map[string]any
	if err := tree.Decode(&values); err != nil {
		return fmt.Errorf("print the settings: %w", err)
	}
	return printJSON(w, values)
}

// warnOfSources says once which variables were left aside, and which settings have
// another name now.
func warnOfSources(w io.Writer, loaded host.Loaded) {
	for _, renamed := range loaded.Source.Renamed() {
		fmt.Fprintln(w, "banyan:", renamed)
	}
	if names := loaded.Source.Injected(); len(names) > 0 {
		fmt.Fprintf(w, "banyan: %d variables that begin with BANYAN_ look like those that Kubernetes or docker makes and are not used as settings: %s\n",
			len(names), strings.Join(names, ", "))
	}
}
