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

// given is one value as a source gave it.
type given struct {
	key    string
	node   *yaml.Node
	origin Origin
}

// catalog is the embedded config.yaml read: every key there is, and its
// default. It is what all other sources are held against.
type catalog struct {
	order    []string // keys as config.yaml lists them
	defaults map[string]given
	sections map[string]bool
	takenBy  []Section
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

// fromFile reads an operator's file: the values of known keys, and what is
// wrong with the rest.
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
		_, leaf := c.defaults[key]
		switch {
		case leaf && value.Kind == yaml.MappingNode:
			w.complain(key, value.Line, "is one setting, not a section with settings below it")
		case c.sections[key] && value.Kind != yaml.MappingNode:
			if value.ShortTag() != "!!null" { // "http:" with every line below it commented out
				w.complain(key, value.Line, "is a section: put its settings below it, indented")
			}
		case leaf, c.sections[key]:
			return true
		default:
			w.complain(key, value.Line, "there is no such setting"+c.suggest(key))
		}
		return false
	}
	w.walk("", root)
	for i, g := range w.found {
		like := c.defaults[g.key].node
		if like.Kind == yaml.SequenceNode && g.node.Kind == yaml.ScalarNode && (g.node.ShortTag() == "!!str" || g.node.ShortTag() == "!!int") {
			w.found[i] = c.text(g.key, g.node.Value, g.origin) // a list of one, written without brackets
		}
	}
	return w.found, w.problems
}

// suggest names the key that was most likely meant: the one of the same last
// name in another section, or the one that is nearest by its letters.
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
	slices.Sort(names) // the map's order must not choose between two that are as near
	near := nearest(key, names)
	if near == "" && len(elsewhere) == 1 {
		near = elsewhere[0]
	}
	if near == "" {
		return ": see config.yaml for those there are"
	}
	return ": did you mean " + near + "?"
}

// walker flattens a YAML tree to dotted keys.
type walker struct {
	file     string
	enter    func(key string, value *yaml.Node) bool // false: leave this key out
	found    []given
	problems []Problem
}

func (w *walker) complain(key string, line int, message string) {
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
			w.complain(key, name.Line, fmt.Sprintf("stands here and on line %d: keep one", line))
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

// parseYAML gives the top mapping of a file's only document; nil for a file
// that holds nothing.
func parseYAML(content []byte, name string) (*yaml.Node, *Problem) {
	fail := func(line int, message string) *Problem {
		return &Problem{Origin: Origin{Kind: FromFile, Name: name, Line: line}, Message: message}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits by the pattern
			text = strings.Replace(text, m[0], "", 1)
		}
		return nil, fail(line, "is not readable YAML: "+text)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fail(more.Line, "holds a second document (---): only one is read, put all settings there")
	}
	root := doc.Content[0]
	switch {
	case root.Kind == yaml.MappingNode:
		return root, nil
	case root.ShortTag() == "!!null":
		return nil, nil
	}
	return nil, fail(root.Line, "holds no settings: write lines like listen: 127.0.0.1:8080")
}
