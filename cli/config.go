package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"banyan/platform/host"
)

func configCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in force and where they come from, secrets masked",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := s.load()
			if err != nil {
				return err
			}
			warnOfSources(cmd.ErrOrStderr(), loaded)
			if asJSON {
				return printSettings(cmd.OutOrStdout(), loaded)
			}
			return loaded.Source.Print(cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
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
