package language

import (
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Template returns the source of a template of html/template in the language. A text
// that the catalogue does not have stays English.
func (l Language) Template(source string) string {
	if l == English {
		return source
	}
	m := markup{look: l.text}
	m.source(source, true)
	return m.out.String()
}

// HTML is Template for markup of ours that was made while the program runs, such as a
// chart: texts with values are found as Sentence does.
func (l Language) HTML(made template.HTML) template.HTML {
	if l == English || made == "" {
		return made
	}
	m := markup{look: func(key string) (string, bool) { return l.sentence(key, 1) }}
	m.source(string(made), true)
	return template.HTML(m.out.String()) //nolint:gosec // the markup is ours, and texts of the catalogue replace its texts
}

// markup replaces the texts of one source.
type markup struct {
	look func(key string) (string, bool)
	out  strings.Builder
	line int
}

// source reads a whole source, or an attribute's value, which has no elements.
func (m *markup) source(source string, elements bool) {
	var chunk []token
	line := m.line
	if elements {
		line = 1
	}
	for source != "" {
		t := next(source, elements)
		t.line = line
		source = source[len(t.text):]
		line += strings.Count(t.text, "\n")
		if t.kind == boundary {
			m.chunk(chunk)
			chunk = chunk[:0]
			m.raw(t)
			continue
		}
		chunk = append(chunk, t)
	}
	m.chunk(chunk)
}

// chunk replaces the texts between two boundaries. What opens or closes in another
// chunk is a boundary, too.
func (m *markup) chunk(tokens []token) {
	partner := pairs(tokens)
	from := 0
	for i, t := range tokens {
		if t.kind >= opening && partner[i] < 0 {
			m.whole(tokens[from:i])
			m.raw(t)
			from = i + 1
		}
	}
	m.whole(tokens[from:])
}

// pairs returns for each token where the group that it belongs to is opened, or closed
// for the opening one; -1 where it is outside of the tokens.
func pairs(tokens []token) []int {
	partner := make([]int, len(tokens))
	var open []int
	for i, t := range tokens {
		partner[i] = -1
		switch t.kind {
		case opening:
			open = append(open, i)
		case between:
			if n := len(open); n > 0 && tokens[open[n-1]].isControl() {
				partner[i] = open[n-1]
			} else {
				open = nil
			}
		case closing:
			n := len(open)
			if n > 0 && tokens[open[n-1]].isControl() == t.isControl() && (t.isControl() || tokens[open[n-1]].name == t.name) {
				partner[i], partner[open[n-1]] = open[n-1], i
				open = open[:n-1]
			} else {
				open = nil
			}
		}
	}
	for i, t := range tokens { // an else of what is not closed here
		if t.kind == between && partner[i] >= 0 && partner[partner[i]] < 0 {
			partner[i] = -1
		}
	}
	return partner
}

// whole replaces the texts of tokens in which everything that opens is closed.
func (m *markup) whole(tokens []token) {
	if len(tokens) == 0 {
		return
	}
	if !anyText(tokens) {
		for _, t := range tokens {
			m.raw(t)
		}
		return
	}
	items := itemsOf(tokens)
	first, last := 0, len(items)-1
	for !said(items[first]) {
		first++
	}
	for !said(items[last]) {
		last--
	}
	for _, item := range items[:first] {
		m.whole(item)
	}
	middle := items[first : last+1]
	switch {
	case len(middle) == 1 && len(middle[0]) > 1:
		m.group(middle[0])
	case !anyTop(middle):
		for _, item := range middle {
			m.whole(item)
		}
	default:
		var sentence []token
		for _, item := range middle {
			sentence = append(sentence, item...)
		}
		m.sentence(sentence)
	}
	for _, item := range items[last+1:] {
		m.whole(item)
	}
}

// itemsOf splits tokens into those that stand alone and groups.
func itemsOf(tokens []token) (items [][]token) {
	partner := pairs(tokens)
	for i := 0; i < len(tokens); {
		end := i
		if tokens[i].kind == opening {
			end = partner[i]
		}
		items = append(items, tokens[i:end+1])
		i = end + 1
	}
	return items
}

// group replaces the texts of a group, those of its branches each by itself.
func (m *markup) group(tokens []token) {
	partner := pairs(tokens)
	m.raw(tokens[0])
	from := 1
	for i := 1; i < len(tokens); i++ {
		if i == len(tokens)-1 || tokens[i].kind == between && partner[i] == 0 {
			m.whole(tokens[from:i])
			m.raw(tokens[i])
			from = i + 1
		}
	}
}

// drawn are actions that put a drawing there, or nothing.
var drawn = regexp.MustCompile(`^\{\{-?\s*(/\*|\$\w+ :?=|(stars|meter|identicon)\b|template "(sign-|mark|sprig|roots|ask-again))`)

// said reports whether an item belongs to a sentence at whose edge it stands: a text, or
// a value that is read with it.
func said(item []token) bool {
	if t := item[0]; len(item) == 1 && t.kind == plain && strings.ContainsAny(t.text, ".?!:;“”()%") {
		return true
	}
	return anyText(item) || len(item) == 1 && item[0].isControl() && !drawn.MatchString(item[0].text)
}

func anyText(tokens []token) bool {
	for _, t := range tokens {
		if t.hasText() {
			return true
		}
	}
	return false
}

func anyTop(items [][]token) bool {
	for _, item := range items {
		if len(item) == 1 && item[0].hasText() {
			return true
		}
	}
	return false
}

var (
	entity  = regexp.MustCompile(`&[a-z0-9#]+;`)
	counted = regexp.MustCompile(`(\bplural .+ )"([^"]*)" "([^"]*)"`)
)

func (t token) hasText() bool {
	if t.kind == value {
		return counted.MatchString(t.text)
	}
	if strings.Contains(t.text, `="`) { // attributes of an element that another template has
		return false
	}
	return t.kind == plain && strings.ContainsFunc(entity.ReplaceAllString(t.text, ""), unicode.IsLetter)
}

// sentence replaces one text.
func (m *markup) sentence(tokens []token) {
	key, stands := keyOf(tokens)
	m.line = tokens[0].line
	text, found := m.look(strings.Join(strings.Fields(key), " "))
	if !found {
		for _, t := range tokens {
			m.raw(t)
		}
		return
	}
	before, after := spaceAround(key)
	m.out.WriteString(before)
	rest := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		m.out.WriteString(text[rest:at[0]])
		rest = at[1]
		name, forms, plural := strings.Cut(text[at[0]:at[1]], "|")
		if plural {
			one, many, _ := strings.Cut(strings.TrimSuffix(forms, "}"), "|")
			m.raw(token{kind: value, text: counted.ReplaceAllString(stands[name+"}"].text, `${1}`+escaped(one)+` `+escaped(many))})
			continue
		}
		m.raw(stands[name])
	}
	m.out.WriteString(text[rest:] + after)
}

