package config

import (
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Print writes what is in force as YAML that can be read back, in the order of
// config.yaml, with secrets masked. Behind each value that is not a default
// stands where it was set.
func Print(w io.Writer, cfg Config, sources Sources) error {
	var root yaml.Node
	if err := root.Encode(cfg); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	annotate("", &root, sources)
	out := yaml.NewEncoder(w)
	out.SetIndent(2)
	if err := out.Encode(&root); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return out.Close()
}

// annotate puts the origin behind every value that was set, as a comment.
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
