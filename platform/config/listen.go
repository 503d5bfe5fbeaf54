package config

import "strings"

// SocketPrefix begins the address of a socket: unix:/run/banyan.sock.
const SocketPrefix = "unix:"

// SocketPath returns the path in the address of a socket, and whether it is one.
func SocketPath(address string) (path string, ok bool) {
	return strings.CutPrefix(address, SocketPrefix)
}

// maxSocketPath is how long a path may be everywhere (sun_path has 104 to 108 bytes).
const maxSocketPath = 103

// ListenAddress requires host:port, or unix:PATH of a socket.
func (c *Checks) ListenAddress(key, address string) {
	path, isSocket := SocketPath(address)
	switch {
	case !isSocket:
		c.Address(key, address)
	case path == "" || strings.HasPrefix(path, "//") || strings.Contains(path, "\x00"):
		c.Wrong(key, "%q is not a socket: write unix: and its path, like unix:/run/banyan/banyan.sock", address)
	case len(path) > maxSocketPath:
		c.Wrong(key, "has a path of %d bytes, and the system takes %d: choose a shorter one", len(path), maxSocketPath)
	}
}
