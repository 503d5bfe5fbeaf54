package architecture_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// heavy are the packages that a contract must not reach, and why: who imports it
// may be a small program of another Go module that only calls Banyan.
var heavy = map[string]string{
	"github.com/mattn/go-sqlite3":        "a database engine, in C",
	"github.com/jackc/pgx":               "a database engine",
	"github.com/jmoiron/sqlx":            "SQL is the work behind a contract",
	"github.com/pressly/goose":           "migrations are the work behind a contract",
	"github.com/spf13/viper":             "settings belong to the program",
	"github.com/go-viper":                "settings belong to the program",
	"go.yaml.in/yaml":                    "rules and settings are the work behind a contract",
	"gopkg.in/yaml.v3":                   "settings belong to the program",
	"github.com/spf13/cobra":             "commands belong to the program",
	"github.com/spf13/pflag":             "commands belong to the program",
	"github.com/ethereum/go-ethereum":    "signatures are checked by the work behind a contract; its curve is in C",
	"github.com/klauspost/compress":      "uploads are decompressed by the work behind a contract",
	"go.opentelemetry.io/otel/sdk":       "who collects traces is the program's choice",
	"go.opentelemetry.io/otel/exporters": "who collects traces is the program's choice",
	"google.golang.org/grpc":             "no call between modules uses it",
	"html/template":                      "pages are web's",
	"banyan/migrations":                  "SQL is the work behind a contract",
	"banyan/platform/certificates":       "certificates belong to the program",
	"banyan/platform/chain":              "the program asks the nodes of chains",
	"banyan/platform/config":             "settings belong to the program",
	"banyan/platform/database":           "SQL is the work behind a contract",
	"banyan/platform/events/outbox":      "it stores events; their types are in platform/events",
	"banyan/platform/handover":           "only the program moves modules",
	"banyan/platform/host":               "it assembles the program",
	"banyan/platform/httpserver":         "a client serves nothing",
	"banyan/platform/idempotency":        "it stores answers",
	"banyan/platform/identity/signin":    "it stores sessions and keys",
	"banyan/platform/ownership":          "it stores who owns the writes",
	"banyan/platform/rollout":            "only the program moves modules",
	"banyan/platform/legacy":             "only the program stands in front of a legacy system",
	"banyan/platform/telemetry":          "who collects metrics and traces is the program's choice",
	"banyan/platform/decompress":         "uploads are decompressed by the work behind a contract",
	"banyan/platform/testenv":            "it is for tests",
	"banyan/web":                         "pages stand above the modules",
	"banyan/cli":                         "commands stand above the modules",
}

// mostPackages bounds all that a contract reaches, of the standard library too:
// what is added here is paid for by every client.
const mostPackages = 300

// TestAContractIsLight holds the contracts of the modules in main's list, and the
// seam, to what a client needs.
func TestAContractIsLight(t *testing.T) {
	patterns := []string{"./platform/seam/..."}
	for _, m := range modules() {
		patterns = append(patterns, "./"+m)
	}
	for _, pattern := range patterns {
		for _, p := range strings.Fields(goCommand(t, nil, "list", pattern)) {
			reached := strings.Fields(goCommand(t, nil, "list", "-deps", p))
			if len(reached) > mostPackages {
				t.Errorf("%s reaches %d packages, want at most %d", p, len(reached), mostPackages)
			}
			if inC := strings.TrimSpace(goCommand(t, nil, "list", "-deps", "-f", `{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}`, p)); inC != "" {
				t.Errorf("%s reaches what needs a C compiler: %s", p, inC)
			}
			for _, r := range reached {
				if why := whyHeavy(r); why != "" {
					t.Errorf("%s reaches %s: %s. %s", p, r, why, path(t, p, r))
				}
			}
		}
	}
	goCommand(t, []string{"CGO_ENABLED=0"}, append([]string{"build"}, patterns...)...)
}

func TestHeavyPackagesAreKnownByTheirFolders(t *testing.T) {
	for reached, want := range map[string]bool{
		"banyan/platform/database": true, "banyan/platform/database/x": true, "banyan/platform/databases": false,
		"github.com/jackc/pgx/v5/stdlib": true, "banyan/platform/events": false, "banyan/platform/identity": false,
	} {
		if got := whyHeavy(reached) != ""; got != want {
			t.Errorf("%s is heavy: %v, want %v", reached, got, want)
		}
	}
}

func whyHeavy(reached string) string {
	for prefix, why := range heavy {
		if reached == prefix || strings.HasPrefix(reached, prefix+"/") {
			return why
		}
	}
	return ""
}

// path says by which imports a package of ours reaches another.
func path(t *testing.T, from, to string) string {
	t.Helper()
	imports := make(map[string][]string)
	for line := range strings.Lines(goCommand(t, nil, "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, from)) {
		names := strings.Fields(line)
		imports[names[0]] = names[1:]
	}
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, seen := before[next]; !seen {
				before[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	way := to
	for at := before[to]; at != ""; at = before[at] {
		way = at + " → " + way
	}
	return "The way is " + way
}

// goCommand runs the go tool at the repository's root.
func goCommand(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &errOut)
	}
	return string(out)
}
