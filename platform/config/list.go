package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is one setting in force.
type Setting struct {
	Key    string // http.body_limit
	Value  string // a list is joined with ", "; a secret is masked
	Source string // banyan.yaml:12, BANYAN_LISTEN, flag for listen; "" = the default
}

// List returns the settings in force in the order of config.yaml, with secrets masked.
func (l *Loaded) List() ([]Setting, error) {
	root, err := l.YAML()
	if err != nil {
		return nil, err
	}
	return l.list("", root, nil), nil
}

func (l *Loaded) list(prefix string, mapping *yaml.Node, list []Setting) []Setting {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := prefix+mapping.Content[i].Value, mapping.Content[i+1]
		if value.Kind == yaml.MappingNode {
			list = l.list(key+".", value, list)
			continue
		}
		s := Setting{Key: key, Value: value.Value}
		if value.Kind == yaml.SequenceNode {
			items := make([]string, len(value.Content))
			for j, item := range value.Content {
				items[j] = item.Value
			}
			s.Value = strings.Join(items, ", ")
		}
		if origin, set := l.sources[key]; set {
			s.Source = origin.String()
		}
		list = append(list, s)
	}
	return list
}
