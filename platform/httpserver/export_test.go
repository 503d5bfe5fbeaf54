package httpserver

// TLSAddr is where the server listens with TLS for other processes; "" without
// Options.TLSListen.
func (s *Server) TLSAddr() string { return s.inner.where() }
