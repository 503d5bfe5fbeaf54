package process_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/testenv/natstest"
	"banyan/platform/testenv/testneeds"
)

// TestTheDoctorNamesWhatDoesNotWork: each line says what is wrong and where, and the
// exit code that something is.
func TestTheDoctorNamesWhatDoesNotWork(t *testing.T) {
	broken := testneeds.Address(t) // nobody listens there
	file := filepath.Join(t.TempDir(), "own.yaml")
	settings := `
modules:
  airdrop: {mode: remote, url: "http://` + broken + `"}
chain:
  private: true
  nodes: ["1 http://` + broken + `/the-key"]
identity:
  oidc: {issuer: "http://` + broken + `", client_id: banyan, client_secret: the-client-secret}
events:
  broker: nats
  nats: {url: ["nats://` + broken + `"], user: banyan, password: the-password}
`
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := banyan(t, "doctor", "--config", file)
	if code != 1 || !strings.Contains(errOut, "something does not work") {
		t.Errorf("it ended with %d: %s", code, errOut)
	}
	for _, want := range []string{
		"FAILURE  module airdrop at http://" + broken, "nobody listens there",
		"FAILURE  node of chain 1 http://" + broken + "/***",
		"FAILURE  broker of events", "credentials",
		"FAILURE  provider of sign-ins", "check identity.oidc.issuer",
		"ok       settings",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for _, secret := range []string{"the-key", "the-password", "the-client-secret"} {
		if strings.Contains(out+errOut, secret) {
			t.Errorf("it prints the secret %s:\n%s", secret, out)
		}
	}
}

func TestTheDoctorFindsAHealthySiteHealthy(t *testing.T) {
	server := natstest.Start(t)
	eachPlace(t, func(t *testing.T, p place) {
		admin := testneeds.Address(t)
		p.env = append(p.env, "BANYAN_EVENTS_BROKER=nats", "BANYAN_EVENTS_NATS_URL="+server.URL(), "BANYAN_EVENTS_NATS_USER=banyan", "BANYAN_EVENTS_NATS_PASSWORD=secret",
			"BANYAN_EVENTS_NATS_PREFIX="+strings.ReplaceAll(t.Name()[len(t.Name())-6:], "/", "_"))
		p.start(t, []string{"BANYAN_ADMIN_LISTEN=" + admin}, "--listen", "127.0.0.1:0")
		p.env = append(p.env, "BANYAN_ADMIN_LISTEN="+admin)
		p.command(t, true, "is ready, says http://"+admin, "doctor")
		p.command(t, true, `"grade": "ok"`, "doctor", "--json")
	})
}

// TestASupportBundleHasNoSecret: it is sent to strangers.
func TestASupportBundleHasNoSecret(t *testing.T) {
	secrets := []string{"sesame-token", "sesame-password", strings.Repeat("5ea1", 16)}
	admin := testneeds.Address(t)
	p := place{[]string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_EVENTS_NATS_TOKEN=" + secrets[0],
		"BANYAN_IDENTITY_SEAL_KEY=" + secrets[2], "BANYAN_ADMIN_LISTEN=" + admin,
	}}
	site := p.start(t, []string{"BANYAN_ADMIN_LISTEN=" + admin}, "--listen", "127.0.0.1:0")
	writer := newAuthor(3)
	write(t, site, writer, "kraken", 4)
	out := filepath.Join(t.TempDir(), "support.tar.gz")
	p.command(t, true, "read them before you send it", "support", "bundle", "--out", out)
	p.command(t, false, "file exists", "support", "bundle", "--out", out)
	files := decompress(t, out)
	for name, want := range map[string]string{
		"program.json": `"version"`, "settings.yaml": "public_url", "doctor.txt": "is ready, says", "databases.json": "Migrations",
		"events.json": `"consumer": "reputation"`, "readyz.txt": "ready", "metrics.txt": "banyan_events_waiting",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s has no %q:\n%.500s", name, want, files[name])
		}
	}
	wallet := strings.ToLower(strings.TrimPrefix(writer.address.String(), "0x"))
	for name, text := range files {
		for _, secret := range append(secrets, wallet) {
			if strings.Contains(strings.ToLower(text), secret) {
				t.Errorf("%s contains %s", name, secret)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), banyanPath, "support", "bundle", "--out", "-")
	cmd.Env, cmd.Dir = append(os.Environ(), p.env...), t.TempDir()
	if text, err := cmd.Output(); err != nil || len(text) < 100 || text[0] != 0x1f {
		t.Errorf("to standard output: %v, %d bytes", err, len(text))
	}
}

// decompress returns the files of a bundle by their names.
func decompress(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was read
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for archive := tar.NewReader(packed); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(head.Name, "banyan-support/")] = string(text)
	}
}
