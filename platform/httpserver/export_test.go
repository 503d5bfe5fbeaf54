package httpserver

import "context"

// TLSAddr is where the server listens with TLS for other processes; "" without
// Options.TLSListen.
func (s *Server) TLSAddr() string { return s.inner.where() }

// ShareOnce is one exchange of ShareLimits.
func (s *Server) ShareOnce(ctx context.Context) error {
	_, err := s.shareOnce(ctx)
	return err
}
