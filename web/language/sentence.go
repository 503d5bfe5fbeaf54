package language

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSentence bounds what is looked for in the catalogue, in bytes: longer texts are
// somebody's, not ours.
const maxSentence = 2000

// pattern is a text of the catalogue with values, cut at them.
type pattern struct {
	literals []string // one more than there are values
	names    []string // of the values, in the order of the English
	text     string   // of the language
	weight   int      // bytes of the literals
	letters  int      // in the literals
}

// A pattern is looked for in a text that may be somebody’s when it has so many letters;
// one with values at both ends, like “{1} of {2}”, is in too many texts and needs more.
const (
	leastLetters = 3
	leastBetween = 8
)

var lettersOnly = regexp.MustCompile(`\pL`)

var valueOnly = regexp.MustCompile(`\{[0-9]+\}`)

func patternsOf(texts map[string]string) []pattern {
	var patterns []pattern
	for key, text := range texts {
		names := valueOnly.FindAllString(key, -1)
		if len(names) == 0 || text == "" || len(placeholder.FindAllString(key, -1)) != len(names) {
			continue
		}
		p := pattern{literals: valueOnly.Split(key, -1), names: names, text: text}
		for _, literal := range p.literals {
			p.weight += len(literal)
			p.letters += len(lettersOnly.FindAllString(literal, -1))
		}
		patterns = append(patterns, p)
	}
	// The one that says most comes first; the rest is for a fixed order.
	slices.SortFunc(patterns, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(strings.Join(a.literals, "{}"), strings.Join(b.literals, "{}")))
	})
	return patterns
}

// isOpen reports whether the pattern has a value at both ends.
func (p pattern) isOpen() bool { return p.literals[0] == "" && p.literals[len(p.literals)-1] == "" }

// values returns what stands in a text at the places of the pattern's values.
func (p pattern) values(text string) ([]string, bool) {
	last := len(p.literals) - 1
	if len(text) < p.weight || !strings.HasPrefix(text, p.literals[0]) || !strings.HasSuffix(text, p.literals[last]) {
		return nil, false
	}
	text = text[len(p.literals[0]) : len(text)-len(p.literals[last])]
	values := make([]string, 0, last)
	for _, literal := range p.literals[1:last] {
		before, after, found := strings.Cut(text, literal)
		if !found {
			return nil, false
		}
		values, text = append(values, before), after
	}
	values = append(values, text)
	for _, v := range values {
		if v == "" {
			return nil, false
		}
	}
	return values, true
}

// Sentence returns a text that the program made, and whether the catalogue has it; one
// that it does not have stays as it is. Values in it are taken over, those that are
// texts of ours or numbers in the language.
func (l Language) Sentence(text string) (string, bool) {
	if l == English {
		return text, true
	}
	return l.sentence(text, leastLetters)
}

func (l Language) sentence(text string, letters int) (string, bool) {
	before, after := spaceAround(text)
	if before+after != "" && len(before) < len(text) {
		said, known := l.sentence(text[len(before):len(text)-len(after)], letters)
		return before + said + after, known
	}
	return l.inner(text, letters, 5)
}

// inner goes no deeper than so many values within values.
func (l Language) inner(text string, letters, depth int) (string, bool) {
	if text == "" || len(text) > maxSentence {
		return text, text == ""
	}
	if said, known := l.text(text); known {
		return said, true
	}
	if said, is := l.number(text); is {
		return said, true
	}
	if depth > 0 {
		for _, p := range l.catalogue().patterns {
			values, fits := p.values(text)
			if !fits || p.letters < letters || letters > 1 && p.letters < leastBetween && p.isOpen() {
				continue
			}
			of := map[string]string{}
			for i, name := range p.names {
				of[name], _ = l.inner(values[i], letters, depth-1)
			}
			return valueOnly.ReplaceAllStringFunc(p.text, func(name string) string { return of[name] }), true
		}
	}
	if said, known := l.parts(text, letters, depth); known {
		return said, true
	}
	// Messages of faults begin with a small letter where they stand behind others.
	if first, size := utf8.DecodeRuneInString(text); unicode.IsUpper(first) && depth > 0 {
		if said, known := l.inner(string(unicode.ToLower(first))+text[size:], letters, min(depth-1, 1)); known {
			first, size = utf8.DecodeRuneInString(said)
			return string(unicode.ToUpper(first)) + said[size:], true
		}
	}
	return text, false
}

// parts translates what is joined of several texts: messages with a semicolon between
// them, and one with the name of what it is about before it.
func (l Language) parts(text string, letters, depth int) (string, bool) {
	if depth == 0 {
		return text, false
	}
	for _, between := range []string{"; ", ". ", ": "} {
		before, after, found := strings.Cut(text, between)
		if !found {
			continue
		}
		first, known := l.inner(before, letters, depth-1)
		rest, knownToo := l.inner(after, letters, depth-1)
		if knownToo && (known || between == ": ") {
			return first + between + rest, true
		}
	}
	return text, false
}
