package httpserver_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/certificates"
	"banyan/platform/httpserver"
)

// TestTLSBetweenProcesses serves as a module that runs alone does, and as the
// whole program does: people at one address, processes at another.
func TestTLSBetweenProcesses(t *testing.T) {
	folder := t.TempDir() + "/certs"
	if _, err := certificates.Init(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	source := func(name string) *certificates.Source {
		if _, err := certificates.Issue(folder, certificates.Request{Name: name}, time.Now()); err != nil {
			t.Fatal(err)
		}
		s, err := certificates.Open(certificates.FilesIn(folder, name), certificates.Options{Name: name, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	trunk, reputation := source(certificates.Trunk), source("reputation")
	routes := func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) {
			name, _ := certificates.PeerName(r.TLS)
			_, _ = io.WriteString(w, r.Proto+" "+name)
		})
	}
	get := func(config *tls.Config, url string) (string, error) {
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(request(t, "GET", url, ""))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return string(text), err
	}

	alone := start(t, func(o *httpserver.Options) { o.TLS = reputation.ServerConfig() }, routes)
	if text, err := get(trunk.ClientConfig("reputation"), "https://"+alone.Addr()); err != nil || text != "HTTP/1.1 trunk" {
		t.Errorf("the trunk at the module: %q, %v", text, err)
	}
	if text, err := get(trunk.ClientConfig("airdrop"), "https://"+alone.Addr()); err == nil {
		t.Errorf("the trunk takes reputation for airdrop: %q", text)
	}
	if text, err := get(nil, "http://"+alone.Addr()); err == nil && !strings.Contains(text, "HTTPS server") {
		t.Errorf("plain http at the module: %q", text)
	}

	whole := start(t, func(o *httpserver.Options) { o.TLS, o.TLSListen = trunk.ServerConfig(), "127.0.0.1:0" }, routes)
	if text, err := get(nil, "http://"+whole.Addr()); err != nil || text != "HTTP/1.1 " {
		t.Errorf("a person at the trunk: %q, %v", text, err)
	}
	if text, err := get(reputation.ClientConfig(certificates.Trunk), "https://"+whole.TLSAddr()); err != nil || text != "HTTP/1.1 reputation" {
		t.Errorf("the module at the trunk: %q, %v", text, err)
	}
	whole.stop()
	if err := <-whole.done; err != nil {
		t.Errorf("stopping both addresses: %v", err)
	}
	if _, err := get(reputation.ClientConfig(certificates.Trunk), "https://"+whole.TLSAddr()); err == nil {
		t.Error("the stopped server still takes processes")
	}
	_, err := httpserver.New(httpserver.Options{PublicURL: "http://x.test", TLSListen: "127.0.0.1:0", Limits: limits(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "tls.cert") {
		t.Errorf("tls.listen without certificates: %v", err)
	}
}
