package architecture_test

import (
	"bytes"
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

// topLevel is all that is at the top of the repository.
var topLevel = strings.Fields(`
	.ci .gitignore .golangci.yml
	CONTRIBUTING.md LICENSE Makefile README.md SECURITY.md config.yaml go.mod go.sum main.go
	bench cli deploy docs migrations modules platform test web
`)

func TestNothingElseLiesAtTheTop(t *testing.T) {
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("git does not list the files: %v", err) // a copy without its history
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "/")
		if !slices.Contains(topLevel, name) {
			t.Errorf("%s is at the top: a command belongs into cli, a test into test/ or beside what it tests, a program's part into platform", strings.TrimSpace(line))
		}
	}
}

// TestMainHasNoLogic: package main is one file, with one list and one call.
func TestMainHasNoLogic(t *testing.T) {
	const most = 60
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil || len(files) != 1 {
		t.Fatalf("package main has the files %v, %v: want main.go alone", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > most {
		t.Errorf("main.go has %d lines, want at most %d", n, most)
	}
	file, err := parser.ParseFile(token.NewFileSet(), files[0], text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.GoStmt, *ast.DeferStmt, *ast.FuncLit:
			t.Errorf("main.go decides something (%T): that belongs into cli or platform/host, where a test reaches it", x)
		case *ast.FuncDecl:
			if x.Name.Name != "main" || len(x.Body.List) != 1 {
				t.Errorf("main.go has the function %s of %d statements: want main alone, with one call", x.Name.Name, len(x.Body.List))
			}
		}
		return true
	})
}
