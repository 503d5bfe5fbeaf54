package process_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/testneeds"
)

// run runs a command with the settings of the processes and returns what it prints.
func (p place) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(banyanPath, args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Dir = t.TempDir()
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("banyan %v: %v\n%s", args, err, errOut.String())
	}
	return string(out)
}

// TestRightsAreTakenAway takes the role of a wallet away, and tokens, by commands
// while a module runs in a process of its own: what they may do there ends, and the
// security log says so.
func TestRightsAreTakenAway(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		boss := newAuthor(1)
		trunkListen := testneeds.Address(t)
		seeds := "BANYAN_REPUTATION_SEEDS=" + boss.address.String()
		alone := p.start(t, []string{seeds, "BANYAN_IDENTITY_TRUNK_URL=http://" + trunkListen}, "--module", reputation.Name, "--listen", testneeds.Address(t))
		trunk := p.start(t, []string{seeds, "BANYAN_MODULES_REPUTATION_MODE=remote", "BANYAN_MODULES_REPUTATION_URL=" + alone.url}, "--listen", trunkListen)

		p.run(t, "role", "set", boss.address.String(), "operator")
		var own, ci signin.TokenMade
		for into, args := range map[*signin.TokenMade][]string{
			&own: {"token", "create", "--wallet", boss.address.String(), "--role", "operator", "--ttl", "2160h", "--json"},
			&ci:  {"token", "create", "--subject", "ci", "--role", "operator", "--scope", reputation.Name, "--ttl", "2160h", "--json"},
		} {
			if err := json.Unmarshal([]byte(p.run(t, args...)), into); err != nil {
				t.Fatal(err)
			}
		}
		compute := func(token string) (status int, text string) {
			t.Helper()
			status, text, err := call(t.Context(), "POST", trunk.url+"/api/v1/reputation/epochs", token, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			return status, text
		}
		trusts := boss.address.String() + "," + newAuthor(2).address.String() + ",1\n"
		trunk.must("POST", "/api/v1/reputation/trust/import", own.Token, strings.NewReader(trusts), nil)
		for who, token := range map[string]string{"the operator": own.Token, "the client": ci.Token} {
			if status, text := compute(token); status != http.StatusOK {
				t.Fatalf("%s: %d %s\n%s", who, status, text, alone.logged())
			}
		}
		if status, _, _ := call(t.Context(), "GET", trunk.url+"/api/v1/operator/modules", ci.Token, nil, nil); status != http.StatusForbidden {
			t.Errorf("a token for reputation at the operator's API: %d", status)
		}
		p.run(t, "role", "set", boss.address.String(), "member")
		eventually(t, "the former operator's token is a member's", func() bool {
			status, _ := compute(own.Token)
			return status == http.StatusForbidden
		})
		p.run(t, "token", "revoke", ci.ID)
		eventually(t, "the token is refused", func() bool {
			status, _ := compute(ci.Token)
			return status == http.StatusUnauthorized
		})
		p.run(t, "token", "revoke", "--wallet", boss.address.String())
		eventually(t, "the wallet's token is refused", func() bool {
			status, _ := compute(own.Token)
			return status == http.StatusUnauthorized
		})
		if log := trunk.logged(); !strings.Contains(log, `"caller":"`+boss.address.String()+`"`) || !strings.Contains(log, `"caller":"ci"`) {
			t.Errorf("the callers are not in the requests' lines:\n%s", log)
		}
		checkRightsLog(t, p, boss, ci.ID)
	})
}

// checkRightsLog looks for what was done, and verifies the chain of the log and of an
// exported file.
func checkRightsLog(t *testing.T, p place, boss author, token string) {
	t.Helper()
	var entries []securitylog.Entry
	if err := json.Unmarshal([]byte(p.run(t, "security-log", "list", "--limit", "200", "--json")), &entries); err != nil {
		t.Fatal(err)
	}
	for _, want := range []securitylog.Entry{
		{What: "role-set", Whom: boss.address.String(), From: "the command line"},
		{What: "token-ended", Whom: token, From: "the command line"},
		{What: "signed-out-everywhere", Whom: boss.address.String(), From: "the command line"},
		{What: "reputation.importTrust", Who: boss.address.String(), From: "127.0.0.1"},
		{What: "reputation.computeEpoch", Who: "ci", From: "127.0.0.1"},
		{What: "reputation.computeEpoch", Who: boss.address.String(), From: "127.0.0.1"},
		{What: "access", Who: "ci", From: "127.0.0.1", Refused: true},
		{What: "token-used", Who: "anonymous", From: "127.0.0.1", Refused: true},
	} {
		found := false
		for _, e := range entries {
			found = found || e.What == want.What && (want.Who == "" || e.Who == want.Who) && (want.Whom == "" || e.Whom == want.Whom) && e.From == want.From && e.Refused == want.Refused
		}
		if !found {
			t.Errorf("the log has no %+v:\n%+v", want, entries)
		}
	}
	place := strings.Split(strings.TrimSpace(p.run(t, "security-log", "verify")), "\n")
	p.run(t, "security-log", "verify", "--at", place[len(place)-1])
	file := filepath.Join(t.TempDir(), "log.ndjson")
	p.run(t, "security-log", "export", "--out", file)
	if out := p.run(t, "security-log", "verify", "--in", file); !strings.Contains(out, place[len(place)-1]) {
		t.Errorf("the file ends with %s, the log with %s", out, place)
	}
}
