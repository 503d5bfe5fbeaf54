package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/host"
)

// requireHere fails with fault.Conflict when the data of a module is at another process: the
// database here is a copy that was left.
func requireHere(ctx context.Context, loaded host.Loaded, name string) error {
	away, err := loaded.Elsewhere(ctx)
	if err == nil && away[name] != "" {
		err = fault.Newf(fault.Conflict, "the data of %s is at %s, and what is here was left: run this command on that host, or bring the data home first (banyan module move %s --home)", name, away[name], name)
	}
	return err
}

// sayElsewhere prints for each module whose data is at another process what follows from it.
func sayElsewhere(cmd *cobra.Command, loaded host.Loaded, what string) error {
	away, err := loaded.Elsewhere(cmd.Context())
	for _, name := range slices.Sorted(maps.Keys(away)) {
		fmt.Fprintf(cmd.ErrOrStderr(), "the data of %s is at %s and %s\n", name, away[name], what)
	}
	return err
}

// withDatabases runs fn on the database of each name, opened by the
// settings.
func withDatabases(ctx context.Context, loaded host.Loaded, names []string, fn func(name string, db *database.DB) error) error {
	for _, name := range names {
		db, err := loaded.OpenDatabase(ctx, name)
		if err != nil {
			return err
		}
		err = fn(name, db)
		if closeErr := db.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}
