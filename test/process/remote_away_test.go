package process_test

import (
	"path/filepath"
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/platform/rollout"
)

// What people ask of a program whose module's data is on another host is answered for
// that host, or refused; what was left in the data folder is not taken for the data.
func TestCommandsSayThatDataIsOnAnotherHost(t *testing.T) {
	g := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.startAlone(t)
	g.startOthers()
	write(t, g.trunk, newAuthor(1), "kraken", 4)
	g.beginMove(exchangereview.Name, g.url[exchangereview.Name])
	g.awaitMove(exchangereview.Name)
	write(t, g.trunk, newAuthor(2), "kraken", 5) // the calls went along

	status, text, err := call(t.Context(), "PUT", g.trunk.url+"/api/v1/operator/modules/exchange-review", g.token, strings.NewReader(`{"mode":"local","anyway":true}`), nil)
	if err != nil || status != 409 || !strings.Contains(text, "--home") {
		t.Errorf("the calls are led away from the data: %d %s %v", status, text, err)
	}
	var state rollout.ModuleState
	g.trunk.must("GET", "/api/v1/operator/modules/exchange-review", g.token, nil, &state)
	if state.DataAt != g.url[exchangereview.Name] {
		t.Errorf("the data is said to be at %q", state.DataAt)
	}
	g.command(t, false, "run this command on that host", "database", "shell", "exchange-review", "SELECT COUNT(*) AS n FROM review")
	g.command(t, true, "was moved to "+state.DataAt, "doctor")
	g.command(t, true, "is not in this backup", "backup", "create", "--out", filepath.Join(t.TempDir(), "all.banyan"))
	g.command(t, false, "run this command on that host", "events", "dead", "--module", "exchange-review")

	// Only the trunk may send data there, or ask for it, and it knows where to.
	status, text, err = call(t.Context(), "POST", g.url[exchangereview.Name]+"/api/v1/exchange-review/move/send", g.token, strings.NewReader(`{"by":"a stranger"}`), nil)
	if err != nil || status != 401 && status != 403 {
		t.Errorf("an operator's token sends data: %d %s %v", status, text, err)
	}
	g.beginMove(exchangereview.Name, rollout.Home)
	g.awaitMove(exchangereview.Name)
	g.command(t, true, `{"n":2}`, "database", "shell", "exchange-review", "--json", "SELECT COUNT(*) AS n FROM review")
}
