package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"banyan/platform/atomicfile"
	"banyan/platform/backup"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

const (
	backupFolder = "backups" // in the data folder
	backupEnding = ".banyan" // of a file
	backupsShown = 50        // the newest
	backupStamp  = "20060102T150405Z"
)

// BackupFile is a backup in the data folder.
type BackupFile struct {
	Name  string // banyan-20261130T000501Z.banyan
	Bytes int64
	Made  time.Time
}

// BackupStatus is what became of the backups that operators asked for.
type BackupStatus struct {
	Folder  string
	Files   []BackupFile // the newest first, at most 50
	Running bool
	Since   time.Time    // of the running one
	Last    string       // the file that was made last by this process; "" = none
	Err     *fault.Fault // of the last one; nil = it was made, and read back whole
}

// Backups makes backups into the data folder's own folder, one at a time, and reads
// each back before it counts. It is a task of the trunk: a backup outlives the request
// that asked for it, and ends with the program.
type Backups struct {
	loaded Loaded
	events *securitylog.Log
	now    func() time.Time
	asked  chan context.Context

	mu     sync.Mutex
	status BackupStatus
}

func newBackups(loaded Loaded, events *securitylog.Log, now func() time.Time) *Backups {
	return &Backups{loaded: loaded, events: events, now: now, asked: make(chan context.Context, 1)}
}

func (b *Backups) folder() string { return filepath.Join(b.loaded.Settings.Data, backupFolder) }

// Status returns what there is. It is for operators.
func (b *Backups) Status(ctx context.Context) (BackupStatus, error) {
	if err := onlyOperators(ctx); err != nil {
		return BackupStatus{}, err
	}
	b.mu.Lock()
	s := b.status
	b.mu.Unlock()
	s.Folder = b.folder()
	entries, err := os.ReadDir(s.Folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("list the backups: %w", err)
	}
	for _, e := range slices.Backward(entries) { // by name, which is by time
		if len(s.Files) == backupsShown {
			break
		}
		if !strings.HasSuffix(e.Name(), backupEnding) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // it may just be deleted
			s.Files = append(s.Files, BackupFile{Name: e.Name(), Bytes: info.Size(), Made: info.ModTime()})
		}
	}
	return s, nil
}

// Start asks for a backup. It is for operators. Fails with fault.Conflict while one
// is being made.
func (b *Backups) Start(ctx context.Context) error {
	if err := onlyOperators(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status.Running {
		return fault.New(fault.Conflict, "a backup is being made just now: wait until it is there")
	}
	b.status.Running, b.status.Since = true, b.now()
	b.asked <- context.WithoutCancel(ctx) // nothing is in it: Running was false
	return nil
}

func onlyOperators(ctx context.Context) error {
	if identity.From(ctx).Role < identity.Operator {
		return fault.New(fault.Forbidden, "backups are for operators")
	}
	return nil
}

// run makes what is asked for until the context ends.
func (b *Backups) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case by := <-b.asked:
			name, err := b.make(ctx)
			b.note(by, name, err)
		}
	}
}

func (b *Backups) note(by context.Context, name string, err error) {
	e := securitylog.Event{What: securitylog.BackupMade, Whom: name}
	b.mu.Lock()
	b.status.Running, b.status.Err = false, nil
	if err != nil {
		b.status.Err = fault.From(err)
		e.Refused, e.Detail = true, b.status.Err.Message
	} else {
		b.status.Last = name
	}
	b.mu.Unlock()
	b.events.Note(by, e)
}

func (b *Backups) make(ctx context.Context) (name string, err error) {
	folder := b.folder()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "the folder of backups, "+folder+", cannot be made: check who may write to the data folder")
	}
	now := b.now().UTC()
	name = "banyan-" + now.Format(backupStamp) + backupEnding
	path := filepath.Join(folder, name)
	err = atomicfile.Replace(path, 0o600, func(file *os.File) error {
		_, err := b.loaded.Backup(ctx, file, folder, now)
		return err
	})
	if err == nil {
		err = b.readBack(ctx, path, folder)
	}
	if err != nil {
		_ = os.Remove(path) // it may not be there; the error above says what is wrong
		return name, fault.Wrap(err, fault.CodeOf(err), "the backup was not made: "+fault.From(err).Message)
	}
	return name, nil
}

func (b *Backups) readBack(ctx context.Context, path, scratch string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	var m backup.Manifest
	if m, err = b.loaded.VerifyBackup(ctx, file, scratch); err != nil {
		return err
	}
	if len(m.Databases) != len(b.loaded.Databases()) {
		return fault.New(fault.Internal, "the backup does not have all databases")
	}
	return nil
}
