package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"banyan/platform/backup"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/periodic"
)

const (
	backupFolder = "backups" // in the data folder
	backupEnding = ".banyan" // of a file
	backupsShown = 50        // the newest
	backupStamp  = "20060102T150405Z"
	backupLook   = 30 * time.Second // how often the schedule is looked at
)

// BackupFile is a backup in the folder of backups.
type BackupFile struct {
	Name  string // banyan-20261130T000501Z.banyan, or banyan-20261130T000501Z-scheduled.banyan
	Bytes int64
	Made  time.Time
}

// BackupStatus is what there is of backups, and what became of the last one.
type BackupStatus struct {
	Folder   string
	Files    []BackupFile // the newest first, at most 50
	Running  bool
	Since    time.Time    // of the running one
	Last     string       // the file that was made last and read back whole; "" = none
	Err      *fault.Fault // of the last one; nil = it was made, and read back whole
	FailedAt time.Time    // when that ended

	Every time.Duration // of the schedule; 0 = there is none
	Keep  int           // of its files
	Next  time.Time     // when it makes the next one
	Good  time.Time     // when the last one was begun that was made; zero = none
}

// Backups makes backups into a folder, one at a time, and reads each back before it
// counts: when an operator asks for one, and by the schedule of the settings. It is a
// task of the trunk: a backup outlives the request that asked for it, and ends with
// the program. Of several trunks over one database one makes those of the schedule.
type Backups struct {
	loaded   Loaded
	settings backup.Settings
	runs     *backup.Runs
	events   *securitylog.Log
	log      *slog.Logger
	now      func() time.Time
	asked    chan askedBackup
	wake     chan struct{}
	figures  *backupFigures
}

// askedBackup is one that an operator asked for.
type askedBackup struct {
	by  context.Context
	run backup.Run
}

func newBackups(loaded Loaded, runs *backup.Runs, events *securitylog.Log, log *slog.Logger, now func() time.Time) *Backups {
	s := loaded.Settings.Backup
	return &Backups{
		loaded: loaded, settings: s, runs: runs, events: events, log: log, now: now,
		asked: make(chan askedBackup, 1), wake: make(chan struct{}, 1), figures: newBackupFigures(s.Every),
	}
}

// backupFolder returns where backups are put.
func (l Loaded) backupFolder() string {
	if l.Settings.Backup.To != "" {
		return l.Settings.Backup.To
	}
	return filepath.Join(l.Settings.Data, backupFolder)
}

// Status returns what there is. It is for operators.
func (b *Backups) Status(ctx context.Context) (s BackupStatus, err error) {
	if err := onlyOperators(ctx); err != nil {
		return s, err
	}
	s = BackupStatus{Folder: b.loaded.backupFolder(), Every: b.settings.Every, Keep: b.settings.Keep}
	state, err := b.runs.State(ctx)
	if err != nil {
		return s, err
	}
	if state.Running != nil {
		s.Running, s.Since = true, state.Running.Started
	}
	if state.Last != nil && state.Last.Err != nil {
		s.Err, s.FailedAt = state.Last.Err, state.Last.Started
	}
	if state.Good != nil {
		s.Last, s.Good = state.Good.Name, state.Good.Started
	}
	if s.Every > 0 {
		if s.Next, err = b.runs.Next(ctx, s.Every); err != nil {
			return s, err
		}
	}
	s.Files, err = listBackups(s.Folder)
	return s, err
}

func listBackups(folder string) (files []BackupFile, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	for _, e := range slices.Backward(entries) { // by name, which is by time
		if len(files) == backupsShown {
			break
		}
		if !strings.HasSuffix(e.Name(), backupEnding) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // it may just be deleted
			files = append(files, BackupFile{Name: e.Name(), Bytes: info.Size(), Made: info.ModTime()})
		}
	}
	return files, nil
}

