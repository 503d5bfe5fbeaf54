package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goFile is a file that a comment sends its reader to; a * stands for several.
var goFile = regexp.MustCompile(`[a-z0-9_*/]+\.go\b`)

// parsed is a package without its tests, and the comment at its head.
func parsed(t *testing.T, folder string) (files map[string]*ast.File, comment string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = file
		comment += file.Doc.Text()
	}
	return files, comment
}

// A contract's comment sends its reader to the files where its methods are.
func TestAContractNamesTheFilesOfTheWork(t *testing.T) {
	folders, err := filepath.Glob("modules/*")
	if err != nil || len(folders) < 3 {
		t.Fatalf("modules %v, %v", folders, err)
	}
	for _, folder := range folders {
		files, comment := parsed(t, folder)
		named := goFile.FindAllString(comment, -1)
		methods := 0
		for name, file := range files {
			for _, d := range file.Decls {
				f, is := d.(*ast.FuncDecl)
				if !is || f.Recv == nil || !f.Name.IsExported() || !strings.HasSuffix(receiver(f), "service") {
					continue
				}
				methods++
				if !matchesOne(named, name) {
					t.Errorf("%s: %s is in %s, and the package comment does not say so", folder, f.Name, name)
				}
			}
		}
		if methods < 5 {
			t.Errorf("%s has %d methods: the test looked at the wrong type", folder, methods)
		}
	}
}

func receiver(f *ast.FuncDecl) string {
	switch typ := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if name, is := typ.X.(*ast.Ident); is {
			return name.Name
		}
	case *ast.Ident:
		return typ.Name
	}
	return ""
}

func matchesOne(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if is, err := filepath.Match(pattern, name); is && err == nil {
			return true
		}
	}
	return false
}

// A package comment, and the README, name files that are there.
func TestCommentsNameFilesThatExist(t *testing.T) {
	checked := 0
	exists := func(places ...string) bool {
		for _, place := range places {
			if found, err := filepath.Glob(place); err == nil && len(found) > 0 {
				return true
			}
		}
		return false
	}
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "bench" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "." {
			return filepath.SkipDir
		}
		_, comment := parsed(t, path)
		for _, name := range goFile.FindAllString(comment, -1) {
			checked++
			if !exists(filepath.Join(path, name), name) {
				t.Errorf("the comment of %s names %s, which is not there", path, name)
			}
		}
		return nil
	})
	if err != nil || checked < 20 {
		t.Errorf("%d names checked: %v", checked, err)
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range goFile.FindAllString(string(text), -1) {
		if !exists(name, "modules/*/"+name) {
			t.Errorf("the README names %s, which is not there", name)
		}
	}
}
