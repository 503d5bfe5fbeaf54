// Package config loads the settings of the packages that own them from config.yaml,
// the operator's file, the environment and flags, or returns everything that is
// wrong with them.
//
//	var settings httpserver.Settings
//	inForce, err := config.Load(config.Options{Defaults: embedded, File: flag, Env: os.Environ(), Flags: set},
//		config.Section{Key: "http", Into: &settings})
//
// The embedded config.yaml is the only place of the defaults: this package knows
// types and sources, and neither a section nor a value. A key that is not in it does
// not exist, so a typo in any source is an error that names the place and the
// nearest key.
package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Section is a part of the settings and the struct that takes it.
type Section struct {
	// Key is the prefix of the struct's settings: "http", "modules.airdrop"; "" is
	// for every setting of no other section.
	Key string
	// Into points to a struct whose yaml tags are the keys below Key. If it is a
	// Checker, Check is called after it is filled.
	Into any
}

// Checker is implemented by settings that have limits.
type Checker interface {
	// Check records what is out of range. Keys are relative to the section.
	Check(c *Checks)
}

// Loaded are the settings in force. The sections hold their values.
type Loaded struct {
	catalog  catalog
	sections []Section
	sources  Sources
	injected []string
	renamed  []Rename
	secrets  map[string]string // as they were given, by key
}

// Sources maps every key that is not at its default to the place where it was set
// last.
type Sources map[string]Origin

// Injected returns the variables that begin with BANYAN_ and were skipped, since
// Kubernetes or docker made them: say so once.
func (l *Loaded) Injected() []string { return l.injected }

// Sources returns where the settings that are not at their defaults were set.
func (l *Loaded) Sources() Sources { return l.sources }

// section returns the section that takes a key, nil without one.
func section(sections []Section, key string) (found *Section) {
	for i, s := range sections {
		if s.Key != "" && !strings.HasPrefix(key, s.Key+".") {
			continue
		}
		if found == nil || len(s.Key) > len(found.Key) {
			found = &sections[i]
		}
	}
	return found
}

// below returns key relative to the section.
func (s *Section) below(key string) string {
	if s.Key == "" {
		return key
	}
	return strings.TrimPrefix(key, s.Key+".")
}

// fresh returns a new zero value of the section's type.
func (s *Section) fresh() any { return reflect.New(reflect.TypeOf(s.Into).Elem()).Interface() }

// Load reads all sources and fills the sections with the settings in force. When
// anything is wrong the error is an *Error with all problems, and the sections must
// not be used.
func Load(o Options, sections ...Section) (*Loaded, error) {
	known, err := newCatalog(o.Defaults)
	if err != nil {
		return nil, err
	}
	known.takenBy = sections
	inForce := make(map[string]given, len(known.order))
	for key, g := range known.defaults {
		inForce[key] = g
	}
	loaded := &Loaded{sections: slices.Clone(sections), sources: Sources{}, secrets: map[string]string{}}
	known.injected = &loaded.injected
	known.renames = newRenames(sections, &loaded.renamed)
	loaded.catalog = known
	values, problems := known.overrides(o)
	for _, g := range values {
		if message := known.refuse(g); message != "" {
			problems = append(problems, Problem{Key: g.key, Origin: g.origin, Message: message})
			continue
		}
		inForce[g.key] = g
		loaded.sources[g.key] = g.origin
	}
	for key, g := range inForce {
		if known.isSecret(key) {
			loaded.secrets[key] = g.node.Value
		}
	}
	checks := &Checks{}
	for i := range sections {
		if err := fill(sections, &sections[i], inForce); err != nil {
			return nil, fmt.Errorf("the built-in config.yaml does not match this program: %w", err)
		}
		if checker, ok := sections[i].Into.(Checker); ok {
			checker.Check(checks.Below(sections[i].Key))
		}
	}
	for _, p := range checks.found() {
		p.Origin = inForce[p.Key].origin
		if !broken(problems, p.Key) { // the key's own value was refused: its default is in force, and irrelevant
			problems = append(problems, p)
		}
	}
	return loaded, asError(problems)
}

// fill decodes the values that a section takes into it.
func fill(sections []Section, into *Section, inForce map[string]given) error {
	own := make(map[string]given)
	for key, g := range inForce {
		switch taker := section(sections, key); taker {
		case nil:
			return fmt.Errorf("no section of the program has the setting %s", key)
		case into:
			own[into.below(key)] = g
		}
	}
	return decode(own, into.Into)
}

func broken(problems []Problem, key string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Key == key })
}
