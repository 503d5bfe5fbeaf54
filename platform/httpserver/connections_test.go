package httpserver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/httpserver"
)

// dialed is a client's connection.
func dialed(t *testing.T, s *running) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// asked sends a request over a connection; without an answer the status is 0.
func asked(t *testing.T, c net.Conn) (status int, body string) {
	t.Helper()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // to a connection that is closed already, perhaps
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAClientHasSoManyConnections(t *testing.T) {
	s := start(t, func(o *httpserver.Options) { o.Limits.ConnectionsPerClient = 2 }, func(r chi.Router) { r.Get("/", text("x")) })
	first, second := dialed(t, s), dialed(t, s)
	for _, c := range []net.Conn{first, second} {
		if status, _ := asked(t, c); status != http.StatusOK {
			t.Fatalf("a connection within the limit: %d", status)
		}
	}
	refused, err := http.ReadResponse(bufio.NewReader(dialed(t, s)), nil) // before it asks for anything
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(refused.Body) // the check below sees what was read
	if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "too many connections") {
		t.Errorf("a connection over the limit: %d %s", refused.StatusCode, body)
	}
	// One that is closed makes room for another.
	_ = first.Close()
	for status := 0; status != http.StatusOK; {
		status, _ = asked(t, dialed(t, s)) // until the server has seen it close
	}
	proxied := start(t, func(o *httpserver.Options) {
		o.Limits.ConnectionsPerClient, o.Limits.TrustedProxies = 1, []string{"127.0.0.0/8"}
	}, func(r chi.Router) { r.Get("/", text("x")) })
	for range 3 {
		if status, _ := asked(t, dialed(t, proxied)); status != http.StatusOK {
			t.Errorf("a trusted proxy is refused: %d", status)
		}
	}
}

// connectionMetrics are the values by name and labels.
func connectionMetrics(t *testing.T, s *running) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.Server)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}

// untilOneWaits returns when the server has noted that a connection waits for a request:
// a client has its answer a moment earlier.
func untilOneWaits(t *testing.T, s *running) {
	t.Helper()
	for connectionMetrics(t, s)["banyan_http_connections waiting"] != 1 {
		time.Sleep(time.Millisecond)
	}
}

// TestWhoWaitsLongestMakesRoom: connections that do nothing keep nobody out, and
// those with a request under way stay.
func TestWhoWaitsLongestMakesRoom(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *httpserver.Options) { o.Limits.Connections = 2 }, func(r chi.Router) {
		r.Get("/", text("x"))
		r.Get("/long", func(w http.ResponseWriter, _ *http.Request) {
			entered <- struct{}{}
			<-leave
			fmt.Fprint(w, "long")
		})
	})
	busy := dialed(t, s)
	fmt.Fprint(busy, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	idle := dialed(t, s)
	if status, _ := asked(t, idle); status != http.StatusOK {
		t.Fatalf("the idle connection: %d", status)
	}
	untilOneWaits(t, s)
	if status, _ := asked(t, dialed(t, s)); status != http.StatusOK {
		t.Errorf("a new client is refused while another does nothing: %d", status)
	}
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the connection that waited longest is still open")
	}
	untilOneWaits(t, s)
	others := []net.Conn{dialed(t, s)}
	fmt.Fprint(others[0], "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	if status, body := asked(t, dialed(t, s)); status != http.StatusServiceUnavailable || !strings.Contains(body, "too many connections are open") {
		t.Errorf("with requests under way on all: %d %s", status, body)
	}
	close(leave)
	for _, c := range append(others, busy) {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("a request under way was cut off: %v", err)
		}
	}
	got := connectionMetrics(t, s)
	if len(got) != 8 || got["banyan_http_connections_refused_total waited_longest"] == 0 || got["banyan_http_connections_refused_total connections"] != 1 {
		t.Errorf("the metrics are %v", got)
	}
}
