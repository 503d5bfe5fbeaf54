package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// given is one value and the place where it was set.
type given struct {
	key    string
	node   *yaml.Node
	origin Origin
}

// catalog is the parsed embedded config.yaml: every key and its default. All other
// sources are checked against it.
type catalog struct {
	order    []string // keys as config.yaml lists them
	defaults map[string]given
	sections map[string]bool
	takenBy  []Section
	injected *[]string // variables that were skipped
	renames  renames
}

// skipped notes a variable that is none of the operator's.
func (c catalog) skipped(name string) {
	if c.injected != nil {
		*c.injected = append(*c.injected, name)
	}
}

func newCatalog(defaults []byte) (catalog, error) {
	c := catalog{defaults: map[string]given{}, sections: map[string]bool{}}
	root, problem := parseYAML(defaults, "the built-in config.yaml")
	if problem != nil {
		return c, asError([]Problem{*problem})
	}
	w := walker{file: "the built-in config.yaml", enter: func(string, *yaml.Node) bool { return true }}
	w.walk("", root)
	for _, g := range w.found {
		g.origin.Kind = FromDefault
		c.order = append(c.order, g.key)
		c.defaults[g.key] = g
		for section := g.key; strings.Contains(section, "."); {
			section = section[:strings.LastIndexByte(section, '.')]
			c.sections[section] = true
		}
	}
	return c, asError(w.problems)
}

// fromFile parses the operator's file: the values of known keys, and the problems of
// the rest.
func (c catalog) fromFile(content []byte, name string) ([]given, []Problem) {
	root, problem := parseYAML(content, name)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	if root == nil {
		return nil, nil // an empty file changes nothing
	}
	w := walker{file: name}
	w.enter = func(key string, value *yaml.Node) bool {
		_, leaf := c.defaults[c.renames.present(key)]
		isSection := c.sections[key] || c.renames.sections[key]
		switch {
		case leaf && value.Kind == yaml.MappingNode:
			w.report(key, value.Line, "is one setting, not a section with settings below it")
		case isSection && value.Kind != yaml.MappingNode:
			if value.ShortTag() != "!!null" { // "http:" with every line below it commented out
				w.report(key, value.Line, "is a section: put its settings below it, indented")
			}
		case leaf, isSection:
			return true
		default:
			w.report(key, value.Line, "there is no such setting"+c.suggest(key))
		}
		return false
	}
	w.walk("", root)
	found, problems := c.renames.inFile(w.found)
	for i, g := range found {
		like := c.defaults[g.key].node
		if like.Kind == yaml.SequenceNode && g.node.Kind == yaml.ScalarNode && (g.node.ShortTag() == "!!str" || g.node.ShortTag() == "!!int") {
			found[i] = c.text(g.key, g.node.Value, g.origin) // a list of one, written without brackets
		}
	}
	return found, append(w.problems, problems...)
}

// suggest returns the end of a message with the key that was most likely meant: the
// nearest by edit distance, or the one of the same last name in another section.
func (c catalog) suggest(key string) string {
	last := key[strings.LastIndexByte(key, '.')+1:]
	var elsewhere, names []string
	for _, known := range c.order {
		if strings.HasSuffix(known, "."+last) {
			elsewhere = append(elsewhere, known)
		}
		names = append(names, known)
	}
	for section := range c.sections {
		names = append(names, section)
	}
	slices.Sort(names) // so that of two that are equally near always the same is chosen
	near := nearest(key, names)
	if near == "" && len(elsewhere) == 1 {
		near = elsewhere[0]
	}
	if near == "" {
		return ": `banyan config` prints all settings"
	}
	return ": did you mean " + near + "?"
}

// walker flattens a YAML tree to dotted keys.
type walker struct {
	file     string
	enter    func(key string, value *yaml.Node) bool // false: ignore this key
	found    []given
	problems []Problem
}

func (w *walker) report(key string, line int, message string) {
	w.problems = append(w.problems, Problem{
		Key: key, Origin: Origin{Kind: FromFile, Name: w.file, Line: line}, Message: message,
	})
}

func (w *walker) walk(prefix string, mapping *yaml.Node) {
	seen := map[string]int{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		key := prefix + name.Value
		if line, twice := seen[key]; twice {
			w.report(key, name.Line, fmt.Sprintf("is set here and on line %d: keep one of them", line))
			continue
		}
		seen[key] = name.Line
		// The key's line, not the value's: a list may begin further down.
		placed := *value
		placed.Line = name.Line
		if !w.enter(key, &placed) {
			continue
		}
		if value.Kind == yaml.MappingNode {
			w.walk(key+".", value)
			continue
		}
		w.found = append(w.found, given{
			key: key, node: &placed, origin: Origin{Kind: FromFile, Name: w.file, Line: name.Line},
		})
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// parseYAML returns the top mapping of a file's only document; nil for an empty
// file.
func parseYAML(content []byte, name string) (root *yaml.Node, problem *Problem) {
	fail := func(line int, message string) *Problem {
		return &Problem{Origin: Origin{Kind: FromFile, Name: name, Line: line}, Message: message}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
		defer func() {
			if problem != nil && hasTab(content, line) {
				problem.Message = "has a tab at the start of the line: YAML takes spaces only"
			}
		}()
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits by the pattern
			text = strings.Replace(text, m[0], "", 1)
		}
		return nil, fail(line, "is not valid YAML: "+text)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fail(more.Line, "has a second document (---), which would be ignored: put all settings into the first")
	}
	root = doc.Content[0]
	switch {
	case root.Kind == yaml.MappingNode:
		return root, nil
	case root.ShortTag() == "!!null":
		return nil, nil
	}
	return nil, fail(root.Line, "has no settings: write lines like listen: 127.0.0.1:8080")
}

// hasTab reports whether a line, or the one before it, begins with a tab among its
// blanks: the parser names the line at which it noticed.
func hasTab(content []byte, line int) bool {
	lines := bytes.Split(content, []byte("\n"))
	for _, at := range []int{line - 2, line - 1, line} {
		if at >= 0 && at < len(lines) {
			blank := lines[at][:len(lines[at])-len(bytes.TrimLeft(lines[at], " \t"))]
			if bytes.IndexByte(blank, '\t') >= 0 {
				return true
			}
		}
	}
	return false
}
