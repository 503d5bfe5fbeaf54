package architecture_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write generated files instead of comparing them")

// root is the repository.
const root = "../.."

// layers lists the packages from the lowest up. A package may import packages of
// lower lines only, and of its own line only within its own folder. The modules'
// lines are those of main's list.
var layers = slices.Concat([]string{
	"migrations",
	"platform/plain",
	"platform/browserwallet",
	"platform/periodic",
	"platform/fault",
	"platform/page",
	"platform/progress",
	"platform/requestctx",
	"platform/redact",
	"platform/memory",
	"platform/latency",
	"platform/loopback",
	"platform/publicnet",
	"platform/atomicfile",
	"platform/decompress",
	"platform/table",
	"platform/wallet",
	"platform/signature",
	"platform/attestation",
	"platform/eip712",
	"platform/appendjson",
	"platform/merkle",
	"platform/config",
	"platform/peers",
	"platform/certificates",
	"platform/telemetry",
	"platform/httpserver",
	"platform/ratelimit",
	"platform/database",
	"platform/backup",
	"platform/ownership",
	"platform/transfer",
	"platform/events",
	"platform/identity",
	"platform/feature",
	"platform/site",
	"platform/chain",
	"platform/idempotency",
	"platform/jobs",
	"platform/webhooks",
	"platform/seam",
	"platform/load",
	"platform/upkeep",
	"platform/rollout",
	"platform/legacy",
	"platform/host",
	"platform/testenv",
}, modules(), []string{
	"docs",
	"web",
	"cli",
	"test",
	"deploy",
	".",
})

// modules are the folders of the modules in main's list, in its order.
func modules() (folders []string) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "main.go"), nil, 0)
	if err != nil {
		panic(err) // the test cannot say anything without it
	}
	folder := make(map[string]string) // name in main.go → folder of the module
	for _, i := range file.Imports {
		path := strings.TrimPrefix(strings.Trim(i.Path.Value, `"`), "banyan/")
		if i.Name != nil && strings.HasPrefix(path, "modules/") {
			folder[i.Name.Name] = strings.TrimSuffix(path, "/service")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Module" {
			if x, ok := s.X.(*ast.Ident); ok && folder[x.Name] != "" {
				folders = append(folders, folder[x.Name])
			}
		}
		return true
	})
	return folders
}

type goPackage struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// testHelpers are the packages that tests alone import. All of them, and only
// them, may import platform/testenv, which stands above what it helps to test.
const testHelpers = "platform/testenv"

// TestImportRule keeps the layers apart, in the program and in its tests: an
// import that goes up or sideways fails, as does one that reaches past another
// module's contract.
func TestImportRule(t *testing.T) {
	arrows := make(map[string]bool)
	for _, p := range listPackages(t) {
		for _, imported := range own(p.Imports) {
			if problem := judgeImport(t, p.ImportPath, imported, isTestHelper(p.ImportPath)); problem != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, problem)
			}
			if isTestHelper(p.ImportPath) || strings.HasPrefix(p.ImportPath, "banyan/test/") {
				continue // the diagram shows the program
			}
			arrows[node(layers[layerOf(t, p.ImportPath)])+" --> "+node(layers[layerOf(t, imported)])] = true
		}
		for _, imported := range own(slices.Concat(p.TestImports, p.XTestImports)) {
			if problem := judgeImport(t, p.ImportPath, imported, true); problem != "" {
				t.Errorf("a test of %s imports %s: %s", p.ImportPath, imported, problem)
			}
		}
	}
	delete(arrows, "platform --> platform")
	checkDiagram(t, arrows)
}

// judgeImport says why a package must not import another, "" if it may.
func judgeImport(t *testing.T, importer, imported string, inTest bool) string {
	t.Helper()
	from, to := layerOf(t, importer), layerOf(t, imported)
	switch {
	case layers[to] == testHelpers && layers[from] != testHelpers:
		if !inTest {
			return "it helps tests, and must not be in the program"
		}
		return ""
	case to > from:
		return "it is a layer above"
	case strings.HasPrefix(layers[to], "modules/") && imported != "banyan/"+layers[to]:
		// The inside of a module, which is for the module itself; main lists its service.
		if to != from && importer != "banyan" {
			return "of another module, import its contract package only"
		}
		if importer == "banyan/"+layers[from] && !inTest {
			return "a contract stands apart from the work behind it"
		}
	}
	return ""
}

// isTestHelper reports whether a package is one that tests alone import.
func isTestHelper(importPath string) bool {
	return strings.HasPrefix(importPath, "banyan/"+testHelpers) || strings.HasSuffix(importPath, "test")
}

