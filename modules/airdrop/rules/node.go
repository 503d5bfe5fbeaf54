package rules

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"banyan/platform/fault"
)

// maxProblems is how many wrong places are named before reading stops.
const maxProblems = 20

// reader collects what is wrong with a file.
type reader struct {
	problems   []fault.Field
	conditions int
}

func (r *reader) wrong(line int, name, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, fault.Field{Line: line, Name: name, Message: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b fault.Field) int { return a.Line - b.Line })
	return fault.New(fault.Invalid, "the rules cannot be used: see the lines").With(r.problems...)
}

var lineOfYAML = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document returns the one mapping that a file is.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > MaxBytes {
		r.wrong(0, "", "rules have at most %d KiB, not %d: put wallets into a list", MaxBytes>>10, len(text)>>10)
		return nil
	}
	from := yaml.NewDecoder(strings.NewReader(string(text)))
	var document, second yaml.Node
	err := from.Decode(&document)
	if errors.Is(err, io.EOF) {
		r.wrong(1, "", "the file is empty: rules begin with version: 1")
		return nil
	}
	if err == nil {
		if again := from.Decode(&second); again == nil {
			r.wrong(second.Line, "", "a second document begins: a file has one")
			return nil
		}
	}
	if err != nil {
		at, message := 0, err.Error()
		if m := lineOfYAML.FindStringSubmatch(message); m != nil {
			at, _ = strconv.Atoi(m[1]) // no line is 0
			message = m[2]
		}
		r.wrong(at, "", "is not YAML: %s", message)
		return nil
	}
	root := document.Content[0]
	if !r.plain(root, 0) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		r.wrong(root.Line, "", "rules are fields and values, as in version: 1")
		return nil
	}
	return root
}

// plain refuses what rules have no use for: anchors, which can refer to themselves or
// grow without end, and tags.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrong(n.Line, "", "anchors and aliases (& and *) are not used in rules: give a condition a name below groups")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.wrong(n.Line, "", "tags (!) are not used in rules: take it out")
		return false
	case depth > 2*maxDepth:
		r.wrong(n.Line, "", "is nested more than %d levels deep: give parts of it a name below groups", maxDepth)
		return false
	}
	for _, c := range n.Content {
		if !r.plain(c, depth+1) {
			return false
		}
	}
	return true
}

// mapping returns the fields of a mapping; those that are not known are refused.
func (r *reader) mapping(n *yaml.Node, of string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.wrong(n.Line, of, "is fields and values, as in %s: …", known[0])
		return nil
	}
	fields := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.wrong(key.Line, of, "there is no field %q here%s; the fields are %s", short(key.Value), meant(key.Value, known), strings.Join(known, ", "))
		case fields[key.Value] != nil:
			r.wrong(key.Line, of, "%s is there twice: keep one of them", key.Value)
		default:
			fields[key.Value] = value
		}
	}
	return fields
}

// named returns the names and values of a mapping whose keys are names of the file's
// own, in their order.
func (r *reader) named(n *yaml.Node, of string, most int) (names []*yaml.Node, values []*yaml.Node) {
	if n == nil {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n.Line, of, "is names and what they are, as in members: …")
		return nil, nil
	}
	if len(n.Content)/2 > most {
		r.wrong(n.Line, of, "are at most %d, not %d: join some of them", most, len(n.Content)/2)
		return nil, nil
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case !isName(key.Value):
			r.wrong(key.Line, of, "%q is not a name: begin with a letter, then letters, digits and _, up to 40", short(key.Value))
			continue
		case seen[key.Value]:
			r.wrong(key.Line, of, "%s is there twice: keep one of them", key.Value)
			continue
		}
		seen[key.Value] = true
		names, values = append(names, key), append(values, n.Content[i+1])
	}
	return names, values
}

// items returns the items of a list.
func (r *reader) items(n *yaml.Node, of string, most int) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		r.wrong(n.Line, of, "is a list: a line with - for each")
	case len(n.Content) > most:
		r.wrong(n.Line, of, "has at most %d lines, not %d: join some of them", most, len(n.Content))
	default:
		return n.Content
	}
	return nil
}

// text returns a scalar; "" when there is none.
func (r *reader) text(n *yaml.Node, name string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.wrong(n.Line, name, "has no value: write one, or take the field out")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// whole returns a whole number; 0 when there is none.
func (r *reader) whole(n *yaml.Node, name string, most int64) int64 {
	text := r.text(n, name)
	if text == "" {
		return 0
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 || value > most {
		r.wrong(n.Line, name, "%q is not a whole number from 0 to %d", short(text), most)
		return 0
	}
	return value
}

var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

func isName(text string) bool { return name.MatchString(text) }

// short quotes a text of any length in a message.
func short(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

// meant names a known word that is close to what was written.
func meant(written string, known []string) string {
	for _, k := range known {
		if distance(strings.ToLower(written), k) <= 1+len(k)/5 {
			return fmt.Sprintf(" (is %s meant?)", k)
		}
	}
	return ""
}

// distance is that of Levenshtein, for words.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
