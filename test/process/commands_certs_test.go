package process_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/certificates"
)

// TestCertsOnTheCommandLine makes, renews and lists certificates, and follows
// the advice of every error on the way.
func TestCertsOnTheCommandLine(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs")
	for _, step := range []struct {
		line string
		code int
		says string
	}{
		{"show", exitFailure, "certs init"},
		{"issue --name reputation", exitFailure, "certs init"},
		{"init", exitOK, "ca.crt is valid until"},
		{"init", exitFailure, "exists already"},
		{"issue", exitUsage, "name"},
		{"issue --name ../x", exitFailure, "not a name of a process"},
		{"issue --name reputation --days 0", exitUsage, "--days"},
		{"issue --name reputation --host https://rep", exitFailure, "without scheme and port"},
		{"issue --name reputation --host rep.internal --host 10.0.0.7 --days 90", exitOK, "names reputation (rep.internal, 10.0.0.7)"},
		{"issue --name reputation", exitOK, "names reputation (rep.internal, 10.0.0.7)"},
		{"issue --name trunk", exitOK, "cert: " + filepath.Join(folder, "trunk.crt")},
		{"show", exitOK, "rep.internal, 10.0.0.7"},
		{"show extra", exitUsage, "takes no"},
	} {
		code, out, errOut := banyan(t, append(append([]string{"certs"}, strings.Fields(step.line)...), "--dir", folder)...)
		if code != step.code || !strings.Contains(out+errOut, step.says) {
			t.Errorf("banyan certs %s: exit %d, said %q %q; want %d and %q", step.line, code, out, errOut, step.code, step.says)
		}
	}
	_, out, _ := banyan(t, "certs", "show", "--dir", folder, "--json")
	var all []certificates.Certificate
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 3 || !all[0].Authority || all[1].Name != "reputation" || all[2].Name != "trunk" {
		t.Errorf("as JSON: %s, %v", out, err)
	}
	if info, err := os.Stat(filepath.Join(folder, "trunk.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
}
