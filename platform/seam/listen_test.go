package seam_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// listenAt serves at an address until the test ends.
func listenAt(t testing.TB, address string, h http.Handler) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close() // the one that httptest chose
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return server
}
