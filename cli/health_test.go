package cli

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthIsOneLineAndAnExitCode(t *testing.T) {
	program := testProgram(t)
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
		want   string
	}{
		"ready":           {200, `{"status":"ready","checks":{"database first":"ok"}}`, exitOK, "ready\n"},
		"not ready":       {503, `{"status":"not_ready","checks":{"a":"ok","database first":"is\nread-only"}}`, exitFailure, "not ready: database first: is read-only\n"},
		"stopping":        {503, `{"status":"draining"}`, exitFailure, "not ready: the program is stopping\n"},
		"another program": {200, `<html>`, exitFailure, "is not Banyan's admin address"},
		"another path":    {404, `{"status":"ready"}`, exitFailure, "is not Banyan's admin address"},
		"a contradiction": {503, `{"status":"ready"}`, exitFailure, "is not Banyan's admin address"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				t.Errorf("%s: it asks for %s", name, r.URL)
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		var out bytes.Buffer
		code := Execute(t.Context(), program, []string{"health", "--url", server.URL + "/"}, &out, &out)
		server.Close()
		if code != c.code || !strings.Contains(out.String(), c.want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %d %q", name, code, &out)
		}
		t.Setenv("BANYAN_ADMIN_LISTEN", strings.TrimPrefix(server.URL, "http://")) // closed now
		out.Reset()
		if code := Execute(t.Context(), program, []string{"health"}, &out, &out); code != exitFailure || !strings.Contains(out.String(), "nothing answers at "+server.URL) {
			t.Errorf("by the settings: %d %q", code, &out)
		}
	}
	t.Setenv("BANYAN_ADMIN_LISTEN", "127.0.0.1:0")
	var out bytes.Buffer
	if code := Execute(t.Context(), program, []string{"health"}, &out, &out); code != exitFailure || !strings.Contains(out.String(), "set admin.listen") {
		t.Errorf("a port that the system chooses: %d %q", code, &out)
	}
}

func TestHealthIsAskedOverASocket(t *testing.T) {
	program := testProgram(t)
	t.Chdir(t.TempDir())
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"ready"}`))
	}))
	_ = server.Listener.Close() // the socket takes its place
	server.Listener = listener
	server.Start()
	defer server.Close()
	var out bytes.Buffer
	if code := Execute(t.Context(), program, []string{"health", "--url", "unix:" + socket}, &out, &out); code != exitOK {
		t.Errorf("by its address: %d %q", code, &out)
	}
	t.Setenv("BANYAN_ADMIN_LISTEN", "unix:"+socket)
	if code := Execute(t.Context(), program, []string{"health"}, &out, &out); code != exitOK {
		t.Errorf("by the settings: %d %q", code, &out)
	}
}
