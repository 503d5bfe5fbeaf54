package architecture_test

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
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "bench" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		_, comment := parsed(t, path)
		for _, name := range goFile.FindAllString(comment, -1) {
			checked++
			if !exists(filepath.Join(path, name), filepath.Join(root, name)) {
				t.Errorf("the comment of %s names %s, which is not there", path, name)
			}
		}
		return nil
	})
	if err != nil || checked < 20 {
		t.Errorf("%d names checked: %v", checked, err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range goFile.FindAllString(string(text), -1) {
		if !exists(filepath.Join(root, name), filepath.Join(root, "modules/*", name), filepath.Join(root, "modules/*/service", name)) {
			t.Errorf("the README names %s, which is not there", name)
		}
	}
}
