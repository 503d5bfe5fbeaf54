package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"banyan/platform/backup"
	"banyan/platform/fault"
	"banyan/platform/transfer"
)

// Backup writes all databases to w, while the program may run. scratch is a folder on a
// disk with room for a copy of them.
func (l Loaded) Backup(ctx context.Context, w io.Writer, scratch string, now time.Time) (m backup.Manifest, err error) {
	folder, err := os.MkdirTemp(scratch, ".banyan-backup-")
	if err != nil {
		return m, fmt.Errorf("make a folder for the copies: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	// A module may use those listed before it, and tells them what happened: it is fixed
	// before them, so that no event counts as delivered whose effect is missing.
	names := l.Databases()
	slices.Reverse(names)
	options := backup.Options{Folder: l.Settings.Data, Names: names, Version: l.Version, Now: now, Scratch: folder}
	if !l.Settings.Database.Postgres() {
		if err := l.requireHome(ctx); err != nil {
			return m, err
		}
		return backup.Write(ctx, w, options)
	}
	server, err := l.inForce()
	if err != nil {
		return m, err
	}
	if err := transfer.Export(ctx, l.databasesAt(server), l.databasesAt(place{url: "sqlite:" + folder})); err != nil {
		return m, err
	}
	return backup.Pack(ctx, w, options)
}

// VerifyBackup reads a backup whole, and checks that this program can work with it.
// scratch is a folder on a disk with room for its databases.
func (l Loaded) VerifyBackup(ctx context.Context, r io.Reader, scratch string) (m backup.Manifest, err error) {
	folder, err := os.MkdirTemp(scratch, ".banyan-backup-")
	if err != nil {
		return m, fmt.Errorf("make a folder for the databases of the backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return l.extract(ctx, r, folder)
}

// Restore puts the databases of a backup into the data folder, or into PostgreSQL,
// which must have none unless replace. Nothing has changed there when it fails before
// the last step.
func (l Loaded) Restore(ctx context.Context, r io.Reader, replace bool) (m backup.Manifest, err error) {
	if err := refuseDemoFolder(l.Settings.Data); err != nil {
		return m, err
	}
	if err := os.MkdirAll(l.Settings.Data, 0o700); err != nil {
		return m, fmt.Errorf("make the data folder: %w", err)
	}
	folder, err := os.MkdirTemp(l.Settings.Data, ".banyan-backup-")
	if err != nil {
		return m, fmt.Errorf("make a folder in the data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if m, err = l.extract(ctx, r, folder); err != nil {
		return m, err
	}
	if !l.Settings.Database.Postgres() {
		return m, backup.Put(ctx, m, folder, l.Settings.Data, replace)
	}
	if len(m.Databases) != len(l.Databases()) {
		return m, fault.Newf(fault.Invalid, "the backup has %d databases and this program %d: restore it into SQLite, run `banyan migrate up` there, and copy it with `banyan database copy`", len(m.Databases), len(l.Databases()))
	}
	server, err := l.inForce()
	if err != nil {
		return m, err
	}
	return m, transfer.Import(ctx, l.databasesAt(place{url: "sqlite:" + folder}), l.databasesAt(server), replace)
}

// extract also refuses databases of a newer program, and of another.
func (l Loaded) extract(ctx context.Context, r io.Reader, folder string) (backup.Manifest, error) {
	m, err := backup.Extract(ctx, r, folder)
	if err != nil {
		return m, err
	}
	settings := *l.Settings
	settings.Data, settings.Database.URL = folder, ""
	there := Loaded{Program: l.Program, Settings: &settings}
	for _, d := range m.Databases {
		if !slices.Contains(l.Databases(), d.Name) {
			return m, fault.Newf(fault.Invalid, "the backup has the database %s, of a module that this program does not have: use the program that made it (%s)", d.Name, m.Version)
		}
		status, err := there.DatabaseStatus(ctx, d.Name)
		if err != nil {
			return m, err
		}
		if newer := status.Newer(); newer > 0 {
			return m, fault.Newf(fault.Conflict, "the backup was made by a newer program (%s): its database %s is at version %d, which this program does not know; use that program", m.Version, d.Name, newer)
		}
	}
	return m, nil
}
