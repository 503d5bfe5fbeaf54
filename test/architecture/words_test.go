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
	"unicode"
)

// forbidden are words and phrases that the names, comments and messages of the
// program do without, and what to write instead. A metaphor names the product;
// everything else has the field's terms in plain English (see CONTRIBUTING.md).
var forbidden = map[string]string{
	"house":      "the program, the host, or what it is",
	"plant":      "start or open",
	"grove":      "cluster",
	"crowd":      "load",
	"liar":       "wrong answer",
	"lent":       "borrowed until Release",
	"patience":   "timeout",
	"step back":  "rollback",
	"lasting":    "persistent or long-lived",
	"unpack":     "decompress",
	"conveyor":   "pipeline",
	"lighthouse": "what it is",
	"roomy":      "wide",
	"hasty":      "what it leaves out",
	"hears":      "receives or is told",
	"heard":      "received or seen",
	"speaks":     "has, calls or names",
	"spoke":      "had, called or named",
	"minds":      "what it does",
	"anew":       "again",
}

// TestWordsAreTheFields looks through the identifiers, comments and texts of all
// Go files, their names, and the pages' templates.
func TestWordsAreTheFields(t *testing.T) {
	var phrases []string
	for phrase := range forbidden {
		phrases = append(phrases, regexp.QuoteMeta(phrase))
	}
	found := regexp.MustCompile(`\b(` + strings.Join(phrases, "|") + `)\b`)
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
			if d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(name, ".") && name != "." {
				return filepath.SkipDir
			}
			return nil
		}
		var said []saying
		switch ext := filepath.Ext(name); {
		case name == filepath.Join("test", "architecture", "words_test.go"):
			return nil // it must name them
		case ext == ".go":
			if said, err = sayings(path); err != nil {
				return err
			}
		case ext == ".html":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(text), "\n") {
				said = append(said, saying{i + 1, strings.ToLower(line)})
			}
		default:
			return nil
		}
		checked++
		said = append(said, saying{1, words(strings.TrimSuffix(d.Name(), filepath.Ext(name)))})
		for _, s := range said {
			for _, phrase := range found.FindAllString(s.text, -1) {
				t.Errorf("%s:%d says %q: write %s", name, s.line, phrase, forbidden[phrase])
			}
		}
		return nil
	})
	if err != nil || checked < 300 {
		t.Errorf("%d files checked: %v", checked, err)
	}
}

// saying is a text in lower case, and its line in the file.
type saying struct {
	line int
	text string
}

// sayings are the names that a file declares, its comments and its texts.
func sayings(path string) (all []saying, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	add := func(at token.Pos, text string) {
		for i, line := range strings.Split(text, "\n") {
			all = append(all, saying{set.Position(at).Line + i, strings.ToLower(line)})
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			add(c.Pos(), c.Text)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr: // a name that is declared elsewhere: here, and then it is found there, or by others
			if of, ok := x.X.(*ast.Ident); ok {
				add(of.Pos(), words(of.Name))
				return false
			}
		case *ast.Ident:
			if x.Obj == nil || x.Obj.Pos() == x.Pos() { // once, where it is declared, and fields and methods
				add(x.Pos(), words(x.Name))
			}
		case *ast.BasicLit:
			if x.Kind == token.STRING {
				add(x.Pos(), x.Value)
			}
		}
		return true
	})
	return all, nil
}

// words takes a name apart: "stepBack" and "step_back" are "step back".
func words(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case r == '_' || r == '-':
			r = ' '
		case i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func TestNamesAreTakenApart(t *testing.T) {
	for name, want := range map[string]string{
		"stepBack": "step back", "step_back": "step back", "HTTPServer": "http server", "TestAHouse": "test a house", "x": "x", "fig_liar": "fig liar",
	} {
		if got := words(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
