package transfer

import (
	"context"
	"errors"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Export copies the databases of PostgreSQL, as they are at one moment and while
// processes write to them, into new SQLite files, and compares.
func Export(ctx context.Context, from, into []database.Options) (err error) {
	if err := requireCurrent(ctx, from, "the database"); err != nil {
		return err
	}
	source, err := openSnapshot(ctx, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	return export(ctx, source, from, into)
}

func export(ctx context.Context, source side, from, into []database.Options) error {
	if err := replaceAll(ctx, source, from, into, deliverAgain); err != nil {
		return err
	}
	for _, one := range into {
		if err := database.RequireUnused(ctx, pathOf(one)); err != nil { // brings file and log together
			return err
		}
		if err := database.CheckFile(ctx, pathOf(one)); err != nil {
			return err
		}
	}
	return nil
}

// Import fills PostgreSQL from SQLite files that nobody else uses, in one transaction:
// an empty database, or any with replace. It brings the files to this program's schema.
func Import(ctx context.Context, from, into []database.Options, replace bool) (err error) {
	if err := migrate(ctx, from); err != nil {
		return err
	}
	source, err := openSQLite(ctx, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	there, err := lookAt(ctx, Options{From: from, To: into}, source)
	if err != nil {
		return err
	}
	for _, s := range there.to {
		if s.rows > 0 && !replace {
			return fault.New(fault.Conflict, "the database of the settings (database.url) has data: restore into an empty one, or stop all processes and replace what is there with --force")
		}
	}
	return replaceAll(ctx, source, from, into, nil)
}

// replaceAll fills and compares all tables, those about owners too, and commits.
// afterwards is called for each database with an outbox.
func replaceAll(ctx context.Context, source side, from, into []database.Options, afterwards func(context.Context, session) error) (err error) {
	if err := migrate(ctx, into); err != nil {
		return err
	}
	target, err := openSide(ctx, into)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.close()) }()
	for i, one := range from {
		if _, err := copyDatabase(ctx, Options{}, one.Module, source.session(i), target.session(i), []string{"module_move", "move_log"}); err != nil {
			return err
		}
		there, err := look(ctx, target.session(i))
		if err != nil {
			return err
		}
		if there.isOwned && afterwards != nil {
			if err := afterwards(ctx, target.session(i)); err != nil {
				return err
			}
		}
	}
	return target.commit(ctx)
}
