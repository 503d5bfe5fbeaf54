package config

import (
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	envPrefix    = "BANYAN_"
	fileVariable = envPrefix + "CONFIG" // path of the settings file
)

// reserved reports whether a variable that begins with BANYAN_ is not a setting:
// those of tests, the path of the file, the token of commands that call a running
// program, and the hash engine, which is chosen before any setting is read.
func reserved(name string) bool {
	return strings.HasPrefix(name, "BANYAN_TEST_") || slices.Contains([]string{fileVariable, "BANYAN_KECCAK", "BANYAN_TOKEN"}, name)
}

// EnvName returns the name of the variable that sets a key: http.body_limit is
// BANYAN_HTTP_BODY_LIMIT and modules.exchange-review.mode is
// BANYAN_MODULES_EXCHANGE_REVIEW_MODE.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// fromEnv reads the BANYAN_ variables out of "NAME=value" pairs. A section may
// also be separated by two underscores (BANYAN_HTTP__BODY_LIMIT).
func (c catalog) fromEnv(environ []string) ([]given, []Problem) {
	keys := make(map[string]string, len(c.order))
	names := make([]string, 0, len(c.order))
	for _, key := range c.order {
		name := EnvName(key)
		keys[name] = key
		names = append(names, strings.TrimPrefix(name, envPrefix))
	}
	formerly := make(map[string]string, len(c.renames.keys)) // variable → old key
	for old, key := range c.renames.keys {
		keys[EnvName(old)], formerly[EnvName(old)] = key, old
	}
	var found []given
	var problems []Problem
	setBy := map[string]given{}
	environ = append([]string(nil), environ...)
	sort.Strings(environ) // so that problems are reported in one order
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || reserved(name) {
			continue
		}
		origin := Origin{Kind: FromEnvironment, Name: name}
		plain := strings.ReplaceAll(name, "__", "_")
		key, known := keys[plain]
		if own, isFile := strings.CutSuffix(plain, fileSuffix); !known && isFile && c.isSecret(keys[own]) {
			key, known = keys[own], true
			content, message := secretFile(value)
			if message != "" {
				problems = append(problems, Problem{Key: key, Origin: origin, Message: message})
				continue
			}
			value = content
		}
		if !known && isInjected(name, value) {
			c.skipped(name)
			continue
		}
		if !known {
			problem := Problem{Origin: origin, Message: "there is no such setting"}
			if near := nearest(strings.TrimPrefix(plain, envPrefix), names); near != "" {
				problem.Message += ": did you mean " + envPrefix + near + "?"
			} else {
				problem.Message += ": unset it; `banyan config` prints all settings"
			}
			problems = append(problems, problem)
			continue
		}
		if message := c.strangeValue(key, value); message != "" {
			problems = append(problems, Problem{Key: key, Origin: origin, Message: message})
			continue
		}
		if other, twice := setBy[key]; twice && other.node.Value != value {
			problems = append(problems, Problem{Key: key, Origin: origin, Message: "is also set by " + other.origin.Name + ", to another value: unset one of them"})
			continue
		}
		if old, renamed := formerly[plain]; renamed {
			c.renames.note(old, origin)
		}
		setBy[key] = c.text(key, value, origin)
		found = append(found, setBy[key])
	}
	return found, problems
}

// variables returns those of "NAME=value" pairs that set a setting, also to a value
// that would be refused, and the one with the path of the file, sorted by name.
func (c catalog) variables(environ []string) []Origin {
	settings := make(map[string]bool, len(c.order))
	for _, key := range c.order {
		settings[EnvName(key)] = true
	}
	for old := range c.renames.keys {
		settings[EnvName(old)] = true
	}
	var names []string
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		plain := strings.ReplaceAll(name, "__", "_")
		if settings[plain] || settings[strings.TrimSuffix(plain, fileSuffix)] || name == fileVariable && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	origins := make([]Origin, 0, len(names))
	for _, name := range slices.Compact(names) {
		origins = append(origins, Origin{Kind: FromEnvironment, Name: name})
	}
	return origins
}

// fromFlags reads the settings of the command line, by key.
func (c catalog) fromFlags(flags map[string]string) ([]given, []Problem) {
	var found []given
	var problems []Problem
	keys := make([]string, 0, len(flags))
	for key := range flags {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		origin := Origin{Kind: FromFlag, Name: key}
		if _, known := c.defaults[key]; !known {
			problems = append(problems, Problem{Key: key, Origin: origin, Message: "there is no such setting" + c.suggest(key)})
			continue
		}
		found = append(found, c.text(key, flags[key], origin))
	}
	return found, problems
}

// text returns the value of a text: its type is that of the default, so that a
// password of digits stays a text. The elements of lists are separated by commas.
func (c catalog) text(key, value string, origin Origin) given {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: value}
	switch kind := c.defaults[key].node; {
	case kind.Kind == yaml.SequenceNode:
		node = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Value: value}
		for _, item := range strings.Split(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: item})
			}
		}
	case kind.ShortTag() == "!!str":
		node.Tag = "!!str"
	}
	return given{key: key, node: node, origin: origin}
}
