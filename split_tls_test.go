package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/certificates"
	"banyan/platform/fault"
)

// TestSplitWithCertificates runs reputation alone with TLS on both lines, the
// trunk's to it and its own back, and renews the certificates while they run.
func TestSplitWithCertificates(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs")
	certs := func(args ...string) {
		t.Helper()
		if code, _, errOut := banyan(t, append(append([]string{"certs"}, args...), "--dir", folder)...); code != exitOK {
			t.Fatal(errOut)
		}
	}
	settings := func(name string) []string {
		f := certificates.FilesIn(folder, name)
		return []string{"BANYAN_TLS_CERT=" + f.Cert, "BANYAN_TLS_KEY=" + f.Key, "BANYAN_TLS_CA=" + f.CA}
	}
	certs("init")
	for _, name := range []string{reputation.Name, certificates.Trunk, "airdrop"} {
		certs("issue", "--name", name)
	}
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	seeds := "BANYAN_REPUTATION_SEEDS=" + newAuthor(0).address.String() + "," + newAuthor(1).address.String()
	inner, listen := freeAddress(t), freeAddress(t)
	p.start(t, append(settings(reputation.Name), seeds, "BANYAN_IDENTITY_TRUNK_URL=https://"+inner),
		"--module", reputation.Name, "--listen", listen)
	trunk := p.start(t, append(settings(certificates.Trunk), "BANYAN_TLS_LISTEN="+inner,
		"BANYAN_MODULES_REPUTATION_MODE=remote", "BANYAN_MODULES_REPUTATION_URL=https://"+listen), "--listen", "127.0.0.1:0")

	// an operator's command passes both lines: the call out, the keys back
	fill(t, p, trunk)
	for address, what := range map[string]string{listen: "the module", inner: "the trunk's inner address"} {
		status, text, err := call(t.Context(), "GET", "https://"+address+"/api/v1/reputation/leaderboard", "", nil, nil)
		if err == nil {
			t.Errorf("%s answers a client without a certificate: %d %s", what, status, text)
		}
		if status, text, err := call(t.Context(), "GET", "http://"+address+"/api/v1/reputation/leaderboard", "", nil, nil); err == nil && status == http.StatusOK {
			t.Errorf("%s answers plain http: %s", what, text)
		}
	}
	before := expiry(t, folder, listen)
	certs("issue", "--name", reputation.Name, "--days", "30")
	certs("issue", "--name", certificates.Trunk, "--days", "30")
	eventually(t, "the renewed certificate is shown", func() bool {
		trunk.must("GET", "/api/v1/reputation/leaderboard", "", nil, nil)
		return expiry(t, folder, listen).Before(before)
	})

	// a trunk that is led to the wrong process does not take it for the right one
	astray := p.start(t, append(settings(certificates.Trunk), "BANYAN_DATA="+t.TempDir(),
		"BANYAN_MODULES_AIRDROP_MODE=remote", "BANYAN_MODULES_AIRDROP_URL=https://"+listen), "--listen", "127.0.0.1:0")
	status, text, err := call(t.Context(), "GET", astray.url+"/api/v1/airdrop/campaigns", "", nil, nil)
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, string(fault.Unavailable)) {
		t.Errorf("airdrop at reputation's address: %d %s %v", status, text, err)
	}
	eventually(t, "the log says whose certificate it was", func() bool {
		return strings.Contains(astray.logged(), `names the process \"reputation\"`)
	})
}

// expiry is when the certificate that a new connection sees ends.
func expiry(t *testing.T, folder, address string) time.Time {
	t.Helper()
	source, err := certificates.Open(certificates.FilesIn(folder, "airdrop"), certificates.Options{Name: "airdrop"})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: source.ClientConfig(reputation.Name)}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/api/v1/reputation/leaderboard", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.TLS.PeerCertificates[0].NotAfter
}
