// Package redistest runs a Redis server for tests, which can be stopped and started
// again. It is imported by tests only.
package redistest

import (
	"net"
	"os/exec"
	"testing"
	"time"

	"banyan/platform/testenv/testneeds"
)

// Password is what the server asks for.
const Password = "secret"

// Server is a Redis server of one test.
type Server struct {
	t       testing.TB
	program string
	address string
	folder  string
	command *exec.Cmd // nil while it is stopped
}

// Start starts a server that ends with the test. Without the program redis-server the
// test is skipped, or fails if BANYAN_TEST_REQUIRE names redis.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		testneeds.Missing(t, testneeds.Redis, "there is no redis-server: install the package of this name")
	}
	s := &Server{t: t, program: program, address: testneeds.Address(t), folder: t.TempDir()}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// URL returns the server's address; it stays the same over restarts.
func (s *Server) URL() string { return "redis://" + s.address }

// Start starts the server, empty, and returns when it listens.
func (s *Server) Start() {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	s.command = exec.Command(s.program, "--bind", host, "--port", port, "--dir", s.folder, "--save", "", "--requirepass", Password) //nolint:gosec,noctx // ended by Stop
	if err := s.command.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-ticker.C {
		conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.address)
		if err == nil {
			_ = conn.Close() // it was opened
			return
		}
	}
	s.t.Fatal("redis-server does not listen")
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
