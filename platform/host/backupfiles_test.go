package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/platform/backup"
	"banyan/platform/database"
	"banyan/platform/fault"
)

func TestOnlyOldBackupsOfTheScheduleAreDeleted(t *testing.T) {
	folder := t.TempDir()
	names := []string{
		"banyan-20261101T000000Z-scheduled.banyan", "banyan-20261102T000000Z-scheduled.banyan", "banyan-20261103T000000Z-scheduled.banyan",
		"banyan-20261001T000000Z.banyan", "banyan-20261001T000000Z-before-migration.banyan", "mine-scheduled.banyan", "banyan-notes-scheduled.txt",
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deleted, err := pruneBackups(folder, backup.Scheduled, 2)
	if err != nil || !slices.Equal(deleted, names[:1]) {
		t.Errorf("deleted %q, %v", deleted, err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != len(names)-1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// scheduled is the backups of a new program that makes one every hour and keeps two.
func scheduled(t *testing.T) (b *Backups, make func(at time.Duration) backup.State) {
	t.Helper()
	p := newProcess(t)
	begun := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	now := begun
	clock := func() time.Time { return now }
	settings := *p.settings
	settings.Backup = backup.Settings{Every: time.Hour, Keep: 2, To: filepath.Join(t.TempDir(), "elsewhere")}
	db := p.databases[0]
	b = newBackups(Loaded{Program: p.program, Settings: &settings}, backup.OpenRuns(db, clock), p.identity.Events, p.log, clock)
	return b, func(at time.Duration) backup.State {
		t.Helper()
		now = begun.Add(at)
		b.makeDue(t.Context())
		s, err := b.runs.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func filesOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	list, err := listBackups(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f.Name, "banyan-20261130T"), "-scheduled.banyan"))
	}
	return names
}

func TestTheScheduleMakesBackupsAndKeepsTheLast(t *testing.T) {
	b, at := scheduled(t)
	folder := b.loaded.backupFolder()
	for _, step := range []struct {
		at    time.Duration
		files []string
	}{
		{0, []string{"080000Z"}},
		{59 * time.Minute, []string{"080000Z"}},
		{time.Hour, []string{"090000Z", "080000Z"}},
		{150 * time.Minute, []string{"103000Z", "090000Z"}},
		{209 * time.Minute, []string{"103000Z", "090000Z"}},
	} {
		s := at(step.at)
		if files := filesOf(t, folder); !slices.Equal(files, step.files) || s.Last == nil || s.Last.Err != nil || s.Last.Bytes == 0 {
			t.Errorf("after %s there are %q, and the last is %+v", step.at, files, s.Last)
		}
	}
}

// TestABackupThatFailsIsNamedAndTriedAgain: an operator sees why, and the metric's age
// stays that of the last good one.
func TestABackupThatFailsIsNamedAndTriedAgain(t *testing.T) {
	b, at := scheduled(t)
	at(0)
	folder := b.loaded.backupFolder()
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	s := at(time.Hour)
	if s.Last == nil || s.Last.Err == nil || !strings.Contains(s.Last.Err.Message, folder) || s.Good == nil || s.Good.ID == s.Last.ID {
		t.Fatalf("the last is %+v, the last good one %+v", s.Last, s.Good)
	}
	if again := at(time.Hour + 14*time.Minute); again.Last.ID != s.Last.ID {
		t.Error("it was tried again at once")
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if s = at(time.Hour + 15*time.Minute); s.Last.Err != nil || s.Good.ID != s.Last.ID {
		t.Errorf("a quarter of an hour later: %+v", s.Last)
	}
	b.refresh(t.Context())
	if good := b.figures.good.Load(); good != s.Good.Started.Unix() || b.figures.failures.Load() != 1 {
		t.Errorf("the metrics say %d and %d failures", good, b.figures.failures.Load())
	}
}

// TestDatabasesAreCopiedBeforeTheyAreMigrated: with what was in them, so often and where
// the settings say; and nothing is when there is no need.
func TestDatabasesAreCopiedBeforeTheyAreMigrated(t *testing.T) {
	p := newProcess(t)
	l := p.loaded()
	settings := *l.Settings
	settings.Backup = backup.Settings{BeforeMigration: true, KeepBefore: 2, Keep: 1}
	l.Settings = &settings
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	copied := func() string {
		t.Helper()
		path, err := l.BackupBeforeMigration(t.Context(), l.Databases(), now)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		return path
	}
	if path := copied(); path != "" {
		t.Errorf("nothing is to be migrated, and %s was made", path)
	}
	// As a program from before the last migration left it.
	if err := p.databases[0].Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM `+versionTable(t, tx)+` WHERE version_id = (SELECT MAX(version_id) FROM `+versionTable(t, tx)+`)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		path := copied()
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.VerifyBackup(context.Background(), file, t.TempDir())
		if err != nil || len(m.Databases) == 0 {
			t.Errorf("%s has %+v, %v", path, m.Databases, err)
		}
		_ = file.Close() // only read
	}
	if left := filesOf(t, l.backupFolder()); len(left) != 2 {
		t.Errorf("%q are kept", left)
	}
	settings.Backup.BeforeMigration = false
	if path := copied(); path != "" {
		t.Errorf("it is turned off, and %s was made", path)
	}
	settings.Backup.BeforeMigration, settings.Backup.To = true, "/dev/null/here"
	if _, err := l.BackupBeforeMigration(t.Context(), l.Databases(), now); err == nil || !strings.Contains(fault.From(err).Message, "nothing was migrated") {
		t.Errorf("without a folder: %v", err)
	}
}

// versionTable is where goose keeps what is applied of a database's own migrations.
func versionTable(t *testing.T, tx *database.Tx) (name string) {
	t.Helper()
	if err := tx.Get(t.Context(), &name, `SELECT MAX(name) FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%version_id%'`); err != nil {
		t.Fatal(err)
	}
	return name
}
