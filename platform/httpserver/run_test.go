package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
	"banyan/platform/telemetry"
)

func TestAnAddressInUseIsSaidWithWhatToDo(t *testing.T) {
	taken := start(t, nil, nil)
	for _, c := range []struct{ listen, admin, want string }{
		{taken.Addr(), "", "the setting listen"},
		{"127.0.0.1:0", taken.Addr(), "the setting admin.listen"},
		{"203.0.113.1:0", "", "not an address of this machine"},
	} {
		s, err := httpserver.New(httpserver.Options{
			Listen: c.listen, AdminListen: c.admin, Admin: http.NotFoundHandler(),
			PublicURL: "http://x.test", Limits: limits(), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("listen %s, admin %s: %v", c.listen, c.admin, err)
		}
	}
	if _, err := httpserver.New(httpserver.Options{PublicURL: "banyan", Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a public URL without a host was taken")
	}
}

func TestAStopLetsRunningRequestsFinishAndTakesNoNewOnes(t *testing.T) {
	health := telemetry.NewHealth()
	begun, finish := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *httpserver.Options) {
		o.Health, o.AdminListen = health, "127.0.0.1:0"
		o.Admin = telemetry.Admin(telemetry.AdminOptions{Gatherer: telemetry.NewRegistry(), Health: health})
	}, func(r chi.Router) {
		r.Get("/api/slow", func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-finish
			if err := r.Context().Err(); err != nil {
				t.Errorf("the stop ended a running request's context: %v", err)
			}
			fmt.Fprint(w, "finished")
		})
		r.Get("/api/events", func(w http.ResponseWriter, r *http.Request) {
			requestctx.AllowStream(r.Context())
			_ = http.NewResponseController(w).Flush()
			<-httpserver.Draining(r.Context())
			fmt.Fprint(w, "goodbye")
		})
	})
	admin := "http://" + s.AdminAddr()
	if a := do(t, request(t, "GET", admin+"/readyz", "")); a.status != 200 {
		t.Fatalf("not ready: %s", a.body)
	}
	slow := make(chan answer, 1)
	go func() {
		a, err := try(request(t, "GET", s.url+"/api/slow", ""))
		if err != nil {
			t.Errorf("the running request was cut off: %v", err)
		}
		slow <- a
	}()
	<-begun
	events := dial(t, s)
	fmt.Fprint(events, "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
	stream := bufio.NewReader(events)
	if line, err := stream.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}

	s.stop()
	if rest, err := io.ReadAll(stream); err != nil || !strings.Contains(string(rest), "goodbye") {
		t.Errorf("the stream was not told to end: %q, %v", rest, err)
	}
	// The stream has ended, so the stop has begun: not ready, no new connections.
	if a := do(t, request(t, "GET", admin+"/readyz", "")); a.status != 503 || !strings.Contains(a.body, "draining") {
		t.Errorf("the admin address says %d %s", a.status, a.body)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the stopping server still takes connections")
		}
	}
	select {
	case err := <-s.done:
		t.Errorf("Run returned (%v) while a request was running", err)
	default:
	}
	close(finish)
	if a := <-slow; a.status != 200 || a.body != "finished" {
		t.Errorf("the running request got %d %q", a.status, a.body)
	}
	if err := <-s.done; err != nil {
		t.Errorf("a clean stop says %v", err)
	}
}

func TestTheGraceEndsAndSaysSo(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	s := start(t, func(o *httpserver.Options) { o.Limits.ShutdownGrace = 20 * time.Millisecond }, func(r chi.Router) {
		r.Get("/", func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
			ended <- context.Cause(r.Context())
		})
	})
	conn := dial(t, s)
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	s.stop()
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "http.shutdown_grace") {
		t.Errorf("Run says %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the handler was left running with a live context")
	}
}

func TestRequestsAreTakenDuringTheDrainDelay(t *testing.T) {
	t.Parallel()
	health := telemetry.NewHealth()
	s := start(t, func(o *httpserver.Options) {
		o.Health, o.Limits.DrainDelay = health, time.Second
	}, func(r chi.Router) { r.Get("/", text("still here")) })
	s.stop()
	for health.Ready(t.Context()).Ready() { // until the stop has begun
		time.Sleep(time.Millisecond)
	}
	if a := do(t, request(t, "GET", s.url, "")); a.body != "still here" {
		t.Errorf("a load balancer that has not noticed yet gets %d %q", a.status, a.body)
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}
