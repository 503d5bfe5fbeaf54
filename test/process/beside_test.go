package process_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/testenv/testneeds"
)

// TestAModuleRunsBesideTheTrunkWithTheSameSettingsFile, also when the file names the
// address of the metrics, which one of the two can have, and with no file at all.
func TestAModuleRunsBesideTheTrunkWithTheSameSettingsFile(t *testing.T) {
	for name, shared := range map[string]bool{"the same file": true, "no file": false} {
		t.Run(name, func(t *testing.T) {
			p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
			listen, admin := testneeds.Address(t), testneeds.Address(t)
			trunkArgs, aloneArgs := []string{"--listen", listen}, []string{"--module", reputation.Name, "--listen", testneeds.Address(t)}
			env := []string{"BANYAN_PUBLIC_URL=http://" + listen, "BANYAN_IDENTITY_TRUNK_URL=http://" + listen}
			if shared {
				file := filepath.Join(t.TempDir(), "banyan.yaml")
				if err := os.WriteFile(file, []byte("admin:\n  listen: "+admin+"\nidentity:\n  trunk_url: http://"+listen+"\npublic_url: http://"+listen+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				trunkArgs, aloneArgs = append(trunkArgs, "--config", file), append(aloneArgs, "--config", file)
				env = []string{withoutAdmin}
			}
			trunk := p.start(t, env, trunkArgs...)
			alone := p.start(t, env, aloneArgs...)
			g := &cluster{place: p, t: t, trunk: trunk, token: p.token(t), url: map[string]string{reputation.Name: alone.url}}
			if err := g.setState(reputation.Name, step{"remote", 0}); err != nil {
				t.Fatal(err)
			}
			if status, text, err := call(t.Context(), "GET", trunk.url+"/reputation", "", nil, nil); err != nil || status != http.StatusOK {
				t.Errorf("the page of a module that runs beside: %d %v\n%.500s", status, err, text)
			}
			if shared {
				if status, _, err := call(t.Context(), "GET", "http://"+admin+"/readyz", "", nil, nil); err != nil || status != http.StatusOK {
					t.Errorf("the trunk lost its admin address: %d %v", status, err)
				}
			}
		})
	}
}

// withoutAdmin takes back the admin address that place.start sets.
const withoutAdmin = "without an admin address"
