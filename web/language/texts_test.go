package language

import (
	"slices"
	"strings"
)

// text is one in a source, as a key of the catalogue.
type text struct {
	key  string
	line int
}

// templateTexts returns the texts of a template.
func templateTexts(source string) []text {
	var texts []text
	m := markup{}
	m.look = func(key string) (string, bool) {
		texts = append(texts, text{key, m.line})
		return "", false
	}
	m.source(source, true)
	return texts
}

// scriptTexts returns the strings of a script that may be texts for people.
func scriptTexts(source string) []text {
	var texts []text
	for _, at := range scriptString.FindAllStringIndex(source, -1) {
		if key, _ := scriptKey(source[at[0]:at[1]]); isProse(key) {
			texts = append(texts, text{key, 1 + strings.Count(source[:at[0]], "\n")})
		}
	}
	return texts
}

// placeholders returns what must be the same in a text and its translation: values and
// elements in any order, and parts that depend on something in their own.
func placeholders(text string) []string {
	var free, ordered []string
	for _, p := range placeholder.FindAllString(text, -1) {
		if name, _, plural := strings.Cut(p, "|"); plural {
			p = name + "|}"
		}
		if strings.HasPrefix(p, "{") && p[1] >= 'a' {
			ordered = append(ordered, p)
		} else {
			free = append(free, p)
		}
	}
	slices.Sort(free)
	return append(free, ordered...)
}
