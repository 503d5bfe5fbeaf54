package httpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// lines is a log that tests can read while the server writes.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log has the text: the access log is written after the
// answer has been sent.
func (l *lines) await(t *testing.T, text string) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for line := range strings.Lines(l.String()) {
			if strings.Contains(line, text) {
				return line
			}
		}
	}
	t.Fatalf("the log never said %q:\n%s", text, l)
	return ""
}

func limits() httpserver.Settings {
	return httpserver.Settings{
		BodyLimit: 4 << 10, UploadLimit: 64 << 10, HeaderLimit: 8 << 10,
		HeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		UploadTimeout: time.Minute, IdleTimeout: time.Minute, ShutdownGrace: 10 * time.Second,
	}
}

type running struct {
	*httpserver.Server
	url  string
	log  *lines
	stop context.CancelFunc
	done chan error // what Run returned
}

// start serves routes on a port of its own until the test ends.
func start(t *testing.T, change func(*httpserver.Options), routes func(chi.Router)) *running {
	t.Helper()
	log := &lines{}
	o := httpserver.Options{
		Listen: "127.0.0.1:0", PublicURL: "http://banyan.test", Hosts: []string{"127.0.0.1", "x"}, Limits: limits(), Requests: true,
		Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	s, err := httpserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if routes != nil {
		routes(s.Router())
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, url: "http://" + s.Addr(), log: log, stop: cancel, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

func request(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request on a transport that neither follows redirects nor
// decompresses.
func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	a, err := try(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return a
}

func try(r *http.Request) (answer, error) {
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, errors.Join(err, resp.Body.Close())
}

// problem expects a problem document with this code and status.
func (a answer) problem(t *testing.T, status int, code fault.Code) fault.Problem {
	t.Helper()
	var p fault.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%d is no problem document: %v: %s", a.status, err, a.body)
	}
	if a.status != status || p.Status != status || p.Code != code || a.header.Get("Content-Type") != fault.MediaType {
		t.Errorf("got %d %s as %s, want %d %s: %s", a.status, p.Code, a.header.Get("Content-Type"), status, code, a.body)
	}
	if p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("the problem has the id %q, the header %q", p.RequestID, a.header.Get("X-Request-Id"))
	}
	return p
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}
