// Package natstest runs a NATS server with JetStream for tests, which can be stopped,
// started again and emptied. It is imported by tests only.
package natstest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"banyan/platform/testenv/testneeds"
)

// Server is a NATS server of one test.
type Server struct {
	t       testing.TB
	program string
	address string
	folder  string
	command *exec.Cmd // nil while it is stopped
}

// timeout is how long a server may take to listen.
const timeout = 30 * time.Second

// Start starts a server that ends with the test. Without the program nats-server the
// test is skipped, or fails if BANYAN_TEST_REQUIRE names nats.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program = "/usr/sbin/nats-server" // Debian keeps it where users do not look
		if _, err = os.Stat(program); err != nil {
			testneeds.Missing(t, testneeds.NATS, "there is no nats-server: install the package of this name")
		}
	}
	s := &Server{t: t, program: program, address: testneeds.Address(t), folder: t.TempDir()}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// URL returns the server's address; it stays the same over restarts.
func (s *Server) URL() string { return "nats://" + s.address }

// Start starts the server with what its folder has, and returns when it listens.
func (s *Server) Start() {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	log, err := os.Create(filepath.Join(s.folder, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()                                                                                                                   // the server has its own handle
	command := exec.Command(s.program, "-a", host, "-p", port, "-js", "-sd", filepath.Join(s.folder, "jetstream"), "-user", "banyan", "-pass", "secret") //nolint:gosec,noctx // ended by Stop
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		s.t.Fatalf("start nats-server: %v", err)
	}
	s.command = command
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); <-ticker.C {
		conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return
		}
	}
	text, _ := os.ReadFile(log.Name())
	s.t.Fatalf("nats-server does not listen: %s", text)
}

// Stop kills the server, as a crash does.
func (s *Server) Stop() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill() // it may have ended
	_ = s.command.Wait()         // killed
	s.command = nil
}

// Wipe deletes all streams of a stopped server.
func (s *Server) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.folder, "jetstream")); err != nil {
		s.t.Fatal(err)
	}
}
