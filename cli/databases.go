package cli

import (
	"context"

	"banyan/platform/database"
	"banyan/platform/host"
)

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
