package config

import (
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// YAML returns the settings in force as a tree in the order of config.yaml, with
// secrets masked. It can be read back.
func (l *Loaded) YAML() (*yaml.Node, error) {
	values := make(map[string]*yaml.Node)
	for _, s := range l.sections {
		var root yaml.Node
		if err := root.Encode(s.Into); err != nil {
			return nil, fmt.Errorf("print the settings below %q: %w", s.Key, err)
		}
		prefix := ""
		if s.Key != "" {
			prefix = s.Key + "."
		}
		if unknown := flatten(prefix, &root, l.catalog.defaults, values); unknown != "" {
			return nil, fmt.Errorf("print the settings: the built-in config.yaml has no line for %s, so that nobody can set it", unknown)
		}
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, key := range l.catalog.order {
		value := values[key]
		if value == nil {
			return nil, fmt.Errorf("print the settings: no section of the program has %s", key)
		}
		at, parts := root, strings.Split(key, ".")
		for _, name := range parts[:len(parts)-1] {
			at = child(at, name)
		}
		at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: parts[len(parts)-1]}, value)
	}
	return root, nil
}

// flatten collects the values of a tree by their dotted keys. It returns a key
// that is not among the known ones, "" without one.
func flatten(prefix string, mapping *yaml.Node, known map[string]given, into map[string]*yaml.Node) (unknown string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := prefix+mapping.Content[i].Value, mapping.Content[i+1]
		if _, leaf := known[key]; leaf {
			into[key] = value
			continue
		}
		below := key
		if value.Kind == yaml.MappingNode {
			below = flatten(key+".", value, known, into)
		}
		if unknown == "" {
			unknown = below
		}
	}
	return unknown
}

// child returns the mapping of this name in a mapping, and adds it if it is missing.
func child(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	made := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, made)
	return made
}

// Print writes the settings in force as YAML that can be read back, in the order of
// config.yaml, with secrets masked. A comment after each value that is not a default
// says where it was set.
func (l *Loaded) Print(w io.Writer) error {
	root, err := l.YAML()
	if err != nil {
		return err
	}
	annotate("", root, l.sources)
	out := yaml.NewEncoder(w)
	out.SetIndent(2)
	if err := out.Encode(root); err != nil {
		return fmt.Errorf("print the settings: %w", err)
	}
	return out.Close()
}

// annotate adds the origin of every value that was set, as a comment.
func annotate(prefix string, mapping *yaml.Node, sources Sources) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		key := prefix + name.Value
		origin, set := sources[key]
		switch {
		case value.Kind == yaml.MappingNode:
			annotate(key+".", value, sources)
		case set && value.Kind == yaml.SequenceNode && len(value.Content) > 0:
			name.LineComment = "from " + origin.String()
		case set:
			value.LineComment = "from " + origin.String()
		}
	}
}
