package process_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryKindOfMessageIsInTheHandbook, and what happens in a running program becomes
// messages for an endpoint.
func TestEveryKindOfMessageIsInTheHandbook(t *testing.T) {
	p := startDemo(t, t.TempDir())
	token := p.operatorToken(t)
	ask := func(method, path, body string, into any) {
		t.Helper()
		status, text, err := call(t.Context(), method, p.url+path, token, strings.NewReader(body), into)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
		}
	}
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]json.RawMessage `json:"paths"`
	}
	ask("GET", "/api/openapi.json", "", &document)
	told := 0
	for path := range document.Paths {
		if !strings.HasSuffix(path, "/upkeep/webhooks") {
			continue
		}
		var list struct {
			Kinds []struct{ Name string }
		}
		ask("GET", path, "", &list)
		module := strings.TrimSuffix(strings.TrimPrefix(path, "/api/v1/"), "/upkeep/webhooks")
		var written []string
		for _, line := range regexp.MustCompile(`(?m)^\| `+module+` \| (.*?) \|`).FindAllSubmatch(page, -1) {
			for _, name := range strings.Split(string(line[1]), ", ") {
				written = append(written, strings.Trim(name, "`"))
			}
		}
		var names []string
		for _, k := range list.Kinds {
			names = append(names, k.Name)
		}
		slices.Sort(written)
		slices.Sort(names)
		if !slices.Equal(written, names) {
			t.Errorf("docs/api.md has of %s %v, and it sends %v", module, written, names)
		}
		told += len(names)
	}
	if told == 0 {
		t.Error("no module sends anything")
	}
	for module, kind := range map[string]string{"reputation": "scores.published", "exchange-review": "ranking.published"} {
		var added struct{ ID int64 }
		at := "/api/v1/" + module + "/upkeep/webhooks"
		ask("POST", at, `{"url":"https://banyan.invalid/hook","kinds":["`+kind+`"]}`, &added)
		ask("POST", "/api/v1/"+module+"/epochs", "{}", nil)
		eventually(t, "a message of "+kind, func() bool {
			var page struct{ Messages []struct{ Kind, Body string } }
			ask("GET", fmt.Sprintf("%s/%d/messages", at, added.ID), "", &page)
			return len(page.Messages) == 1 && page.Messages[0].Kind == kind && strings.Contains(page.Messages[0].Body, `"number":`)
		})
	}
}