func escaped(text string) string { return strings.ReplaceAll(strconv.Quote(text), "$", "$$") }

func spaceAround(text string) (before, after string) {
	trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
	before = text[:len(text)-len(trimmed)]
	return before, trimmed[len(strings.TrimRightFunc(trimmed, unicode.IsSpace)):]
}

// keyOf returns the key of a sentence, and what its placeholders stand for.
func keyOf(tokens []token) (key string, stands map[string]token) {
	stands = map[string]token{}
	used := map[string]int{}
	numbered := func(name string) string {
		used[name]++
		if used[name] > 1 {
			return name + strconv.Itoa(used[name])
		}
		return name
	}
	var b strings.Builder
	var open []string
	values := 0
	for _, t := range tokens {
		name := ""
		switch {
		case t.kind == plain:
			b.WriteString(t.text)
			continue
		case t.kind == value && t.name == "br":
			name = "<" + numbered("br") + ">"
		case t.kind == value:
			values++
			name = fmt.Sprintf("{%d}", values)
			if found := counted.FindStringSubmatch(t.text); found != nil {
				fmt.Fprintf(&b, "{%d|%s|%s}", values, found[2], found[3])
				stands[name] = t
				continue
			}
		case t.isControl():
			name = "{" + numbered(t.name) + "}"
		case t.kind == opening:
			open = append(open, numbered(t.name))
			name = "<" + open[len(open)-1] + ">"
		default:
			name = "</" + open[len(open)-1] + ">"
			open = open[:len(open)-1]
		}
		b.WriteString(name)
		stands[name] = t
	}
	return b.String(), stands
}

// raw writes a token, with the texts in its attributes replaced.
func (m *markup) raw(t token) {
	if !strings.HasPrefix(t.text, "<") {
		m.out.WriteString(t.text)
		return
	}
	end := tagEnd(t.text)
	tag := t.text[:end]
	for {
		from, to := titledValue(tag)
		if from < 0 {
			break
		}
		m.out.WriteString(tag[:from])
		m.line = t.line
		m.source(tag[from:to], false)
		tag = tag[to:]
	}
	m.out.WriteString(tag + t.text[end:])
}
