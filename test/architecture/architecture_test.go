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

// floors lists the packages from the ground up. A package may import packages of
// lower lines only, and of its own line only within its own folder. The modules'
// lines are those of main's list.
var floors = slices.Concat([]string{
	"migrations",
	"platform/periodic",
	"platform/fault",
	"platform/page",
	"platform/requestctx",
	"platform/redact",
	"platform/memory",
	"platform/latency",
	"platform/loopback",
	"platform/atomicfile",
	"platform/decompress",

	"platform/wallet",
	"platform/appendjson",
	"platform/merkle",
	"platform/config",
	"platform/certificates",
	"platform/telemetry",
	"platform/httpserver",
	"platform/database",
	"platform/ownership",
	"platform/events",
	"platform/identity",
	"platform/idempotency",
	"platform/seam",
	"platform/handover",
	"platform/strangler",
	"platform/host",
	"platform/testenv",
}, modules(), []string{
	"web",
	"cli",
	"test",
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

// TestImportRule keeps the floors apart: an import that goes up or sideways
// fails, as does one that reaches past another module's contract.
func TestImportRule(t *testing.T) {
	packages := listPackages(t)
	arrows := make(map[string]bool)
	for _, p := range packages {
		from := floorOf(t, p.ImportPath)
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, "banyan/") {
				continue
			}
			to := floorOf(t, imported)
			switch {
			case to > from:
				t.Errorf("%s imports %s, which is a floor above it", p.ImportPath, imported)
			case to < from && strings.HasPrefix(floors[to], "modules/") && imported != "banyan/"+floors[to] && p.ImportPath != "banyan":
				t.Errorf("%s imports %s: of another module, import its contract package only", p.ImportPath, imported)
			}
			arrows[room(floors[from])+" --> "+room(floors[to])] = true
		}
	}
	delete(arrows, "platform --> platform")
	checkDiagram(t, arrows)
}

// TestOnlyTheHostBuildsModules: everybody else is handed a Service.
func TestOnlyTheHostBuildsModules(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath == "banyan" {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			modules := make(map[string]string) // name in this file → import path
			for _, i := range file.Imports {
				path := strings.Trim(i.Path.Value, `"`)
				if strings.HasPrefix(path, "banyan/modules/") && strings.Count(path, "/") == 2 {
					modules[path[strings.LastIndex(path, "/")+1:]] = path
				}
				if path == "github.com/jmoiron/sqlx" && name != "store.go" && !strings.HasPrefix(p.ImportPath, "banyan/platform/database") {
					t.Errorf("%s/%s imports sqlx: SQL stands in store.go", p.ImportPath, name)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "New" {
					if x, ok := s.X.(*ast.Ident); ok && modules[x.Name] != "" {
						t.Errorf("%s/%s calls %s.New: only main.go does", p.ImportPath, name, x.Name)
					}
				}
				return true
			})
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

func floorOf(t *testing.T, importPath string) int {
	t.Helper()
	path := strings.TrimPrefix(strings.TrimPrefix(importPath, "banyan"), "/")
	if path == "" {
		return len(floors) - 1
	}
	i := slices.IndexFunc(floors, func(floor string) bool { return path == floor || strings.HasPrefix(path, floor+"/") })
	if i < 0 {
		t.Fatalf("%s stands on no floor: add it to the list of floors", importPath)
	}
	return i
}

// room is a floor's name in the diagram.
func room(floor string) string {
	switch {
	case floor == ".":
		return "main"
	case strings.HasPrefix(floor, "platform/"):
		return "platform"
	}
	return strings.TrimPrefix(floor, "modules/")
}

const (
	diagramBegin = "<!-- the diagram is written by `make generate` from the imports -->\n"
	diagramEnd   = "<!-- end of the diagram -->"
)

// checkDiagram compares the README's picture of the house with the imports.
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
		t.Fatalf("README.md shows another house than the imports: run make generate\n%s", diagram)
	}
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(before+diagramBegin+diagram+diagramEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