// Start asks for a backup. It is for operators. Fails with fault.Conflict while one
// is being made.
func (b *Backups) Start(ctx context.Context) error {
	if err := onlyOperators(ctx); err != nil {
		return err
	}
	run := b.newRun(backup.Asked)
	id, err := b.runs.Begin(ctx, run)
	if err != nil {
		return err
	}
	run.ID = id
	select {
	case b.asked <- askedBackup{context.WithoutCancel(ctx), run}:
	default: // one that was asked for is still waiting for the task, and its process was taken for gone
		return b.runs.End(ctx, id, 0, fault.New(fault.Busy, "the program is still at the backup before: wait until it is there"))
	}
	select {
	case b.wake <- struct{}{}:
	default: // the task is woken already
	}
	return nil
}

func onlyOperators(ctx context.Context) error {
	if identity.From(ctx).Role < identity.Operator {
		return fault.New(fault.Forbidden, "backups are for operators")
	}
	return nil
}

// newRun names a backup that begins now.
func (b *Backups) newRun(cause backup.Cause) backup.Run {
	process, _ := os.Hostname() // unknown, it is not said
	return backup.Run{Cause: cause, Process: process, Folder: b.loaded.backupFolder(), Name: backupName(cause, b.now()), Started: b.now()}
}

func backupName(cause backup.Cause, now time.Time) string {
	name := "banyan-" + now.UTC().Format(backupStamp)
	if cause != backup.Asked {
		name += "-" + string(cause)
	}
	return name + backupEnding
}

// run makes what is asked for, and what is due, until the context ends.
func (b *Backups) run(ctx context.Context) error {
	b.refresh(ctx)
	periodic.Run(ctx, backupLook, func(ctx context.Context) {
		select {
		case asked := <-b.asked:
			b.make(ctx, asked.by, asked.run)
		default:
		}
		b.makeDue(ctx)
		b.refresh(ctx)
	}, periodic.OnWake(b.wake), periodic.AtOnce())
	return nil
}

// makeDue makes the backup of the schedule, if it is time.
func (b *Backups) makeDue(ctx context.Context) {
	if b.settings.Every == 0 || ctx.Err() != nil {
		return
	}
	run := b.newRun(backup.Scheduled)
	id, due, err := b.runs.BeginDue(ctx, run, b.settings.Every)
	if err != nil {
		b.log.ErrorContext(ctx, "the schedule of backups cannot be read", "error", err)
	}
	if !due {
		return
	}
	run.ID = id
	by := identity.With(ctx, identity.Caller{Subject: "the schedule of backups", Role: identity.Operator})
	if b.make(ctx, by, run) {
		b.prune(ctx)
	}
}

// make makes a backup, and notes how that went.
func (b *Backups) make(ctx, by context.Context, run backup.Run) (made bool) {
	seen, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		periodic.Run(seen, backup.Beat, func(ctx context.Context) {
			if err := b.runs.Seen(ctx, run.ID); err != nil {
				b.log.WarnContext(ctx, "the database does not take that a backup is still being made", "error", err)
			}
		})
	}()
	bytes, err := b.loaded.writeBackup(ctx, run)
	stop()
	<-ended
	e := securitylog.Event{What: securitylog.BackupMade, Whom: run.Name}
	if err != nil {
		b.figures.failed()
		e.Refused, e.Detail = true, fault.From(err).Message
		b.log.ErrorContext(ctx, "a backup was not made", "cause", run.Cause, "file", filepath.Join(run.Folder, run.Name), "error", err)
	} else {
		b.log.InfoContext(ctx, "a backup was made, and read back whole", "cause", run.Cause, "file", filepath.Join(run.Folder, run.Name), "bytes", bytes)
	}
	b.events.Note(by, e)
	ctx = context.WithoutCancel(ctx) // that it was not made because the program stops is noted, too
	if ended := b.runs.End(ctx, run.ID, bytes, err); ended != nil {
		b.log.ErrorContext(ctx, "the database does not take how a backup ended", "error", ended)
	}
	return err == nil
}

// prune deletes the files of the schedule but the newest.
func (b *Backups) prune(ctx context.Context) {
	gone, err := pruneBackups(b.loaded.backupFolder(), backup.Scheduled, b.settings.Keep)
	for _, name := range gone {
		b.log.InfoContext(ctx, "an old backup was deleted", "file", name, "kept", b.settings.Keep)
	}
	if err != nil {
		b.log.ErrorContext(ctx, "old backups cannot be deleted", "error", err)
	}
}
