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
	"banyan/platform/testenv/testneeds"
)

// newerProgram builds this program as a later release with the same version of its
// contracts might be: reputation has one more operation, and a field more in a request
// and in an answer.
func newerProgram(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	replaced := make(map[string]string)
	edit := func(file string, changes ...string) {
		t.Helper()
		path, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source := string(text)
		for n := 0; n < len(changes); n += 2 {
			if !strings.Contains(source, changes[n]) {
				t.Fatalf("%s has no %q: adapt this test", file, changes[n])
			}
			source = strings.Replace(source, changes[n], changes[n+1], 1)
		}
		replaced[path] = filepath.Join(folder, filepath.Base(file))
		if err := os.WriteFile(replaced[path], []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("modules/reputation/operations.go",
		"\nvar (\n", `
type (
	newerQuery struct{}
	newerAnswer struct { Text string `+"`json:\"text\"`"+` }
)

var newer = seam.Read[newerQuery, newerAnswer](Contract, "newer", "GET /newer", seam.Public, "What a newer release has")

var (
`,
		"computeEpoch.To(s.ComputeEpoch),", `computeEpoch.To(s.ComputeEpoch),
		newer.To(func(context.Context, newerQuery) (newerAnswer, error) { return newerAnswer{"newer"}, nil }),`)
	edit("modules/reputation/reputation.go",
		"type LeaderboardQuery struct {\n", "type LeaderboardQuery struct {\n\tNewer string `query:\"newer\" json:\"-\"`\n",
		"type Leaderboard struct {\n", "type Leaderboard struct {\n\tNewer string `json:\"newer\"`\n")
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "newer")
	// Without -race: it is the same program but for a few lines, and most of that build is made.
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(folder, "overlay.json"), "-o", program, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the newer program: %v\n%s", err, out)
	}
	return program
}

// startFrom starts what follows from another program, until it is called again.
func startFrom(t *testing.T, program string) {
	t.Helper()
	usual := banyanPath
	banyanPath = program
	t.Cleanup(func() { banyanPath = usual })
}

// TestReleasesWithOneContractWorkTogether runs the trunk and reputation of two releases:
// what both know works, what one of them does not know is told as such, and that keeps
// nobody from the rest.
func TestReleasesWithOneContractWorkTogether(t *testing.T) {
	older, newer := banyanPath, newerProgram(t)
	for name, programs := range map[string][2]string{"newer module": {older, newer}, "newer trunk": {newer, older}} {
		t.Run(name, func(t *testing.T) {
			eachPlace(t, func(t *testing.T, p place) {
				listen := testneeds.Address(t)
				env := []string{
					"BANYAN_IDENTITY_TRUNK_URL=http://" + listen, "BANYAN_PUBLIC_URL=http://" + listen,
					"BANYAN_REPUTATION_SEEDS=" + newAuthor(0).address.String(),
				}
				startFrom(t, programs[1])
				alone := p.start(t, env, "--module", reputation.Name, "--listen", testneeds.Address(t))
				startFrom(t, programs[0])
				trunk := p.start(t, append(env, "BANYAN_MODULES_REPUTATION_MODE=remote", "BANYAN_MODULES_REPUTATION_URL="+alone.url), "--listen", listen)
				fill(t, p, trunk)
				settle(t, trunk)
				trunk.must("POST", "/api/v1/reputation/epochs", p.token(t), nil, nil)
				withNewer := func(path string) (int, string) {
					t.Helper()
					status, text, err := call(t.Context(), "GET", trunk.url+"/api/v1/reputation"+path, "", nil, nil)
					if err != nil {
						t.Fatal(err)
					}
					return status, text
				}
				for range 20 { // more than a breaker needs to open
					status, text := withNewer("/newer")
					if name == "newer trunk" && (status != http.StatusServiceUnavailable || !strings.Contains(text, "bring both to one release")) {
						t.Fatalf("an operation that the module does not know: %d %s", status, text)
					}
					if name == "newer module" && status != http.StatusNotFound {
						t.Fatalf("an operation that the trunk does not know: %d %s", status, text)
					}
				}
				if status, text := withNewer("/leaderboard"); status != http.StatusOK {
					t.Errorf("the leaderboard: %d %s", status, text)
				}
				if name == "newer trunk" {
					if status, text := withNewer("/leaderboard?newer=field"); status != http.StatusOK {
						t.Errorf("the leaderboard with a field that the module does not know: %d %s", status, text)
					}
				}
				write(t, trunk, newAuthor(50), "okx", 5)
				eventually(t, "the review counts as activity", func() bool { return activity(t, trunk, newAuthor(50)) == 1 })
				for _, path := range []string{"/", "/reputation", "/exchanges/okx", "/wallets/" + newAuthor(3).address.String()} {
					if status, text, err := call(t.Context(), "GET", trunk.url+path, "", nil, nil); err != nil || status != http.StatusOK || strings.Contains(text, "at the moment") {
						t.Errorf("%s: %d %.200s %v", path, status, text, err)
					}
				}
			})
		})
	}
}
