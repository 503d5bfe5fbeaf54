package process_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"banyan/platform/certificates"
	"banyan/platform/testenv/natstest"
	"banyan/platform/testenv/testneeds"
)

// TestASecondSignalEndsTheProgramAtOnce: the first asks it to stop in good order,
// which may take as long as the settings say.
func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, []string{"BANYAN_HTTP_DRAIN_DELAY=1h"}, "--listen", "127.0.0.1:0")
	timeout := time.After(3 * time.Minute)
	for asked := 0; ; asked++ { // the first may still be under way when the second comes
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil && asked < 2 {
			t.Fatal(err)
		}
		select {
		case <-p.done:
			if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); asked == 0 || !status.Signaled() {
				t.Errorf("asked %d times it ended with %v:\n%s", asked+1, p.cmd.ProcessState, p.logged())
			}
			return
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			t.Fatalf("it still runs:\n%s", p.logged())
		}
	}
}

// TestAHangupReloads: service managers and log rotation send it, and so does a
// terminal that is closed.
func TestAHangupReloads(t *testing.T) {
	file := t.TempDir() + "/own.yaml"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log:\n  level: info\n")
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0", "--config", file)
	for _, step := range []struct{ text, logged string }{
		{"log:\n  level: debug\n", `"log.level":"debug"`},
		{"log:\n  level: debug\nhttp:\n  burst: 7\n", `"settings":"http.burst"`},
		{"log:\n  level: loud\n", "what was refused stays as it was"},
	} {
		write(step.text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the log says "+step.logged, func() bool { return strings.Contains(p.logged(), step.logged) })
	}
	if status, _, err := call(t.Context(), "GET", p.url+"/exchanges", "", nil, nil); err != nil || status != 200 {
		t.Errorf("after it: %d %v", status, err)
	}
}

// TestAHangupReloadsTakesAndCertificates: a file that is wrong is reported, and what
// it was to replace stays in force.
func TestAHangupReloadsTakesAndCertificates(t *testing.T) {
	folder := t.TempDir()
	for _, args := range [][]string{{"certs", "init"}, {"certs", "issue", "--name", certificates.Trunk}} {
		if code, _, errOut := banyan(t, append(args, "--dir", folder)...); code != exitOK {
			t.Fatal(errOut)
		}
	}
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the old page") }))
	t.Cleanup(old.Close)
	files, file := certificates.FilesIn(folder, certificates.Trunk), folder+"/own.yaml"
	take := func(percent int) {
		text := fmt.Sprintf("legacy:\n  url: %s\n  take: [\"/exchanges %d %%\"]\ntls:\n  cert: %s\n  key: %s\n  ca: %s\n", old.URL, percent, files.Cert, files.Key, files.CA)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	take(0)
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0", "--config", file)
	hangup := func() {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	isOld := func() bool {
		_, text, err := call(t.Context(), "GET", p.url+"/exchanges", "", nil, nil)
		return err == nil && strings.Contains(text, "the old page")
	}
	if !isOld() {
		t.Fatal("nothing is taken, and Banyan answers")
	}
	take(100)
	hangup()
	eventually(t, "the page is taken", func() bool { return !isOld() })
	if err := os.WriteFile(files.Cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	take(0)
	hangup()
	eventually(t, "the certificate is refused", func() bool { return strings.Contains(p.logged(), "not all was reloaded") })
	eventually(t, "the take is given back all the same", isOld)
}

// TestALogThatNobodyReadsDoesNotEndTheProgram: as in `banyan serve 2>&1 | head`.
func TestALogThatNobodyReadsDoesNotEndTheProgram(t *testing.T) {
	for _, command := range []string{"serve", "demo"} {
		t.Run(command, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			address := testneeds.Address(t)
			cmd := exec.CommandContext(t.Context(), banyanPath, command, "--listen", address)
			cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), write, write
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			if command == "serve" {
				cmd.Env = append(cmd.Env, "BANYAN_PUBLIC_URL=http://"+address, "BANYAN_DATA="+t.TempDir(), "BANYAN_ADMIN_LISTEN=127.0.0.1:0")
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(read.Close(), write.Close()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it serves", func() bool {
				status, _, err := call(t.Context(), "GET", "http://"+address+"/exchanges", "", nil, nil)
				return err == nil && status == 200
			})
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			for range 3 { // each is a line in the log
				if status, _, err := call(t.Context(), "GET", "http://"+address+"/nowhere", "", nil, nil); err != nil || status != 404 {
					t.Fatalf("answered %d, %v", status, err)
				}
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// TestAHangupChangesTheBroker: events go over to NATS and back while the program runs,
// and each counts once.
func TestAHangupChangesTheBroker(t *testing.T) {
	server := natstest.Start(t)
	file := t.TempDir() + "/own.yaml"
	carriedBy := func(kind string) {
		text := fmt.Sprintf("events:\n  broker: %s\n  nats:\n    url: [%s]\n    user: banyan\n    password: secret\n", kind, server.URL())
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	carriedBy("embedded")
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0", "--config", file)
	for n, kind := range []string{"embedded", "nats", "embedded"} {
		if n > 0 {
			carriedBy(kind)
			if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the broker has changed to "+kind, func() bool {
				return strings.Count(p.logged(), `"events.broker":"`+kind+`"`) == (n+1)/2
			})
		}
		write(t, p, newAuthor(n), "kraken", 4)
		eventually(t, "a review counts as activity through "+kind, func() bool { return activity(t, p, newAuthor(n)) == 1 })
	}
	if logged := p.logged(); !strings.Contains(logged, "connected to NATS") || strings.Contains(logged, "secret") {
		t.Errorf("the log should have the connection, and never the password:\n%s", logged)
	}
	for n := range 3 {
		if count := activity(t, p, newAuthor(n)); count != 1 {
			t.Errorf("review %d counts %d times", n, count)
		}
	}
}