// own are the imports that are packages of this repository.
func own(imports []string) []string {
	return slices.DeleteFunc(slices.Clone(imports), func(path string) bool { return !strings.HasPrefix(path, "banyan/") })
}

// TestTheImportRuleFindsWhatItForbids: the judgement above, on imports that
// nobody has.
func TestTheImportRuleFindsWhatItForbids(t *testing.T) {
	list := modules()
	first, last := "banyan/"+list[0], "banyan/"+list[len(list)-1]
	for _, c := range []struct {
		importer, imported string
		inTest, allowed    bool
	}{
		{last + "/service", first, false, true},
		{last + "/service", first + "/service", false, false},
		{last + "/service", first + "/service", true, false},
		{first + "/service", last, false, false},
		{first + "/service", last, true, false},
		{first + "/service", first, false, true},
		{first, first + "/service", false, false},
		{"banyan", first + "/service", false, true},
		{"banyan/cli", first + "/service", false, false},
		{"banyan/web", first + "/service", true, false},
		{"banyan/web", first, false, true},
		{"banyan/test/process", first + "/service", true, false},
		{"banyan/platform/seam", first, true, false},
		{"banyan/platform/seam", "banyan/platform/host", true, false},
		{"banyan/platform/fault", "banyan/" + testHelpers + "/testclock", true, true},
		{"banyan/platform/fault", "banyan/" + testHelpers + "/testclock", false, false},
	} {
		if problem := judgeImport(t, c.importer, c.imported, c.inTest); (problem == "") != c.allowed {
			t.Errorf("%s may import %s (in a test: %v): want %v, got %q", c.importer, c.imported, c.inTest, c.allowed, problem)
		}
	}
}

// TestSQLStandsInStores: whoever looks for a module's SQL finds it in its
// store's files.
func TestSQLStandsInStores(t *testing.T) {
	for _, p := range listPackages(t) {
		if strings.HasPrefix(p.ImportPath, "banyan/platform/database") || isTestHelper(p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				path := strings.Trim(i.Path.Value, `"`)
				if (path == "github.com/jmoiron/sqlx" || path == "database/sql") && !strings.HasPrefix(name, "store") {
					t.Errorf("%s/%s imports %s: SQL stands in the files store*.go", p.ImportPath, name, path)
				}
			}
		}
	}
}

// TestFilesStaySmall: a file that outgrows this has more than one subject.
func TestFilesStaySmall(t *testing.T) {
	const limit = 450
	for _, p := range listPackages(t) {
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > limit {
				t.Errorf("%s/%s has %d lines: split it by subject", p.ImportPath, name, n)
			}
		}
	}
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

func layerOf(t *testing.T, importPath string) int {
	t.Helper()
	path := strings.TrimPrefix(strings.TrimPrefix(importPath, "banyan"), "/")
	if path == "" {
		return len(layers) - 1
	}
	i := slices.IndexFunc(layers, func(layer string) bool { return path == layer || strings.HasPrefix(path, layer+"/") })
	if i < 0 {
		t.Fatalf("%s is in no layer: add it to the list of layers", importPath)
	}
	return i
}

// node is the name of a layer in the diagram.
func node(layer string) string {
	switch {
	case layer == ".":
		return "main"
	case strings.HasPrefix(layer, "platform/"):
		return "platform"
	}
	return strings.TrimPrefix(layer, "modules/")
}

const (
	diagramBegin = "<!-- the diagram is written by `make generate` from the imports -->\n"
	diagramEnd   = "<!-- end of the diagram -->"
)

// checkDiagram compares the README's diagram with the imports.
func checkDiagram(t *testing.T, arrows map[string]bool) {
	t.Helper()
	var lines []string
	for arrow := range arrows {
		from, to, _ := strings.Cut(arrow, " --> ")
		if from != to && to != "migrations" && (to != "platform" || from != "main") {
			lines = append(lines, "    "+arrow)
		}
	}
	slices.Sort(lines)
	diagram := fmt.Sprintf("```mermaid\nflowchart TD\n%s\n```\n", strings.Join(lines, "\n"))
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), diagramBegin)
	old, after, closed := strings.Cut(rest, diagramEnd)
	if !found || !closed {
		t.Fatal("README.md has lost the marks around its diagram")
	}
	if old == diagram {
		return
	}
	if !*update {
		t.Fatalf("README.md shows other arrows than the imports: run make generate\n%s", diagram)
	}
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+diagramBegin+diagram+diagramEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
