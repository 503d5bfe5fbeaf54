// Package loopback recognises the hosts that are always this machine.
package loopback

import (
	"net/netip"
	"strings"
)

// Host reports whether a host, without port and brackets, is this machine for every
// resolver: an address of 127.0.0.0/8 or ::1, localhost, or a name
// below it, which browsers never ask a name server for (RFC 6761, 6.3). Any
// other name may resolve to this machine, but its owner decides that.
func Host(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
