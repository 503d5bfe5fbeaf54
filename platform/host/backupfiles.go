package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"banyan/platform/atomicfile"
	"banyan/platform/backup"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// writeBackup makes the file of a backup, and reads it back whole.
func (l Loaded) writeBackup(ctx context.Context, run backup.Run) (bytes int64, err error) {
	return writeBackupFile(run, func(file *os.File) (backup.Manifest, error) {
		return l.Backup(ctx, file, run.Folder, run.Started)
	}, func(file *os.File) error {
		m, err := l.VerifyBackup(ctx, file, run.Folder)
		if err == nil && len(m.Databases) != len(l.Databases()) {
			err = fault.New(fault.Internal, "the backup does not have all databases")
		}
		return err
	})
}

// writeBackupFile leaves a file only if it can be read back.
func writeBackupFile(run backup.Run, write func(*os.File) (backup.Manifest, error), check func(*os.File) error) (bytes int64, err error) {
	if err := os.MkdirAll(run.Folder, 0o700); err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "the folder of backups, "+run.Folder+", cannot be made: check who may write there, or set backup.to")
	}
	path := filepath.Join(run.Folder, run.Name)
	err = atomicfile.Replace(path, 0o600, func(file *os.File) error {
		_, err := write(file)
		return err
	})
	if err == nil {
		bytes, err = readBack(path, check)
	}
	if err != nil {
		_ = os.Remove(path) // it may not be there; the error above says what is wrong
		return 0, fault.Wrap(err, fault.CodeOf(err), "the backup was not made: "+fault.From(err).Message)
	}
	return bytes, nil
}

func readBack(path string, check func(*os.File) error) (bytes int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read the backup: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	if err := check(file); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("read the backup: %w", err)
	}
	return info.Size(), nil
}

// pruneBackups deletes the files of a cause but the newest, and returns their names.
func pruneBackups(folder string, cause backup.Cause, keep int) (deleted []string, err error) {
	entries, err := os.ReadDir(folder) // by name, which is by time
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "banyan-") && strings.HasSuffix(e.Name(), "-"+string(cause)+backupEnding) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	for len(names) > keep {
		if err := os.Remove(filepath.Join(folder, names[0])); err != nil {
			return deleted, err
		}
		deleted, names = append(deleted, names[0]), names[1:]
	}
	return deleted, nil
}

// BackupBeforeMigration copies the SQLite databases of these names that are there, if one
// of them has migrations to apply, and returns the file; "" = there was no need, or
// backup.before_migration is false. On PostgreSQL nothing is copied: a copy of a large
// server would hold the start up, and its operators have point-in-time recovery.
func (l Loaded) BackupBeforeMigration(ctx context.Context, names []string, now time.Time) (path string, err error) {
	if !l.Settings.Backup.BeforeMigration || l.Settings.Database.Postgres() {
		return "", nil
	}
	var there []string
	pending := false
	for _, name := range names {
		status, err := database.ReadStatus(ctx, l.DatabaseOptions(name))
		if err != nil {
			return "", err
		}
		if status.Newer() > 0 {
			return "", nil // the start is refused, and says why
		}
		if status.Exists {
			there, pending = append(there, name), pending || status.Pending()
		}
	}
	if !pending {
		return "", nil
	}
	if err := refuseDemoFolder(l.Settings.Data); err != nil {
		return "", err
	}
	run := backup.Run{Folder: l.backupFolder(), Name: backupName(backup.BeforeMigration, now)}
	_, err = writeBackupFile(run, func(file *os.File) (backup.Manifest, error) { return l.copyFiles(ctx, file, there, run.Folder, now) },
		func(file *os.File) error {
			_, err := l.VerifyBackup(ctx, file, run.Folder)
			return err
		})
	if err != nil {
		return "", fault.Wrap(err, fault.CodeOf(err), fault.From(err).Message+"; nothing was migrated: make room, name another folder with backup.to, or set backup.before_migration to false")
	}
	if _, err := pruneBackups(run.Folder, backup.BeforeMigration, l.Settings.Backup.KeepBefore); err != nil {
		return "", fmt.Errorf("delete old copies from before migrations: %w", err)
	}
	return filepath.Join(run.Folder, run.Name), nil
}

// copyFiles writes the files of these databases to w, as they are. A module whose data was
// moved away leaves a file that says so, which is copied as well.
func (l Loaded) copyFiles(ctx context.Context, w io.Writer, names []string, scratch string, now time.Time) (backup.Manifest, error) {
	folder, err := os.MkdirTemp(scratch, ".banyan-backup-")
	if err != nil {
		return backup.Manifest{}, fmt.Errorf("make a folder for the copies: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a hidden folder that is left does no harm
	return backup.Write(ctx, w, backup.Options{Folder: l.Settings.Data, Names: names, Version: l.Version, Now: now, Scratch: folder})
}
