package language

import (
	"regexp"
	"strings"
	"unicode"
)

// A source of html/template is cut into tokens: texts, actions and tags. Nothing else of
// HTML is understood, so that what is put together again is the source.

type tokenKind int

const (
	plain    tokenKind = iota // text
	value                     // an action, or an element that is not read, as one piece
	opening                   // an element within a sentence, or if, with and range
	between                   // else
	closing                   // of either
	boundary                  // ends a sentence
)

type token struct {
	kind tokenKind
	text string
	name string // of an element or a control action: "a", "if", "else", "end"
	line int
}

func (t token) isControl() bool { return strings.HasPrefix(t.text, "{{") }

// inline are the elements that may stand within a sentence.
var inline = map[string]bool{
	"a": true, "b": true, "strong": true, "em": true, "i": true, "span": true, "small": true, "time": true,
	"abbr": true, "sup": true, "sub": true, "kbd": true, "bdi": true, "q": true, "tspan": true,
}

// opaque are the elements whose content is not text for people, or not ours.
var opaque = map[string]bool{"script": true, "style": true, "code": true, "svg": true, "textarea": true, "pre": true}

// titled are the attributes whose values people read.
var titled = map[string]bool{
	"title": true, "aria-label": true, "placeholder": true, "alt": true, "label": true, "aria-description": true,
	"data-busy": true, "data-working": true, "data-label": true, "data-text": true,
}

var control = regexp.MustCompile(`^\{\{-?\s*(if|with|range|else|end|define|block)\b`)

// next returns the first token of a source.
func next(source string, elements bool) token {
	if strings.HasPrefix(source, "{{") {
		return action(source[:actionEnd(source)])
	}
	if elements && isTag(source) {
		return element(source)
	}
	for i := 1; i < len(source); i++ {
		if strings.HasPrefix(source[i:], "{{") || elements && isTag(source[i:]) {
			return token{kind: plain, text: source[:i]}
		}
	}
	return token{kind: plain, text: source}
}

func action(text string) token {
	t := token{kind: value, text: text}
	if found := control.FindStringSubmatch(text); found != nil {
		t.name = found[1]
		switch t.name {
		case "else":
			t.kind = between
		case "end":
			t.kind = closing
		case "define", "block":
			t.kind = boundary
		default:
			t.kind = opening
		}
	}
	return t
}

// actionEnd returns the length of the action that a source begins with; braces in its
// texts do not end it.
func actionEnd(source string) int {
	if strings.HasPrefix(strings.TrimLeft(source[2:], "- "), "/*") {
		if end := strings.Index(source, "*/"); end >= 0 {
			return end + strings.Index(source[end:], "}}") + 2
		}
	}
	var quote byte
	for i := 2; i < len(source); i++ {
		switch c := source[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case strings.HasPrefix(source[i:], "}}"):
			return i + 2
		}
	}
	return len(source)
}

func isTag(source string) bool {
	return len(source) > 1 && source[0] == '<' && (source[1] == '/' || source[1] == '!' || unicode.IsLetter(rune(source[1])))
}

// tagEnd returns the length of the tag that a source begins with.
func tagEnd(source string) int {
	var quote byte
	for i := 1; i < len(source); i++ {
		if strings.HasPrefix(source[i:], "{{") {
			i += actionEnd(source[i:]) - 1
			continue
		}
		switch c := source[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(source)
}

var tagName = regexp.MustCompile(`^</?([a-zA-Z][a-zA-Z0-9]*)`)

func element(source string) token {
	t := token{kind: boundary, text: source[:tagEnd(source)]}
	if found := tagName.FindStringSubmatch(t.text); found != nil {
		t.name = strings.ToLower(found[1])
	}
	closes := strings.HasPrefix(source, "</")
	switch {
	case inline[t.name] && closes:
		t.kind = closing
	case inline[t.name]:
		t.kind = opening
	case t.name == "br":
		t.kind = value
	case opaque[t.name] && !closes:
		if end := strings.Index(source, "</"+t.name+">"); end >= 0 {
			t.text = source[:end+len(t.name)+3]
		}
		if t.name == "code" || t.name == "svg" {
			t.kind = value
		}
		if t.name == "svg" && strings.Contains(t.text, "<text") {
			t.kind, t.text = boundary, source[:tagEnd(source)]
		}
	}
	return t
}

var attribute = regexp.MustCompile(`\s([a-z-]+)="`)

// titledValue returns where the first value of an attribute stands that people read;
// -1 = there is none.
func titledValue(tag string) (from, to int) {
	for at := 0; ; {
		found := attribute.FindStringSubmatchIndex(tag[at:])
		if found == nil {
			return -1, -1
		}
		from = at + found[1]
		to = from
		for to < len(tag) && tag[to] != '"' {
			if strings.HasPrefix(tag[to:], "{{") {
				to += actionEnd(tag[to:])
				continue
			}
			to++
		}
		if titled[tag[at+found[2]:at+found[3]]] && from < to {
			return from, to
		}
		at = to
	}
}
