package testneeds

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The range of ports for tests is below the one from which systems assign ports to
// servers on port 0 and to outgoing connections.
const (
	firstPort = 10_000
	ports     = 20_000
)

// Address returns a free host:port on the loopback interface, for a process that is
// started later, or again after its end: until t ends, no other test gets the port.
// The UDP port of the same number is held meanwhile, as a lock between the processes
// of tests.
func Address(t testing.TB) string {
	t.Helper()
	var listen net.ListenConfig
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports))) //nolint:gosec // not a secret
		held, err := listen.ListenPacket(t.Context(), "udp", address)
		if err != nil {
			continue
		}
		free, err := listen.Listen(t.Context(), "tcp", address)
		if err != nil {
			_ = held.Close()
			continue
		}
		_ = free.Close() // nothing was connected: the port is free at once
		t.Cleanup(func() { _ = held.Close() })
		return address
	}
	t.Fatalf("no port from %d to %d is free: stop what listens there", firstPort, firstPort+ports-1)
	return ""
}
