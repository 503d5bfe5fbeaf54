package seam_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// fixedNames is DNS with one name.
type fixedNames []netip.Addr

func (f fixedNames) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return f, nil }

func mounted() http.Handler {
	router := chi.NewRouter()
	router.Use(limitBody, readPlainToken)
	seam.NewRoute(testModule{}.bind()).Mount(router, mountOptions)
	return router
}

// A name is dialled by the addresses that DNS returns, and TLS still asks for the
// name; the authority comes from the options.
func TestTLSIsAskedForTheName(t *testing.T) {
	var named atomic.Value
	handler := mounted()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		named.Store(r.Host + " " + r.TLS.ServerName)
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate()) // for example.com
	open := func(o seam.RemoteOptions) *seam.Remote {
		o.Resolver, o.Resolve = fixedNames{netip.MustParseAddr("127.0.0.1")}, time.Millisecond
		remote, err := seam.NewRemote(contract, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(remote.Close)
		deadline := time.Now().Add(10 * time.Second)
		for remote.Endpoints()[0].Address == "" && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond) // until the name was looked up
		}
		return remote
	}
	remote := open(seam.RemoteOptions{URLs: []string{"https://example.com:" + port}, TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13}})
	if e := remote.Endpoints(); len(e) != 1 || e[0].Address != "127.0.0.1:"+port {
		t.Fatalf("endpoints %+v", e)
	}
	if _, err := opFind.Call(as(member), seam.NewRemoteRoute(contract, remote), findQuery{Group: "a"}); err != nil {
		t.Fatal(err)
	}
	if want := "example.com:" + port + " example.com"; named.Load() != want {
		t.Errorf("the server was asked for %v, want %s", named.Load(), want)
	}
	for name, o := range map[string]seam.RemoteOptions{
		"another name":         {URLs: []string{"https://example.org:" + port}, TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13}},
		"an unknown authority": {URLs: []string{"https://example.com:" + port}},
	} {
		if _, err := opFind.Call(as(member), seam.NewRemoteRoute(contract, open(o)), findQuery{Group: "a"}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One of three processes is killed under load, with its connections: no read fails,
// and no write that never reached it.
func TestReadsSurviveADyingProcess(t *testing.T) {
	var servers []*httptest.Server
	var urls []string
	for range 3 {
		s := httptest.NewServer(mounted())
		t.Cleanup(s.Close)
		servers, urls = append(servers, s), append(urls, s.URL)
	}
	remote, err := seam.NewRemote(contract, seam.RemoteOptions{URLs: urls, Tokens: plainTokens{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	r := seam.NewRemoteRoute(contract, remote)
	var callers sync.WaitGroup
	var calls atomic.Int64
	for range 16 {
		callers.Go(func() {
			for range 200 {
				if calls.Add(1) == 1000 {
					_ = servers[1].Listener.Close()
					servers[1].CloseClientConnections()
				}
				if _, err := opFind.Call(as(member), r, findQuery{Group: "a"}); err != nil {
					t.Errorf("a read failed: %v", err)
					return
				}
			}
		})
	}
	callers.Wait()
	for i, e := range remote.Endpoints() {
		if e.InFlight != 0 || (i != 1 && (e.Calls < 100 || e.Failures != 0)) || (i == 1 && e.Failures == 0) {
			t.Errorf("endpoint %d: %+v", i, e)
		}
	}
	if _, err := opStore.Call(as(member), r, batch{ID: "a"}); err != nil {
		t.Errorf("a write: %v", err)
	}
}

func TestEndpointsAreMetrics(t *testing.T) {
	remote, server := serve(t, testModule{})
	route := seam.NewRemoteRoute(contract, remote)
	if _, err := opFind.Call(as(member), route, findQuery{Group: "a"}); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(seam.Collector{route})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			found[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for key, want := range map[string]float64{
		"banyan_seam_endpoint_calls_total " + server.URL + " testModule answered": 1,
		"banyan_seam_endpoint_calls_total " + server.URL + " testModule failed":   0,
		"banyan_seam_endpoint_calls_total " + server.URL + " testModule busy":     0,
		"banyan_seam_endpoint_state read " + server.URL + " testModule closed":    1,
		"banyan_seam_endpoint_state write " + server.URL + " testModule closed":   1,
		"banyan_seam_endpoint_state stream " + server.URL + " testModule closed":  1,
		"banyan_seam_endpoint_in_flight " + server.URL + " testModule":            0,
		"banyan_seam_retries_total testModule sent":                               0,
	} {
		if got, there := found[key]; !there || got != want {
			t.Errorf("%s = %v, %v, want %v", key, got, there, want)
		}
	}
}
