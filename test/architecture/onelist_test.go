package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// moduleNames are the names of main's modules in settings and paths, as their
// contracts say them, and those of their packages: "exchange-review" and
// "exchangereview".
func moduleNames(t *testing.T) (names map[string]string) {
	t.Helper()
	names = make(map[string]string)
	for _, folder := range modules() {
		files, _ := parsed(t, filepath.Join(root, folder))
		name := ""
		for _, file := range files {
			for _, d := range file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
					for _, s := range g.Specs {
						v := s.(*ast.ValueSpec)
						if v.Names[0].Name == "Name" && len(v.Values) == 1 {
							name, _ = strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
						}
					}
				}
			}
		}
		if name == "" {
			t.Fatalf("%s has no constant Name", folder)
		}
		names[name] = name
		names[filepath.Base(folder)] = name
	}
	return names
}

// recites finds the modules that a file names, in one text or in the cases of one
// switch: two of them are a list of modules.
func recites(file *ast.File, names map[string]string) (lists []token.Pos) {
	var all []string
	for name := range names {
		all = append(all, regexp.QuoteMeta(name))
	}
	slices.Sort(all)
	word := regexp.MustCompile(`\b(` + strings.Join(all, "|") + `)\b`)
	imports := make(map[ast.Expr]bool)
	for _, i := range file.Imports {
		imports[i.Path] = true
	}
	found := func(n ast.Node) map[string]bool {
		modules := make(map[string]bool)
		ast.Inspect(n, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.BasicLit:
				if x.Kind == token.STRING && !imports[x] {
					for _, name := range word.FindAllString(x.Value, -1) {
						modules[names[name]] = true
					}
				}
			case *ast.SelectorExpr: // reputation.Name, reputation.Contract
				if p, ok := x.X.(*ast.Ident); ok && names[p.Name] != "" && (x.Sel.Name == "Name" || x.Sel.Name == "Contract") {
					modules[names[p.Name]] = true
				}
			}
			return true
		})
		return modules
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BasicLit:
			if len(found(x)) > 1 {
				lists = append(lists, x.Pos())
			}
		case *ast.SwitchStmt:
			modules := make(map[string]bool)
			for _, s := range x.Body.List {
				for _, e := range s.(*ast.CaseClause).List {
					for name := range found(e) {
						modules[name] = true
					}
				}
			}
			if len(modules) > 1 {
				lists = append(lists, x.Pos())
			}
		case *ast.CompositeLit: // names alone; a struct of clients is not a list
			modules := make(map[string]bool)
			for _, e := range x.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if _, named := kv.Key.(*ast.Ident); named {
						continue
					}
					e = kv.Key
				}
				if _, call := e.(*ast.CallExpr); call {
					continue
				}
				for name := range found(e) {
					modules[name] = true
				}
			}
			if len(modules) > 1 {
				lists = append(lists, x.Pos())
			}
		}
		return true
	})
	return lists
}

// mayRecite are files that name modules because each part of them is about one:
// they get longer with a module that has pages, and do not fail without.
var mayRecite = []string{
	"web/webtest/", // what a test of the pages shows of each module
}

// TestModulesAreListedOnlyInMain: a list of modules, a switch over their names or
// a text that recites them anywhere else is one more place to edit for the next
// module. Tests may recite.
func TestModulesAreListedOnlyInMain(t *testing.T) {
	names := moduleNames(t)
	checked := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == "bench" || name == "test" || d.Name() == "testdata" || strings.HasPrefix(name, ".") && name != "." {
				return filepath.SkipDir
			}
			return nil
		}
		mayDo := slices.ContainsFunc(mayRecite, func(prefix string) bool { return strings.HasPrefix(filepath.ToSlash(name), prefix) })
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == "main.go" || mayDo {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(file) {
			return nil
		}
		checked++
		for _, at := range recites(file, names) {
			t.Errorf("%s:%d lists modules: let it follow from the list in main.go, by host.Module or its Contract", name, set.Position(at).Line)
		}
		return nil
	})
	if err != nil || checked < 200 {
		t.Errorf("%d files checked: %v", checked, err)
	}
}

func TestAListOfModulesIsFound(t *testing.T) {
	names := map[string]string{"alpha": "alpha", "beta-two": "beta-two", "betatwo": "beta-two"}
	for text, want := range map[string]bool{
		`var s = "choose alpha or beta-two"`:                                    true,
		`var s = []string{"alpha", "beta-two"}`:                                 true,
		`var s = map[string]int{"alpha": 1, "beta-two": 2}`:                     true,
		`var s = []string{alpha.Name, betatwo.Name}`:                            true,
		`func f(s string) { switch s { case "alpha": case "beta-two": } }`:      true,
		`func f(s string) { switch s { case alpha.Name: case betatwo.Name: } }`: true,
		`var s = "alpha, alphabet"`:                                             false,
		`var s, r = "alpha", "beta-two"`:                                        false,
		`var c = clients{A: alpha.NewClient(alpha.Contract), B: betatwo.Name}`:  false,
		`var s = []string{"alpha", "gamma"}`:                                    false,
		`func f(s string) { switch s { case "alpha": } }`:                       false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(recites(file, names)) > 0; got != want {
			t.Errorf("%s: a list %v, want %v", text, got, want)
		}
	}
}
