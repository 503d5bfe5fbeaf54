package language

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"regexp"
	"strconv"
	"strings"
)

// goTexts returns the strings of a Go file that may be texts for people, as keys: what
// is joined with + or formatted is one text, with a value at each verb, and ui.Plural
// makes two. Errors for the log (fmt.Errorf, errors.New) are not among them.
func goTexts(name string, source []byte) ([]text, error) {
	files := gotoken.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var texts []text
	handled := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			if called := calledName(n); notShown[called] {
				return false
			}
		case *ast.IndexExpr:
			if _, is := n.Index.(*ast.BasicLit); is {
				return false
			}
		case *ast.BinaryExpr:
			if n.Op == gotoken.EQL || n.Op == gotoken.NEQ {
				return false
			}
		}
		if e, is := n.(ast.Expr); is {
			if handled[e] {
				return true
			}
			if made := madeBy(e, handled); made != nil {
				for _, key := range made {
					texts = append(texts, textsOf(key, files.Position(e.Pos()).Line)...)
				}
			}
		}
		return true
	})
	return texts, nil
}

// notShown are functions whose strings nobody sees on a page.
var notShown = map[string]bool{
	"Errorf": true, "New": false, "Fatal": true, "Get": true, "Set": true, "Add": false, "Contains": true, "HasPrefix": true, "HasSuffix": true,
	"CutPrefix": true, "CutSuffix": true, "TrimPrefix": true, "TrimSuffix": true, "Cut": true, "MustCompile": true, "Post": true, "Route": true,
	"Format": true, "QueryContext": true, "timeElement": true, "Warn": true, "Info": true, "Error": true,
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, is := f.X.(*ast.Ident); is && x.Name == "errors" {
			return "Errorf"
		}
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

const hereValue = "\x00"

var verb = regexp.MustCompile(`%[-+#0]*[0-9.*]*[a-zA-Z%]`)

// madeBy returns the texts that an expression may make, with hereValue at each value;
// nil = it is not made of literals.
func madeBy(e ast.Expr, handled map[ast.Expr]bool) (texts []string) {
	defer func() { handled[e] = handled[e] || texts != nil }()
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == gotoken.STRING {
			if text, err := strconv.Unquote(e.Value); err == nil {
				return []string{text}
			}
		}
	case *ast.ParenExpr:
		return madeBy(e.X, handled)
	case *ast.BinaryExpr:
		if e.Op != gotoken.ADD {
			return nil
		}
		left, right := madeBy(e.X, handled), madeBy(e.Y, handled)
		if left == nil && right == nil {
			return nil
		}
		return joined(orValue(left), orValue(right))
	case *ast.CallExpr:
		switch calledName(e) {
		case "Plural", "plural":
			if len(e.Args) == 3 {
				one, many := madeBy(e.Args[1], handled), madeBy(e.Args[2], handled)
				if one != nil && many != nil {
					return append(joined([]string{"1 "}, one), joined([]string{hereValue + " "}, many)...)
				}
			}
		case "Sprintf", "Newf", "Markup", "Fprintf", "AppendFormat":
			for _, arg := range e.Args {
				if made := madeBy(arg, handled); made != nil {
					return []string{verb.ReplaceAllStringFunc(made[0], func(v string) string {
						if v == "%%" {
							return "%"
						}
						return hereValue
					})}
				}
			}
		}
	}
	return nil
}

func orValue(texts []string) []string {
	if texts == nil {
		return []string{hereValue}
	}
	return texts
}

func joined(left, right []string) (all []string) {
	for _, l := range left {
		for _, r := range right {
			all = append(all, l+r)
		}
	}
	return all
}

var (
	goProse  = regexp.MustCompile(`^[A-Z][a-z]|[a-zA-Z0-9,.:;)“”’\x00]+ [(“a-zA-Z0-9\x00]`)
	hasWord  = regexp.MustCompile(`[a-zA-Z]{2}`)
	notProse = regexp.MustCompile(`^[A-Z][a-z]+(?:-[A-Z][a-z]+)+$|^[a-zA-Z0-9_./:?=&#%-]*[/=_?][^ ]*$|[{}\\]|; (?:charset|filename)`)
)

// textsOf returns the keys of a text of the code.
func textsOf(made string, line int) []text {
	if strings.Contains(made, "</") || strings.Contains(made, "/>") || strings.HasPrefix(made, "<") {
		found := templateTexts(strings.ReplaceAll(made, hereValue, "{{.}}"))
		for i := range found {
			found[i].line = line
		}
		return found
	}
	made = strings.TrimSpace(made)
	if !hasWord.MatchString(made) || !goProse.MatchString(made) || notProse.MatchString(made) {
		return nil
	}
	n := 0
	for strings.Contains(made, hereValue) {
		n++
		made = strings.Replace(made, hereValue, "{"+strconv.Itoa(n)+"}", 1)
	}
	return []text{{made, line}}
}
