package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/host"
)

func doctorCommand(s *source) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong: settings, folder, databases, clocks, certificates, other processes",
		Long: "It looks at everything that the settings name, says what it found and what to do, and ends with 1 when\n" +
			"something does not work. It changes nothing, and may run beside the program, by the same user.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := diagnose(cmd, s)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), found)
			} else {
				printDiagnosis(cmd.OutOrStdout(), found)
			}
			if err == nil && found.Failed() {
				err = errors.New("something does not work: see the lines that begin with FAILURE")
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// diagnose looks at what the settings name, and at the running program.
func diagnose(cmd *cobra.Command, s *source) (host.Diagnosis, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	standalone(loaded)
	warnOfSources(cmd.ErrOrStderr(), loaded)
	settings := host.Finding{What: "settings", Grade: host.Good, Said: "are complete"}
	if err := rehearse(cmd.Context(), s, loaded); err != nil {
		settings.Grade, settings.Said = host.Failure, strings.Join(strings.Fields(err.Error()), " ")
	}
	found := append(host.Diagnosis{settings}, loaded.Diagnose(cmd.Context(), time.Now)...)
	return append(found, runningProgram(cmd, loaded)), nil
}

// runningProgram says whether the program runs and is ready.
func runningProgram(cmd *cobra.Command, loaded host.Loaded) host.Finding {
	f := host.Finding{What: "running program", Grade: host.Notice}
	where, known := loaded.Settings.AdminURL()
	if !known {
		f.Said = "is not asked: admin.listen has no port of its own"
		return f
	}
	ready, err := askReadiness(cmd.Context(), where)
	switch {
	case err != nil:
		f.Said = strings.TrimPrefix(err.Error(), "not ready: ")
	case !ready.Ready():
		f.Grade, f.Said = host.Failure, readinessText(ready)
	default:
		f.Grade, f.Said = host.Good, "is ready, says "+where
	}
	return f
}

func printDiagnosis(w io.Writer, found host.Diagnosis) {
	wide := 0
	for _, f := range found {
		wide = max(wide, len(f.What))
	}
	for _, f := range found {
		grade := string(f.Grade)
		if f.Grade == host.Failure {
			grade = "FAILURE"
		}
		fmt.Fprintf(w, "%-8s %-*s  %s\n", grade, wide, f.What, f.Said)
	}
}
