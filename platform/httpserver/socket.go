package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"banyan/platform/config"
)

// socketMode lets every user of this machine connect, as to a port of loopback; the
// rights of the folder can keep some out.
const socketMode = 0o666

// onSocket is whom a request over a socket is from: somebody on this machine, whose
// word about its clients counts where that of loopback does.
var onSocket = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// open opens the address, which may be that of a socket.
func (l *listening) open() (net.Listener, error) {
	path, isSocket := config.SocketPath(l.address)
	// Binding does not block, so there is nothing to cancel.
	if !isSocket {
		return new(net.ListenConfig).Listen(context.Background(), "tcp", l.address)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("let others connect to %s: %w", path, err), listener.Close())
	}
	return listener, nil
}

// removeStale removes the socket of a program that did not end by itself. Nothing
// else is ever removed.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&os.ModeSocket == 0:
		return fmt.Errorf("%s is there and is not a socket: choose another path: %w", path, syscall.EEXIST)
	}
	c, err := (&net.Dialer{}).DialContext(context.Background(), "unix", path) // of this machine: it is refused at once
	if err == nil {
		_ = c.Close() // it was opened to find out only
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
