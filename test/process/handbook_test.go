package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"banyan/docs"
	"banyan/platform/testenv/testneeds"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestEveryCommandOfTheHandbookRuns: the commands of each page, one after the other in
// an empty folder, as somebody types them. Only the addresses are others.
func TestEveryCommandOfTheHandbookRuns(t *testing.T) {
	pages, err := docs.Pages()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		var script strings.Builder
		for _, block := range shellBlock.FindAllStringSubmatch(page.Text, -1) {
			script.WriteString(block[1])
		}
		if script.Len() == 0 {
			continue
		}
		t.Run(page.Name, func(t *testing.T) { runPage(t, script.String()) })
	}
}

func runPage(t *testing.T, script string) {
	t.Helper()
	site, admin := testneeds.Address(t), testneeds.Address(t)
	env := []string{
		"PATH=" + filepath.Dir(banyanPath) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"BANYAN_LISTEN=" + site, "BANYAN_PUBLIC_URL=http://" + site, "BANYAN_ADMIN_LISTEN=" + admin, "BANYAN_IDENTITY_TRUNK_URL=http://" + site,
	}
	script = strings.NewReplacer("127.0.0.1:8080", site, "127.0.0.1:8081", testneeds.Address(t)).Replace(script)
	for _, name := range []string{"trial", "test"} {
		if address := "postgres://postgres@127.0.0.1:5432/" + name; strings.Contains(script, address) {
			script = strings.ReplaceAll(script, address, newPostgres(t))
		}
	}
	// A module that runs alone takes an admin address of its own.
	script = strings.ReplaceAll(script, "banyan serve --module", "env -u BANYAN_LISTEN BANYAN_ADMIN_LISTEN=127.0.0.1:0 banyan serve --module")
	whole := "set -m -e -u -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + script
	cmd := exec.CommandContext(t.Context(), "bash", "-c", whole)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nof\n%s", err, out, script)
	}
}

var namedCommand = regexp.MustCompile("`banyan((?: [a-z][a-z-]*)+)")

// TestCommandsInTheDocumentsExist: what is written between backticks is typed by
// people who are in trouble.
func TestCommandsInTheDocumentsExist(t *testing.T) {
	seen := make(map[string]bool)
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../deploy/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range namedCommand.FindAllStringSubmatch(string(text), -1) {
				words := strings.Fields(found[1])
				if seen[found[1]] {
					continue
				}
				seen[found[1]] = true
				_, out, _ := banyan(t, append(words[:min(2, len(words))], "--help")...)
				usage := "Usage:\n  banyan " + words[0]
				if !strings.Contains(out, usage) || len(words) > 1 && strings.Contains(out, "Available Commands:") && !strings.Contains(out, usage+" "+words[1]) {
					t.Errorf("%s names `banyan%s`, which is not a command", filepath.Base(file), found[1])
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("found %d commands only", len(seen))
	}
}
