// Package loopback knows the names under which a machine reaches itself and
// nobody else does.
package loopback

import (
	"net/netip"
	"strings"
)

// Host reports whether a host, without port and brackets, means this machine
// whoever resolves it: an address of 127.0.0.0/8 or ::1, localhost, or a name
// below it, which browsers never ask a name server for (RFC 6761, 6.3). Any
// other name may lead here, too, for whoever owns it says where it leads.
func Host(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
