package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Changed returns the keys whose values differ between two loads of the same
// sections, in the order of config.yaml. Secrets are compared, too.
func (l *Loaded) Changed(next *Loaded) ([]string, error) {
	before, err := l.values()
	if err != nil {
		return nil, err
	}
	after, err := next.values()
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, key := range l.catalog.order {
		if before[key] != after[key] {
			changed = append(changed, key)
		}
	}
	return changed, nil
}

// values returns one text per key, equal where the values are.
func (l *Loaded) values() (map[string]string, error) {
	nodes := make(map[string]*yaml.Node)
	for _, s := range l.sections {
		var root yaml.Node
		if err := root.Encode(s.Into); err != nil {
			return nil, fmt.Errorf("compare the settings below %q: %w", s.Key, err)
		}
		prefix := ""
		if s.Key != "" {
			prefix = s.Key + "."
		}
		flatten(prefix, &root, l.catalog.defaults, nodes)
	}
	texts := make(map[string]string, len(nodes))
	for key, node := range nodes {
		text, err := yaml.Marshal(node)
		if err != nil {
			return nil, fmt.Errorf("compare the setting %s: %w", key, err)
		}
		texts[key] = string(text)
		if l.catalog.isSecret(key) { // it encodes as its mask
			texts[key] = l.secrets[key]
		}
	}
	return texts, nil
}
