package legacy_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/httpserver"
	"banyan/platform/legacy"
	"banyan/platform/testenv/legacytest"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// seen is what the old system got of a request.
type seen struct {
	Method string
	URI    string
	Host   string
	Header http.Header
}

// oldSystem is a monolith as one finds it: plain net/http.
type oldSystem struct {
	*httptest.Server
	tick    chan string   // lines of /events
	silence time.Duration // of /slow
}

func newOldSystem(t *testing.T) *oldSystem {
	o := &oldSystem{tick: make(chan string)}
	mux := http.NewServeMux()
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Powered-By", "old")
		w.Header().Set("Content-Security-Policy", "script-src 'self' 'unsafe-inline'")
		w.Header().Set("X-Request-Id", "old-1")
		w.Header().Set("Banyan-Contract", "1")
		w.Header().Set("Strict-Transport-Security", "max-age=0")
		w.Header().Add("Set-Cookie", "session=s1; Path=/")
		w.Header().Add("Set-Cookie", "banyan=stolen; Path=/")
		_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Header})
	}
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/events", o.events)
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %s %v", n, hex.EncodeToString(sum.Sum(nil)), err)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		timer := time.NewTimer(o.silence)
		defer timer.Stop()
		select {
		case <-timer.C:
			_, _ = io.WriteString(w, "at last")
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(blob) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, o.URL+"/there?x=1", http.StatusFound)
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/echo", legacytest.Echo)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // which a ServeMux would redirect
			echo(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

var blob = func() []byte {
	b := make([]byte, 10<<20)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}()

func (o *oldSystem) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		select {
		case line, more := <-o.tick:
			if !more {
				return
			}
			fmt.Fprintf(w, "data: %s\n\n", line)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

var limits = httpserver.Settings{
	BodyLimit: 1 << 20, UploadLimit: 64 << 20, HeaderLimit: 32 << 10,
	HeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
	UploadTimeout: time.Minute, IdleTimeout: time.Minute, ShutdownGrace: 30 * time.Second,
}

// inFront runs Banyan's server, with all its layers, before an old system. It has
// /reviews, and /banyan is its own. Its stop waits for the requests that run:
// they are counted after they are answered.
func inFront(t *testing.T, o legacy.Options, limits httpserver.Settings) (base string, l *legacy.Legacy, stop func()) {
	t.Helper()
	var server *httpserver.Server
	fail := func(w http.ResponseWriter, r *http.Request, err error) { server.Fail(w, r, err) }
	o.PublicURL, o.Fail, o.Log, o.Keep = "http://banyan.test", fail, quiet, []string{"/api/v1/reputation/", "/banyan"}
	l, err := legacy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server, err = httpserver.New(httpserver.Options{Front: l.Front, Listen: "127.0.0.1:0", PublicURL: "http://banyan.test" + o.Base, Hosts: []string{"127.0.0.1", "shop.example", "operator.test", "operator.test.evil.example"}, Limits: limits, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	server.Router().Route("/reviews", func(r chi.Router) {
		r.Get("/*", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "banyan") })
	})
	server.Router().Get("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "banyan") })
	server.Router().Get("/banyan", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "banyan") })
	if err := l.Serve(server.Router()); err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the stop was not clean: %v", err)
		}
	})
	t.Cleanup(stop)
	return "http://" + server.Addr(), l, stop
}

// send makes a request with headers "Name: value".
func send(t *testing.T, method, url string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Add(name, value)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, "broken off: " + err.Error()
	}
	return resp, string(text)
}
