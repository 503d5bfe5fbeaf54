package client

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// Calls that come at once after Warm find connections that are open.
func TestWarmOpensConnections(t *testing.T) {
	const connections = 4
	var opened atomic.Int64
	var all sync.WaitGroup // until each has its connection
	all.Add(connections)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		all.Done()
		all.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	r, err := New(Target{Module: "m", Path: "/api/v1/m", Version: 1}, Options{URLs: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Warm(t.Context(), connections)
	if n := opened.Load(); n != connections {
		t.Fatalf("%d connections were opened", n)
	}
	all.Add(connections)
	var calls sync.WaitGroup
	for range connections {
		calls.Go(func() {
			resp, err := (*r.endpoints.Load())[0].transport.RoundTrip(httptest.NewRequest(http.MethodGet, server.URL, nil))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
	calls.Wait()
	if n := opened.Load(); n != connections {
		t.Errorf("%d connections were opened for calls that found some", n-connections)
	}
}
