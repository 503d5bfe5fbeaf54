package httpserver_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/httpserver"
	"banyan/platform/telemetry"
)

// over asks at a socket.
func over(t *testing.T, socket, path string, headers ...string) answer {
	t.Helper()
	r := request(t, "GET", "http://banyan.test"+path, "", headers...)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var text strings.Builder
	if _, err := fmt.Fprint(&text, resp.Header.Get("X-Client")); err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: text.String()}
}

func TestASocketServesPagesAndTheAdminAddress(t *testing.T) {
	folder := t.TempDir()
	socket, admin := filepath.Join(folder, "s"), filepath.Join(folder, "admin")
	// A socket of a program that was killed is in the way, and is taken.
	stale, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = stale.Close()
	s := start(t, func(o *httpserver.Options) {
		o.Listen, o.AdminListen = "unix:"+socket, "unix:"+admin
		o.Limits.TrustedProxies = []string{"1"}
		o.Admin = telemetry.Admin(telemetry.AdminOptions{Gatherer: telemetry.NewRegistry(), Health: telemetry.NewHealth()})
	}, func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Client", httpserver.ClientIP(r.Context()).String())
		})
	})
	if s.Addr() != "unix:"+socket || s.AdminAddr() != "unix:"+admin {
		t.Errorf("the addresses are %s and %s", s.Addr(), s.AdminAddr())
	}
	if a := over(t, socket, "/", "X-Forwarded-For", "203.0.113.7"); a.status != http.StatusOK || a.body != "203.0.113.7" {
		t.Errorf("through a proxy: %d, client %s", a.status, a.body)
	}
	if a := over(t, socket, "/"); a.body != "127.0.0.1" {
		t.Errorf("without a proxy the client is %s", a.body)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if a := over(t, admin, path); a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
	}
	for name, file := range map[string]string{"is in use": socket, "is not a socket": filepath.Join(folder, "file"), "cannot listen": filepath.Join(folder, "none", "s")} {
		if name == "is not a socket" {
			writeFile(t, file, "data")
		}
		other, err := httpserver.New(httpserver.Options{Listen: "unix:" + file, PublicURL: "http://banyan.test", Limits: limits(), Logger: slog.New(slog.DiscardHandler), Health: telemetry.NewHealth()})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Listen(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "listen") {
			t.Errorf("%s: %v", file, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(folder, "file")); err != nil || string(text) != "data" {
		t.Error("a file was taken for a socket, and is gone")
	}
}
