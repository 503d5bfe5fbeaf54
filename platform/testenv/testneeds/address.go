package testneeds

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The ports that tests choose among lie below those that systems hand out by
// themselves, to servers on port 0 and to outgoing connections.
const (
	firstPort = 10_000
	ports     = 20_000
)

// Address is host:port on the loopback interface where nobody listens, for a
// process that is started in a moment, or again after its end: until t ends, no
// other server or connection gets the port by chance. The UDP port of the same
// number is held meanwhile, which tells other tests' processes.
func Address(t testing.TB) string {
	t.Helper()
	var listen net.ListenConfig
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports))) //nolint:gosec // chance, not secrecy
		held, err := listen.ListenPacket(t.Context(), "udp", address)
		if err != nil {
			continue
		}
		free, err := listen.Listen(t.Context(), "tcp", address)
		if err != nil {
			_ = held.Close()
			continue
		}
		_ = free.Close() // nothing was connected: it is free at once
		t.Cleanup(func() { _ = held.Close() })
		return address
	}
	t.Fatalf("no port from %d to %d is free: stop what listens there", firstPort, firstPort+ports-1)
	return ""
}
