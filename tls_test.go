package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestEachModuleAloneWithCertificates runs all processes with certificates that
// the commands made: the line between them is closed to everybody else, and
// people see no difference.
func TestEachModuleAloneWithCertificates(t *testing.T) {
	folder := t.TempDir()
	if code, _, said := banyan(t, "certs", "init", "--dir", folder); code != exitOK {
		t.Fatal(said)
	}
	for _, name := range []string{"trunk", "reputation", "exchange-review", "airdrop"} {
		if code, _, said := banyan(t, "certs", "issue", "--dir", folder, "--name", name); code != exitOK {
			t.Fatal(said)
		}
	}
	certificateOf := func(name string) []string {
		return []string{
			"BANYAN_TLS_CERT=" + filepath.Join(folder, name+".crt"), "BANYAN_TLS_KEY=" + filepath.Join(folder, name+".key"),
			"BANYAN_TLS_CA=" + filepath.Join(folder, "ca.crt"),
		}
	}
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	inner := freeAddress(t)
	env := []string{
		"BANYAN_IDENTITY_TRUNK_URL=https://" + inner, "BANYAN_PUBLIC_URL=http://127.0.0.1:8080",
		fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address),
	}
	at := map[string]string{"reputation": freeAddress(t), "exchange-review": freeAddress(t), "airdrop": freeAddress(t)}
	for module, address := range at {
		key := "BANYAN_MODULES_" + strings.ToUpper(strings.ReplaceAll(module, "-", "_"))
		env = append(env, key+"_MODE=remote", key+"_URL=https://"+address)
	}
	for module, address := range at {
		p.start(t, append(certificateOf(module), env...), "--module", module, "--listen", address)
	}
	trunk := p.start(t, append(append(certificateOf("trunk"), env...), "BANYAN_TLS_LISTEN="+inner), "--listen", "127.0.0.1:0")
	fill(t, p, trunk)
	eventually(t, "a review in one process counts as activity in another", func() bool {
		return activity(t, trunk, newAuthor(3)) == 1
	})
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, address := range append([]string{inner}, at["reputation"], at["airdrop"]) {
		resp, err := stranger.Get("https://" + address + "/api/v1/reputation/leaderboard")
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s answered %d to somebody without a certificate", address, resp.StatusCode)
		}
	}
}
