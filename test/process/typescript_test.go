package process_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
)

// TestATypeScriptClient: the API document passes redocly's recommended rules, and the
// types that are made from it fit a program that calls a running server.
func TestATypeScriptClient(t *testing.T) {
	source, err := filepath.Abs("../typescript")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(source, "node_modules")); err != nil {
		testneeds.Missing(t, "npm", "the client's packages are not installed: run make test/typescript/node_modules, which needs node and npm")
	}
	folder := t.TempDir()
	for _, name := range []string{"client.ts", "tsconfig.json", "package.json"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(source, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0")
	document := p.must("GET", "/api/openapi.json", "", nil, nil)
	if err := os.WriteFile(filepath.Join(folder, "api.json"), []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	node := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "node", args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if linted := node("node_modules/@redocly/cli/bin/cli.js", "lint", "--extends", "recommended", "--format", "stylish", "api.json"); strings.Contains(linted, "You have") {
		t.Errorf("the API document has warnings:\n%s", linted)
	}
	node("node_modules/openapi-typescript/bin/cli.js", "api.json", "-o", "api.d.ts")
	node("node_modules/typescript/bin/tsc")
	var got struct {
		Exchanges                  []string
		Wallet, Refused, Operators string
	}
	if err := json.Unmarshal([]byte(node("out/client.js", p.url)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Exchanges) != 3 || got.Refused != "invalid" || got.Operators != "unauthenticated" || got.Wallet == "" {
		t.Errorf("the client got %+v", got)
	}
}
