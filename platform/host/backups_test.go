package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
)

// TestABackupThatAnOperatorAsksForIsMadeAndReadBack in the data folder, is recorded,
// and can be extracted; nobody else gets one.
func TestABackupThatAnOperatorAsksForIsMadeAndReadBack(t *testing.T) {
	p := newProcess(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Backups().run(ctx) }()
	defer func() { stop(); <-ended }()
	boss := identity.With(t.Context(), identity.Caller{Subject: "boss", Role: identity.Operator})
	member := identity.With(t.Context(), identity.Caller{Subject: "member", Role: identity.Moderator})
	if err := p.Backups().Start(member); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a moderator starts one: %v", err)
	}
	if _, err := p.Backups().Status(member); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a moderator sees them: %v", err)
	}
	if err := p.Backups().Start(boss); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	var s BackupStatus
	for s.Running = true; s.Running; {
		var err error
		if s, err = p.Backups().Status(boss); err != nil {
			t.Fatal(err)
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("the backup was never made")
		}
	}
	if s.Err != nil || len(s.Files) != 1 || s.Files[0].Name != s.Last || s.Files[0].Bytes == 0 {
		t.Fatalf("made %+v", s)
	}
	file, err := os.Open(filepath.Join(s.Folder, s.Last))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v %v", info.Mode(), err)
	}
	m, err := Loaded{Program: p.program, Settings: p.settings}.VerifyBackup(t.Context(), file, t.TempDir())
	if err != nil || len(m.Databases) != len(p.program.Databases()) {
		t.Errorf("it has %+v, %v", m.Databases, err)
	}
	entries, _, err := p.Identity().Events.List(t.Context(), securitylog.Query{What: string(securitylog.BackupMade)})
	if err != nil || len(entries) != 1 || entries[0].Who != "boss" || entries[0].Whom != s.Last {
		t.Errorf("recorded %+v, %v", entries, err)
	}
}
