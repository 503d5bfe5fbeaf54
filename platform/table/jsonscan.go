package table

import (
	"bytes"
	"encoding/json"
)

// The scanners below step through JSON without checking it: json.Valid sees to
// that, where the whole of a value is there.

// valueEnd returns where the JSON value that begins at from ends; len(text) if
// it is cut off.
func valueEnd(text []byte, from int) int {
	var n nesting
	for at := from; at < len(text); at++ {
		c := text[at]
		if n.step(c) {
			if n.depth == 0 && !n.inString && (c == '}' || c == ']' || c == '"') {
				return at + 1
			}
			if n.depth < 0 {
				return at
			}
			continue
		}
		if n.depth == 0 && (c == ',' || c == ':') {
			return at
		}
		if n.depth == 0 && isBlank(c) && at > from {
			return at
		}
	}
	return len(text)
}

// nesting is where in a text of JSON a byte stands.
type nesting struct {
	depth    int // brackets that are open
	inString bool
	escaped  bool
}

// step takes the next byte, and reports whether it is a bracket or belongs to a
// string.
func (n *nesting) step(c byte) bool {
	if n.inString {
		switch {
		case n.escaped:
			n.escaped = false
		case c == '\\':
			n.escaped = true
		case c == '"':
			n.inString = false
		}
		return true
	}
	switch c {
	case '"':
		n.inString = true
	case '{', '[':
		n.depth++
	case '}', ']':
		n.depth--
	default:
		return false
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skipBlanks returns the place of the next byte that is not blank.
func skipBlanks(text []byte, at int) int {
	for at < len(text) && isBlank(text[at]) {
		at++
	}
	return at
}

// member is a name of a JSON object and its value, or an element of an array.
type member struct {
	name  []byte // without quotes; nil in an array
	value []byte
	at    int  // where the value begins
	whole bool // the value does not end with the text
}

// eachMember calls yield for each member of the object or array that begins at
// from, until it returns false or the text ends. It reports whether the end of
// the object or array was reached.
func eachMember(text []byte, from int, yield func(member) bool) (ended bool) {
	object := text[from] == '{'
	for at := skipBlanks(text, from+1); at < len(text); {
		if text[at] == '}' || text[at] == ']' {
			return true
		}
		var m member
		if object {
			end := valueEnd(text, at)
			m.name = text[at:end]
			if at = skipBlanks(text, end); at >= len(text) || text[at] != ':' {
				return false
			}
			m.name = unquoteJSON(m.name)
			at = skipBlanks(text, at+1)
		}
		if at >= len(text) {
			return false
		}
		end := valueEnd(text, at)
		m.at, m.value, m.whole = at, text[at:end], end < len(text)
		if end == at || !yield(m) {
			return false
		}
		if at = skipBlanks(text, end); at < len(text) && text[at] == ',' {
			at = skipBlanks(text, at+1)
		}
	}
	return false
}

// unquoteJSON returns the text of a JSON string, or of any other value as it is written.
func unquoteJSON(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return value
	}
	if bytes.IndexByte(value, '\\') < 0 { // as nearly all are
		return value[1 : len(value)-1]
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	return []byte(text)
}
