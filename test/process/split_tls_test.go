package process_test

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/certificates"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
)

// TestSplitWithCertificates runs every module in a process of its own, with
// certificates that the commands made on all lines between them: people see no
// difference, the lines are closed to everybody else, the certificates are
// renewed while everything runs, and nobody is taken for somebody else.
func TestSplitWithCertificates(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs")
	certs := func(args ...string) {
		t.Helper()
		if code, _, errOut := banyan(t, append(append([]string{"certs"}, args...), "--dir", folder)...); code != exitOK {
			t.Fatal(errOut)
		}
	}
	settings := func(name string, more ...string) []string {
		f := certificates.FilesIn(folder, name)
		return append([]string{"BANYAN_TLS_CERT=" + f.Cert, "BANYAN_TLS_KEY=" + f.Key, "BANYAN_TLS_CA=" + f.CA}, more...)
	}
	certs("init")
	certs("issue", "--name", certificates.Trunk)
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	inner := testneeds.Address(t)
	shared := []string{
		"BANYAN_IDENTITY_TRUNK_URL=https://" + inner, "BANYAN_PUBLIC_URL=http://127.0.0.1:8080",
		"BANYAN_REPUTATION_SEEDS=" + newAuthor(0).address.String() + "," + newAuthor(1).address.String(),
	}
	at := map[string]string{reputation.Name: testneeds.Address(t), exchangereview.Name: testneeds.Address(t), airdrop.Name: testneeds.Address(t)}
	for module, address := range at {
		certs("issue", "--name", module)
		key := "BANYAN_MODULES_" + strings.ToUpper(strings.ReplaceAll(module, "-", "_"))
		shared = append(shared, key+"_MODE=remote", key+"_URL=https://"+address)
	}
	for module, address := range at {
		p.start(t, settings(module, shared...), "--module", module, "--listen", address)
	}
	trunk := p.start(t, settings(certificates.Trunk, append(shared, "BANYAN_TLS_LISTEN="+inner)...), "--listen", "127.0.0.1:0")

	awaitDirectory(t, trunk)
	// an operator's command passes both lines: the call out, the keys back
	fill(t, p, trunk)
	eventually(t, "a review in one process counts as activity in another", func() bool {
		return activity(t, trunk, newAuthor(3)) == 1
	})
	for _, address := range []string{inner, at[reputation.Name], at[exchangereview.Name], at[airdrop.Name]} {
		strangersAreRefused(t, address)
	}

	before := expiry(t, folder, at[reputation.Name])
	certs("issue", "--name", reputation.Name, "--days", "30")
	certs("issue", "--name", certificates.Trunk, "--days", "30")
	eventually(t, "the renewed certificate is shown", func() bool {
		trunk.must("GET", "/api/v1/reputation/leaderboard", "", nil, nil)
		return expiry(t, folder, at[reputation.Name]).Before(before)
	})

	// a trunk that is led to the wrong process does not take it for the right one
	astray := p.start(t, settings(certificates.Trunk, "BANYAN_DATA="+t.TempDir(),
		"BANYAN_MODULES_AIRDROP_MODE=remote", "BANYAN_MODULES_AIRDROP_URL=https://"+at[reputation.Name]), "--listen", "127.0.0.1:0")
	status, text, err := call(t.Context(), "GET", astray.url+"/api/v1/airdrop/campaigns", "", nil, nil)
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, string(fault.Unavailable)) {
		t.Errorf("airdrop at reputation's address: %d %s %v", status, text, err)
	}
	eventually(t, "the log says whose certificate it was", func() bool {
		return strings.Contains(astray.logged(), `names the process \"reputation\"`)
	})
}

// strangersAreRefused calls without a certificate and without TLS. The stranger
// takes any certificate: it is the process that must refuse.
func strangersAreRefused(t *testing.T, address string) {
	t.Helper()
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	if resp, err := stranger.Get("https://" + address + "/api/v1/reputation/leaderboard"); err == nil {
		resp.Body.Close()
		t.Errorf("%s answers %d to somebody without a certificate", address, resp.StatusCode)
	}
	status, text, err := call(t.Context(), "GET", "http://"+address+"/api/v1/reputation/leaderboard", "", nil, nil)
	if err == nil && status == http.StatusOK {
		t.Errorf("%s answers plain http: %s", address, text)
	}
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
