package certificates_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/certificates"
)

// clock is a time that tests set.
type clock struct{ at atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) set(at time.Time) { c.at.Store(at.UnixNano()) }
func (c *clock) now() time.Time   { return time.Unix(0, c.at.Load()) }

func open(t *testing.T, f certificates.Files, name string, c *clock) *certificates.Source {
	t.Helper()
	s, err := certificates.Open(f, certificates.Options{Name: name, Now: c.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve answers every request with the name in the client's certificate.
func serve(t *testing.T, config *tls.Config) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, _ := certificates.PeerName(r.TLS)
			fmt.Fprint(w, name)
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(tls.NewListener(listener, config)) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return "https://" + listener.Addr().String()
}

// get makes one call on a connection of its own.
func get(ctx context.Context, url string, config *tls.Config) (text string, state *tls.ConnectionState, err error) {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	return call(ctx, transport, url)
}

func call(ctx context.Context, transport *http.Transport, url string) (string, *tls.ConnectionState, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.TLS, err
}

func TestHandshakes(t *testing.T) {
	folder, foreign := authority(t), authority(t)
	ours, theirs := newClock(start), newClock(start) // the client's clock and the server's
	trunk := open(t, issue(t, folder, certificates.Trunk, start), certificates.Trunk, ours)
	reputation := open(t, issue(t, folder, "reputation", start), "reputation", theirs)
	stranger := open(t, issue(t, foreign, certificates.Trunk, start), certificates.Trunk, newClock(start))
	url := serve(t, reputation.ServerConfig())
	strangersURL := serve(t, open(t, issue(t, foreign, "reputation", start), "reputation", newClock(start)).ServerConfig())

	text, state, err := get(t.Context(), url, trunk.ClientConfig("reputation"))
	if err != nil || text != certificates.Trunk || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "http/1.1" {
		t.Fatalf("the right client: %q, %+v, %v", text, state, err)
	}
	if name, ok := certificates.PeerName(state); !ok || name != "reputation" {
		t.Errorf("the server names %q", name)
	}

	trusting := func(change func(*tls.Config)) *tls.Config {
		c := trunk.ClientConfig("reputation")
		change(c)
		return c
	}
	authorityAsClient, err := tls.LoadX509KeyPair(filepath.Join(folder, "ca.crt"), filepath.Join(folder, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	nobody := trusting(func(c *tls.Config) { c.GetClientCertificate = nil })
	nameless := trusting(func(c *tls.Config) {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &authorityAsClient, nil }
	})
	old := trusting(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 })
	// a client that does not verify the server
	blind := stranger.ClientConfig("reputation")
	blind.VerifyConnection = nil
	late := start.Add(certificates.DefaultLife + day)
	for _, c := range []struct {
		what           string
		url            string
		config         *tls.Config
		client, server time.Time
		says           string
	}{
		{"no client certificate", url, nobody, start, start, "certificate required"},
		{"another authority's client", url, blind, start, start, "unknown certificate authority"},
		{"a client certificate without a name", url, nameless, start, start, "bad certificate"},
		{"TLS 1.2", url, old, start, start, "protocol version"},
		{"another authority's server", strangersURL, trunk.ClientConfig("reputation"), start, start, "unknown authority"},
		{"another module's server", url, trunk.ClientConfig("airdrop"), start, start, `names the process "reputation", not "airdrop"`},
		{"the server's has ended", url, trunk.ClientConfig("reputation"), late, start, "expired"},
		{"the client's has ended", url, trunk.ClientConfig("reputation"), start, late, "certificate"},
		{"both are valid again", url, trunk.ClientConfig("reputation"), start, start, ""},
	} {
		ours.set(c.client)
		theirs.set(c.server)
		text, _, err := get(t.Context(), c.url, c.config)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %q, %v, want %q", c.what, text, err, c.says)
		}
	}
}

// TestFilesChangeWhileCallsRun renews both sides' certificates and then their
// authority, step by step as an operator would, under calls on kept and on new
// connections. None fails.
func TestFilesChangeWhileCallsRun(t *testing.T) {
	folder, next := authority(t), authority(t)
	now := newClock(start)
	trunkFiles, repFiles := issue(t, folder, certificates.Trunk, start), issue(t, folder, "reputation", start)
	left := authority(t) // a client that keeps the first authority's certificate
	for _, name := range []string{"trunk.crt", "trunk.key", "ca.crt"} {
		copyFile(t, filepath.Join(folder, name), filepath.Join(left, name))
	}
	copyFile(t, repFiles.CA, trunkFiles.CA)
	trunk, reputation := open(t, trunkFiles, certificates.Trunk, now), open(t, repFiles, "reputation", now)
	behind := open(t, certificates.FilesIn(left, certificates.Trunk), certificates.Trunk, now)
	url := serve(t, reputation.ServerConfig())
	kept := &http.Transport{TLSClientConfig: trunk.ClientConfig("reputation")}
	defer kept.CloseIdleConnections()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var calls [2]atomic.Int64
	var callers sync.WaitGroup
	for i, once := range []func() error{
		func() error { _, _, err := call(context.WithoutCancel(ctx), kept, url); return err },
		func() error {
			_, _, err := get(context.WithoutCancel(ctx), url, trunk.ClientConfig("reputation"))
			return err
		},
	} {
		callers.Go(func() {
			for ctx.Err() == nil {
				if err := once(); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
				calls[i].Add(1)
			}
		})
	}
	reload := func(what string, sources ...*certificates.Source) {
		t.Helper()
		for _, s := range sources {
			if changed, err := s.Reload(); err != nil || !changed {
				t.Fatalf("%s: changed %v, %v", what, changed, err)
			}
		}
		for i := range calls { // some calls under the new files, of both kinds
			for seen := calls[i].Load(); calls[i].Load() < seen+3 && !t.Failed(); {
				time.Sleep(time.Millisecond)
			}
		}
	}
	now.set(start.Add(200 * day))
	issue(t, folder, certificates.Trunk, now.now())
	issue(t, folder, "reputation", now.now())
	reload("renewed", trunk, reputation)
	if changed, err := trunk.Reload(); changed || err != nil {
		t.Errorf("nothing changed, yet: %v, %v", changed, err)
	}
	both := slices.Concat(readFile(t, filepath.Join(folder, "ca.crt")), readFile(t, filepath.Join(next, "ca.crt")))
	writeFile(t, trunkFiles.CA, both) // one folder, so both processes see it
	reload("two authorities", trunk, reputation)
	for _, name := range []string{"reputation", certificates.Trunk} {
		made := issue(t, next, name, now.now())
		copyFile(t, made.Key, filepath.Join(folder, name+".key"))
		copyFile(t, made.Cert, filepath.Join(folder, name+".crt"))
	}
	reload("certificates of the second", reputation, trunk)
	if _, _, err := get(t.Context(), url, behind.ClientConfig("reputation")); err == nil {
		t.Error("a client that trusts only the first authority accepts a certificate of the second")
	}
	copyFile(t, filepath.Join(next, "ca.crt"), trunkFiles.CA)
	reload("the second alone", trunk, reputation)
	stop()
	callers.Wait()

	_, state, err := get(t.Context(), url, trunk.ClientConfig("reputation"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(readFile(t, filepath.Join(next, "ca.crt")))
	if _, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now.now()}); err != nil {
		t.Errorf("the server still presents its certificate of the first authority: %v", err)
	}
	blind := behind.ClientConfig("reputation")
	blind.VerifyConnection = nil
	if _, _, err := get(t.Context(), url, blind); err == nil {
		t.Error("a client of the removed authority is still accepted")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	writeFile(t, to, readFile(t, from))
}
