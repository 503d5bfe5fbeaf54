package databasetest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"banyan/platform/testenv/testneeds"
)

// nobody runs PgBouncer, which refuses to run as root.
const nobody = 65534

// PgBouncer starts one in front of the test server until the test ends, in one of
// its pool modes ("session", "transaction", "statement") and with more lines of
// configuration, and returns the URLs of the test database through it: over TCP, and
// over a Unix socket. Without
// PgBouncer the test is skipped, or fails if BANYAN_TEST_REQUIRE names pgbouncer.
func PgBouncer(t testing.TB, mode string, more ...string) (server, socket string) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian keeps it where users do not look
		_, err = os.Stat(program)
	}
	if err != nil {
		testneeds.Missing(t, testneeds.PgBouncer, "there is no pgbouncer: install the package of this name")
	}
	behind, err := pgx.ParseConfig(testneeds.PostgresURL())
	if err != nil {
		t.Fatalf("BANYAN_TEST_POSTGRES is not a PostgreSQL URL: %v", err)
	}
	address := testneeds.Address(t)
	_, port, _ := net.SplitHostPort(address)
	folder := bouncerFolder(t)
	database := fmt.Sprintf("%s = host=%s port=%d dbname=%s user=%s", behind.Database, behind.Host, behind.Port, behind.Database, behind.User)
	if behind.Password != "" { // an empty one is a syntax error to PgBouncer
		database += " password='" + behind.Password + "'"
	}
	lines := append([]string{
		"[databases]",
		database,
		"[pgbouncer]",
		"listen_addr = 127.0.0.1", "listen_port = " + port, "unix_socket_dir = " + folder,
		"auth_type = any", "pool_mode = " + mode,
		"ignore_startup_parameters = synchronous_commit", // see withoutSync
	}, more...)
	settings := filepath.Join(folder, "pgbouncer.ini")
	if err := os.WriteFile(settings, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil { //nolint:gosec // read by nobody
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, settings) //nolint:gosec // found above
	if os.Geteuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	said, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatalf("start pgbouncer: %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()         // killed
		_ = said.Close()
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("pgbouncer (%v) says:\n%s", command.ProcessState, text[max(0, len(text)-4<<10):])
		}
	})
	answers(t, address, said.Name())
	u := url.URL{Scheme: "postgres", User: url.User(behind.User), Host: address, Path: "/" + behind.Database}
	return u.String(), "postgres:///" + behind.Database + "?" + url.Values{"host": {folder}, "port": {port}, "user": {behind.User}}.Encode()
}

// bouncerFolder is a folder with a path short enough for a Unix socket, which
// PgBouncer may enter and write in as the user that it runs as.
func bouncerFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "pgb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if os.Geteuid() != 0 {
		return folder
	}
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return folder
}

// answers waits until something listens there.
func answers(t testing.TB, address, said string) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	dialer := net.Dialer{}
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); <-ticker.C {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
	}
	text, _ := os.ReadFile(said)
	t.Fatalf("pgbouncer does not listen: %s", text)
}
