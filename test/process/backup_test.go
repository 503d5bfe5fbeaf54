package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A copy of the folder of a running program may be damaged; this one is whole, and
// the program goes on with it.
func TestABackupIsMadeWhileTheProgramRunsAndRestored(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	from := place{[]string{"BANYAN_DATA=" + data}}
	trunk := from.start(t, nil, "--listen", "127.0.0.1:0")
	token := from.token(t)
	campaign := `{"name":"First drop","symbol":"TKN","decimals":18,"format":"oz","description":""}`
	count := func(p *process) int {
		var page struct {
			Campaigns []struct{ ID string }
		}
		p.must("GET", "/api/v1/airdrop/campaigns?limit=100", token, nil, &page)
		return len(page.Campaigns)
	}
	for range 3 {
		trunk.must("POST", "/api/v1/airdrop/campaigns", token, strings.NewReader(campaign), nil)
	}
	from.command(t, true, "made ", "backup", "create", "--out", file)
	trunk.must("POST", "/api/v1/airdrop/campaigns", token, strings.NewReader(campaign), nil) // after it
	from.command(t, true, "whole, and readable by this program", "backup", "verify", file)
	from.command(t, false, "--force", "backup", "restore", file)
	from.command(t, false, "stop it first", "backup", "restore", "--force", file)
	if n := count(trunk); n != 4 {
		t.Errorf("the running program has %d campaigns", n)
	}
	into := place{[]string{"BANYAN_DATA=" + filepath.Join(t.TempDir(), "fresh")}}
	into.command(t, true, "restored into", "backup", "restore", file)
	if n := count(into.start(t, nil, "--listen", "127.0.0.1:0")); n != 3 {
		t.Errorf("the restored program has %d campaigns, want those of the moment of the backup", n)
	}
	if err := trunk.stop(); err != nil {
		t.Fatal(err)
	}
	from.command(t, true, "restored into", "backup", "restore", "--force", file)
	if n := count(from.start(t, nil, "--listen", "127.0.0.1:0")); n != 3 {
		t.Errorf("after going back there are %d campaigns", n)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has signing keys in it, and the mode %v, %v", info.Mode(), err)
	}
}

func TestABackupGoesThroughAPipeAndALink(t *testing.T) {
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	p.command(t, true, "is up to date", "migrate", "up", "--backup", filepath.Join(t.TempDir(), "unused"))
	folder := t.TempDir()
	if err := os.Symlink("real", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "real"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.command(t, true, "is written", "backup", "create", "--out", filepath.Join(folder, "link"))
	if info, err := os.Lstat(filepath.Join(folder, "link")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	create := exec.CommandContext(t.Context(), banyanPath, "backup", "create", "--out", "-")
	create.Env, create.Dir = append(os.Environ(), p.env...), t.TempDir()
	text, err := create.Output()
	if err != nil {
		t.Fatal(err)
	}
	verify := exec.CommandContext(t.Context(), banyanPath, "backup", "verify", "-")
	verify.Env, verify.Dir, verify.Stdin = append(os.Environ(), p.env...), t.TempDir(), strings.NewReader(string(text))
	if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "whole") {
		t.Errorf("through a pipe: %v, %s", err, out)
	}
}

// command runs a command and requires that it succeeds, or not, and what it says.
func (p place) command(t *testing.T, succeeds bool, says string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), banyanPath, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), p.env...), t.TempDir()
	out, err := cmd.CombinedOutput()
	if (err == nil) != succeeds || !strings.Contains(string(out), says) {
		t.Errorf("banyan %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, says)
	}
}

// A backup of a site on PostgreSQL is made while it runs, and fits a folder of SQLite.
func TestABackupOfPostgreSQLIsRestoredIntoEither(t *testing.T) {
	file := filepath.Join(t.TempDir(), "backup")
	seeds := fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address)
	from := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + newPostgres(t), seeds}}
	site := from.start(t, nil, "--listen", "127.0.0.1:0")
	fill(t, from, site)
	settle(t, site)
	before := viewsOf(site)
	from.command(t, true, "made ", "backup", "create", "--out", file)
	from.command(t, false, "--force", "backup", "restore", file)
	write(t, site, newAuthor(62), "okx", 4) // after it
	for _, into := range []place{
		{[]string{"BANYAN_DATA=" + filepath.Join(t.TempDir(), "fresh"), seeds}},
		{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_URL=" + newPostgres(t), seeds}},
	} {
		into.command(t, true, "restored into", "backup", "restore", file)
		restored := into.start(t, nil, "--listen", "127.0.0.1:0")
		for what, text := range viewsOf(restored) {
			if before[what] != text {
				t.Errorf("%s changed:\nbefore: %s\nafter:  %s", what, before[what], text)
			}
		}
		if err := restored.stop(); err != nil {
			t.Error(err)
		}
	}
}
