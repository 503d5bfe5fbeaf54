package certificates_test

import (
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/platform/certificates"
	"banyan/platform/fault"
)

// start is when the tests' certificates are created.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// authority returns a folder with a new authority.
func authority(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "certs")
	if _, err := certificates.Init(folder, start); err != nil {
		t.Fatal(err)
	}
	return folder
}

func issue(t *testing.T, folder, name string, now time.Time) certificates.Files {
	t.Helper()
	if _, err := certificates.Issue(folder, certificates.Request{Name: name}, now); err != nil {
		t.Fatal(err)
	}
	return certificates.FilesIn(folder, name)
}

func TestIssueAndRenew(t *testing.T) {
	folder := authority(t)
	first, err := certificates.Issue(folder, certificates.Request{Name: "reputation", Hosts: []string{"rep.internal", "10.0.0.7", "::1"}}, start)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "reputation" || !slices.Equal(first.Hosts, []string{"rep.internal", "10.0.0.7", "::1"}) ||
		!first.Until.Equal(start.Add(certificates.DefaultLife)) || !first.From.Before(start) {
		t.Errorf("issued %+v", first)
	}
	files := certificates.FilesIn(folder, "reputation")
	for path, mode := range map[string]fs.FileMode{files.Key: 0o600, files.Cert: 0o644, filepath.Join(folder, "ca.key"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, mode)
		}
	}
	keyBefore, _ := os.ReadFile(files.Key)
	again, err := certificates.Issue(folder, certificates.Request{Name: "reputation"}, start.Add(300*day))
	if err != nil || !slices.Equal(again.Hosts, first.Hosts) || !again.Until.Equal(start.Add(300*day+certificates.DefaultLife)) {
		t.Errorf("renewed %+v, %v", again, err)
	}
	if key, _ := os.ReadFile(files.Key); string(key) == string(keyBefore) || again.Serial == first.Serial {
		t.Error("the renewed certificate has the old key or serial number")
	}
	fresh, err := certificates.Issue(folder, certificates.Request{Name: "airdrop", Life: 2 * day}, start)
	if err != nil || !slices.Equal(fresh.Hosts, []string{"airdrop", "localhost", "127.0.0.1", "::1"}) || !fresh.Until.Equal(start.Add(2*day)) {
		t.Errorf("without hosts: %+v, %v", fresh, err)
	}
	last, err := certificates.Issue(folder, certificates.Request{Name: "trunk"}, start.Add(certificates.AuthorityLife-30*day))
	if err != nil || !last.Until.Equal(start.Add(certificates.AuthorityLife)) {
		t.Errorf("a certificate outlives its authority: %+v, %v", last, err)
	}
	all, err := certificates.List(folder)
	if err != nil || len(all) != 4 || !all[0].Authority || all[1].Name != "airdrop" || all[3].Name != "trunk" {
		t.Errorf("listed %+v, %v", all, err)
	}
	left, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestWhatCannotBeIssued(t *testing.T) {
	folder, empty := authority(t), t.TempDir()
	foreign := authority(t)
	mixed := t.TempDir()
	for name, from := range map[string]string{"ca.crt": folder, "ca.key": foreign} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(mixed, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what   string
		folder string
		r      certificates.Request
		now    time.Time
		code   fault.Code
		says   string
	}{
		{"a name with a path in it", folder, certificates.Request{Name: "../ca"}, start, fault.Invalid, "not a name of a process"},
		{"the authority's name", folder, certificates.Request{Name: "ca"}, start, fault.Invalid, "authority"},
		{"no name", folder, certificates.Request{}, start, fault.Invalid, "not a name"},
		{"a URL as host", folder, certificates.Request{Name: "a", Hosts: []string{"https://x"}}, start, fault.Invalid, "without scheme"},
		{"a port", folder, certificates.Request{Name: "a", Hosts: []string{"x:80"}}, start, fault.Invalid, "and port"},
		{"too long", folder, certificates.Request{Name: "a", Life: 900 * day}, start, fault.Invalid, "825 days"},
		{"no authority", empty, certificates.Request{Name: "a"}, start, fault.NotFound, "certs init"},
		{"another authority's key", mixed, certificates.Request{Name: "a"}, start, fault.Conflict, "is not the key of"},
		{"an authority that has ended", folder, certificates.Request{Name: "a"}, start.Add(certificates.AuthorityLife + day), fault.Conflict, "ended on"},
	} {
		if _, err := certificates.Issue(c.folder, c.r, c.now); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	before, _ := os.ReadFile(filepath.Join(folder, "ca.key"))
	if _, err := certificates.Init(folder, start); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second authority in one folder: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(folder, "ca.key")); string(after) != string(before) {
		t.Error("the authority's key was replaced")
	}
	if _, err := certificates.List(empty); !fault.Is(err, fault.NotFound) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestOpenRefusesCertificatesThatPeersReject(t *testing.T) {
	folder, other := authority(t), authority(t)
	good := issue(t, folder, "reputation", start)
	stranger := issue(t, other, "reputation", start)
	open := func(f certificates.Files, name string, now time.Time) error {
		_, err := certificates.Open(f, certificates.Options{Name: name, Now: func() time.Time { return now }})
		return err
	}
	if err := open(good, "reputation", start); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		err  error
		says string
	}{
		{"one file is not set", open(certificates.Files{Cert: good.Cert, CA: good.CA}, "reputation", start), "tls.key"},
		{"a file is missing", open(certificates.Files{Cert: good.Cert, Key: good.Key, CA: "nowhere"}, "reputation", start), "nowhere"},
		{"another's key", open(certificates.Files{Cert: good.Cert, Key: stranger.Key, CA: good.CA}, "reputation", start), "not a certificate and its key"},
		{"another authority", open(certificates.Files{Cert: stranger.Cert, Key: stranger.Key, CA: good.CA}, "reputation", start), "certs issue --name reputation"},
		{"another process's certificate", open(good, "airdrop", start), `names "reputation" and this process is "airdrop"`},
		{"it has ended", open(good, "reputation", start.Add(366*day)), "certs issue --name reputation"},
		{"it is not valid yet", open(good, "reputation", start.Add(-day)), "certs issue"},
		{"the authority's own", open(certificates.Files{Cert: good.CA, Key: filepath.Join(folder, "ca.key"), CA: good.CA}, "reputation", start), `names ""`},
	} {
		if !fault.Is(c.err, fault.Invalid) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
	if _, ok := certificates.PeerName(nil); ok {
		t.Error("a connection without TLS has a name")
	}
	if _, ok := certificates.PeerName(&tls.ConnectionState{}); ok {
		t.Error("a connection without certificates has a name")
	}
}
