package process_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// TestModuleCommands moves a module of a running program from the command line,
// as an operator on the same host does.
func TestModuleCommands(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(t.TempDir())
	t.Setenv("BANYAN_DATA", folder)
	p := place{[]string{"BANYAN_DATA=" + folder}}
	trunk := p.start(t, nil, "--listen", "127.0.0.1:0")
	t.Setenv("BANYAN_PUBLIC_URL", trunk.url)
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"module list", exitOK, "│ reputation      │ local │       0 │"},
		{"module set reputation", exitUsage, "name a module and its state"},
		{"module set reputation shadow", exitUsage, "add --percent"},
		{"module set reputation sideways", exitUsage, "mode: is one of local, shadow, canary and remote"},
		{"module set reputation remote --percent 10", exitUsage, "percent: is for shadow and canary"},
		{"module set reputation shadow --percent 10", exitFailure, "urls: are needed in every state but local"},
		{"module set market local", exitFailure, `no module "market"`},
		{
			"module set reputation shadow --percent 12.5 --url http://127.0.0.1:1 --url http://127.0.0.1:2/ --why look", exitOK,
			"reputation is shadow 12.5 % at http://127.0.0.1:1, http://127.0.0.1:2 (version 1)",
		},
		{"module set reputation local --if-version 7", exitFailure, "version 1 by cli"},
		{"module list", exitOK, "the settings say local"},
		{"module audit reputation", exitOK, "look"},
		{"module audit market", exitFailure, `no module "market"`},
		{"module audit", exitUsage, "name one module"},
		{"module audit reputation --limit 0", exitUsage, "--limit"},
		{"module reset reputation --why enough", exitOK, "reputation is local, as the settings say (version 2)"},
		{"module list --token wrong", exitFailure, "does not take this token"},
		{"module list --token " + strings.Repeat("x", 10) + " --server " + stranger.URL, exitFailure, "is not Banyan"},
		{"module list --server http://127.0.0.1:1", exitFailure, "nothing answers at http://127.0.0.1:1"},
		{"module list --server ftp://x", exitUsage, "is not an address"},
	} {
		code, out, errOut := banyan(t, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("banyan %s: exit %d, want %d; said %s%s, want %q in it", c.line, code, c.code, out, errOut, c.says)
		}
	}
	var all rollout.Modules
	if _, out, errOut := banyan(t, "module", "list", "--json"); json.Unmarshal([]byte(out), &all) != nil || len(all.Modules) != 3 || all.Modules[0].Route == nil {
		t.Errorf("module list --json: %s%s", out, errOut)
	}
	var entries []rollout.Entry
	if _, out, errOut := banyan(t, "module", "audit", "reputation", "--json"); json.Unmarshal([]byte(out), &entries) != nil || len(entries) != 2 ||
		!entries[0].Configured || entries[0].Why != "enough" || entries[1].To.Mode != seam.ModeShadow || !strings.HasPrefix(entries[1].Who, "cli") {
		t.Errorf("module audit --json: %s%s", out, errOut)
	}
	token := p.token(t)
	t.Setenv("BANYAN_DATA", t.TempDir())
	if code, _, errOut := banyan(t, "module", "list"); code != exitFailure || !strings.Contains(errOut, "keys are not in") {
		t.Errorf("without the program's data: exit %d, %s", code, errOut)
	}
	t.Setenv("BANYAN_TOKEN", token)
	if code, out, errOut := banyan(t, "module", "list"); code != exitOK || !strings.Contains(out, "reputation") {
		t.Errorf("from elsewhere with a token: exit %d, %s", code, errOut)
	}
}
