package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"banyan/platform/config"
	"banyan/platform/plain"
)

// listening is one address and its server.
type listening struct {
	setting  string // the setting with the address
	address  string
	server   *http.Server
	tls      *tls.Config  // nil = plain
	seats    *connections // nil = connections are not counted
	listener net.Listener
	mayMove  bool // when the address is in use, the system chooses another port
}

func (l *listening) listen() error {
	if l.listener != nil || l.address == "" {
		return nil
	}
	listener, err := l.open()
	if l.mayMove && errors.Is(err, syscall.EADDRINUSE) {
		if host, _, splitErr := net.SplitHostPort(l.address); splitErr == nil {
			l.address = net.JoinHostPort(host, "0")
			listener, err = l.open()
		}
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use: stop the program that listens there, or choose another address with the setting %s: %w", l.address, l.setting, err)
	case errors.Is(err, syscall.EACCES) && strings.HasPrefix(l.address, config.SocketPrefix):
		return fmt.Errorf("%s may not be made by this user: give it a folder in which this user may write, or choose another path with the setting %s: %w", l.address, l.setting, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be used by this user: choose a port above 1023 with the setting %s: %w", l.address, l.setting, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine: choose another with the setting %s: %w", l.address, l.setting, err)
	case err != nil:
		return fmt.Errorf("cannot listen on %s (setting %s): %w", l.address, l.setting, err)
	}
	if !plain.On {
		listener = lazyListener{listener}
	}
	if l.seats != nil {
		listener = seats{listener, l.seats, l.tls != nil}
	}
	if l.tls != nil {
		listener = tls.NewListener(listener, l.tls)
	}
	l.listener = listener
	return nil
}

func (l *listening) where() string {
	if l.listener == nil {
		return ""
	}
	if l.listener.Addr().Network() == "unix" {
		return config.SocketPrefix + l.listener.Addr().String()
	}
	return l.listener.Addr().String()
}

// Listen opens the addresses, so that Addr is known and a port in use is an
// error before anything else starts.
func (s *Server) Listen() error {
	if err := s.checkBase(); err != nil {
		return err
	}
	all := s.listenings()
	for i, l := range all {
		if err := l.listen(); err != nil {
			for _, opened := range all[:i] {
				if opened.listener != nil {
					_ = opened.listener.Close() // the other error is returned
					opened.listener = nil
				}
			}
			return err
		}
	}
	return nil
}

func (s *Server) listenings() []*listening { return []*listening{&s.admin, &s.inner, &s.main} }

// Addr returns the address of the listener, with the port that the system chose for
// :0; "" before Listen.
func (s *Server) Addr() string { return s.main.where() }

// AdminAddr is Addr of Options.AdminListen; "" also without one.
func (s *Server) AdminAddr() string { return s.admin.where() }

// Run serves until ctx ends, then stops gracefully. It returns nil after a
// clean stop, and an error when it could not listen, stopped on its own, or
// had to interrupt requests after shutdown_grace. Call it once.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	var running sync.WaitGroup
	ended := make(chan error, len(s.listenings()))
	for _, l := range s.listenings() {
		if l.listener == nil {
			continue
		}
		running.Go(func() {
			if err := l.server.Serve(l.listener); !errors.Is(err, http.ErrServerClosed) {
				ended <- fmt.Errorf("serving %s ended: %w", l.where(), err)
			}
		})
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-ended:
	}
	stopped := s.stop(failed == nil)
	running.Wait()
	return errors.Join(failed, stopped)
}

// stop follows the life cycle in Server's comment. The admin address is closed last:
// "draining" is read there.
func (s *Server) stop(delay bool) error {
	if s.options.Health != nil {
		s.options.Health.Drain()
	}
	if delay {
		time.Sleep(s.options.Limits.DrainDelay) // the caller's context has ended already
	}
	close(s.draining)
	// The caller's context has ended: the grace needs one of its own.
	grace, cancel := context.WithTimeout(context.Background(), s.options.Limits.ShutdownGrace)
	defer cancel()
	err := s.main.server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests were still running %s after the stop began and were interrupted: raise http.shutdown_grace to let them finish", s.options.Limits.ShutdownGrace)
		_ = s.main.server.Close() // the error above reports it
	}
	_ = s.admin.server.Close() // probes and scrapes lose nothing
	return err
}
