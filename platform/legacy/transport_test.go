package legacy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
	"banyan/platform/legacy"
)

func fixedDial(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// pipes is a listener whose connections live in memory, for a clock of the test.
type pipes struct {
	incoming chan net.Conn
	made     int
	close    sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	c, open := <-p.incoming
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.incoming) })
	return nil
}
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.made++
	p.incoming <- there
	return here, nil
}

// TestConnectionsAreGivenUpBeforeTheLegacySystemClosesThem: a POST that is sent
// as the other side closes the connection is lost, since nobody knows whether it
// was carried out.
func TestConnectionsAreGivenUpBeforeTheLegacySystemClosesThem(t *testing.T) {
	for name, c := range map[string]struct {
		idle, pause time.Duration
		connections int
	}{
		"at once":                     {0, 0, 1},
		"as gunicorn closes after 2s": {0, 2 * time.Second, 2},
		"as Node.js closes after 5s":  {0, 5 * time.Second, 2},
		"a longer one, as it is set":  {time.Minute, 5 * time.Second, 1},
		"a shorter one, as it is set": {100 * time.Millisecond, 200 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pipes{incoming: make(chan net.Conn, 1)}
				server := &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, "done")
				})}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = server.Serve(p)
				}()
				l, err := legacy.New(legacy.Options{
					URL: "http://old.example", PublicURL: "http://banyan.test", Idle: c.idle, Log: quiet, Transport: &http.Transport{DialContext: p.dial},
				})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					w := httptest.NewRecorder()
					l.NotFound(w, httptest.NewRequestWithContext(t.Context(), "POST", "/pay", strings.NewReader("a=1")))
					if w.Code != http.StatusOK || w.Body.String() != "done" {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					time.Sleep(c.pause) // of the test's own clock
				}
				if p.made != c.connections {
					t.Errorf("%d connections, want %d", p.made, c.connections)
				}
				_ = server.Close()
				<-ended
				l.CloseIdle()
			})
		})
	}
}

// TestWhatChangesSomethingIsNeverSentTwice: the connection breaks after the
// request has arrived.
func TestWhatChangesSomethingIsNeverSentTwice(t *testing.T) {
	for _, c := range []struct {
		method, body string
		arrives      int64
	}{{"POST", "a=1", 1}, {"POST", "", 1}, {"DELETE", "", 1}, {"PUT", "x", 1}, {"GET", "", 2}} {
		var arrived atomic.Int64
		old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/first" {
				return
			}
			if arrived.Add(1) == 1 {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_ = conn.Close()
				}
			}
		}))
		base, _, _ := inFront(t, legacy.Options{URL: old.URL, Idle: time.Minute}, limits)
		send(t, "GET", base+"/first", nil) // so that there is a connection to be used again
		var body io.Reader
		if c.body != "" {
			body = strings.NewReader(c.body)
		}
		resp, _ := send(t, c.method, base+"/pay", body, "Idempotency-Key: k1")
		if n := arrived.Load(); n != c.arrives || (resp.StatusCode == http.StatusOK) != (n == 2) {
			t.Errorf("%s %q arrived %d times, want %d, and was answered with %d", c.method, c.body, n, c.arrives, resp.StatusCode)
		}
		old.Close()
	}
}

func TestACertificateOfTheLegacySystemsOwn(t *testing.T) {
	old := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "old "+r.TLS.ServerName) }))
	defer old.Close()
	old.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelInfo)
	folder := t.TempDir()
	issuer, other, none := filepath.Join(folder, "issuer.pem"), filepath.Join(folder, "other.pem"), filepath.Join(folder, "none.pem")
	write(t, issuer, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Certificate().Raw}))
	write(t, other, otherCertificate(t))
	write(t, none, []byte("no certificate"))
	_, port, err := net.SplitHostPort(old.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dial := &http.Transport{DialContext: fixedDial(old.Listener.Addr().String())}
	for name, c := range map[string]struct {
		o       legacy.Options
		status  int
		says    string // in the answer
		logs    string
		refused string
	}{
		"elsewhere, with its issuer":         {o: legacy.Options{URL: "https://example.com:" + port, CA: issuer, Transport: dial}, status: 200, says: "old example.com"},
		"elsewhere, unknown":                 {o: legacy.Options{URL: "https://example.com:" + port, Transport: dial}, status: 503, says: "cannot be reached"},
		"elsewhere, of another issuer":       {o: legacy.Options{URL: "https://example.com:" + port, CA: other, Transport: dial}, status: 503, says: "cannot be reached"},
		"elsewhere, with another name":       {o: legacy.Options{URL: "https://old.internal:" + port, CA: issuer, Transport: dial}, status: 503, says: "cannot be reached"},
		"an address, known by legacy.host":   {o: legacy.Options{URL: "https://192.0.2.1:" + port, Host: "example.com", CA: issuer, Transport: dial}, status: 200, says: "old example.com"},
		"on this machine, unknown":           {o: legacy.Options{URL: old.URL}, status: 200, says: "old ", logs: "certificate of legacy.url is unknown"},
		"on this machine, of another issuer": {o: legacy.Options{URL: old.URL, CA: other}, status: 503, says: "cannot be reached"},
		"on this machine, with its issuer":   {o: legacy.Options{URL: old.URL, CA: issuer}, status: 200, says: "old "},
		"a file that is not there":           {o: legacy.Options{URL: old.URL, CA: filepath.Join(folder, "missing")}, refused: "legacy.ca cannot be read"},
		"a file without a certificate":       {o: legacy.Options{URL: old.URL, CA: none}, refused: "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var failed error
			o := c.o
			o.PublicURL, o.Log = "http://banyan.test", slog.New(slog.NewTextHandler(&log, nil))
			o.Fail = func(w http.ResponseWriter, _ *http.Request, err error) { failed = err; fault.WriteProblem(w, err, "") }
			l, err := legacy.New(o)
			if c.refused != "" {
				if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, want %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.CloseIdle()
			for range 2 {
				w := httptest.NewRecorder()
				l.NotFound(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil))
				if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
					t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.status, c.says)
				}
				if c.status == 503 && !strings.Contains(failed.Error(), "legacy.ca") {
					t.Errorf("the log is not told which setting helps: %v", failed)
				}
				l.CloseIdle()
			}
			if n := strings.Count(log.String(), "certificate"); c.logs == "" && n > 0 || c.logs != "" && strings.Count(log.String(), c.logs) != 1 {
				t.Errorf("logged %s, want %q once", log.String(), c.logs)
			}
		})
	}
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// otherCertificate is one that nobody here shows.
func otherCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
