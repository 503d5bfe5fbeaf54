package language

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// In a script, texts for people are the strings with a space between words, or a
// capital letter at the beginning; what looks the same and is not one stands in
// noText. A template literal has a value at each ${…}.
var scriptString = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"|` + "`[^`]*`")

var hole = regexp.MustCompile(`\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}`)

// Script returns the source of a script in the language.
func (l Language) Script(source string) string {
	if l == English {
		return source
	}
	return scriptString.ReplaceAllStringFunc(source, func(literal string) string {
		key, holes := scriptKey(literal)
		text, found := l.text(key)
		if !found || key == "" || !isProse(key) {
			return literal
		}
		if literal[0] == '"' {
			return strconv.Quote(text)
		}
		return "`" + valueOnly.ReplaceAllStringFunc(text, func(name string) string { return holes[name] }) + "`"
	})
}

func scriptKey(literal string) (key string, holes map[string]string) {
	if literal[0] == '"' {
		text, err := strconv.Unquote(literal)
		if err != nil {
			return "", nil
		}
		return text, nil
	}
	holes = map[string]string{}
	return hole.ReplaceAllStringFunc(literal[1:len(literal)-1], func(h string) string {
		name := fmt.Sprintf("{%d}", len(holes)+1)
		holes[name] = h
		return name
	}), holes
}

var prose = regexp.MustCompile(`^[A-Z][a-z]+[ .,]?|[a-zA-Z{}0-9,.:]+ [a-zA-Z{]`)

// noText are strings of scripts that look like texts: classes, headers, keys, and
// words that comments quote.
var noText = map[string]bool{
	"Content-Type": true, "Accept": true, "Escape": true, "button small": true, "stack tight": true, "notice bad": true,
	"sign in first": true, "use my wallet": true, "{1}: {2}": true, "line {1}": true, "The wallet of this browser": true,
}

// isProse reports whether a string of a script looks like a text for people.
func isProse(key string) bool {
	return prose.MatchString(key) && !noText[key] && !strings.ContainsAny(key, "<>[]=#/\\") && key[0] != '('
}
