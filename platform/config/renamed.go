package config

import (
	"fmt"
	"strings"
)

// Renamer is implemented by settings some of which had another name in the release
// before. The old names are accepted with a warning; the release after takes them
// out of the map.
type Renamer interface {
	// Renamed maps the old keys, in full, to those relative to the section.
	Renamed() map[string]string
}

// Rename is an old name that was used.
type Rename struct {
	Old, New string // keys
	Origin   Origin
}

// String says what to write instead.
func (r Rename) String() string {
	if r.Origin.Kind == FromEnvironment {
		return fmt.Sprintf("%s is called %s now: rename it, the next release does not know the old name", r.Origin.Name, EnvName(r.New))
	}
	return fmt.Sprintf("%s: %s is called %s now: rename it, the next release does not know the old name", r.Origin, r.Old, r.New)
}

// Renamed returns the old names that were used, in the order of the sources: say so
// once.
func (l *Loaded) Renamed() []Rename { return l.renamed }

// renames are the old keys of all sections, and the sections that had them.
type renames struct {
	keys     map[string]string // old → present
	sections map[string]bool
	used     *[]Rename
}

func newRenames(sections []Section, used *[]Rename) renames {
	r := renames{keys: map[string]string{}, sections: map[string]bool{}, used: used}
	for _, s := range sections {
		renamer, ok := s.Into.(Renamer)
		if !ok {
			continue
		}
		for old, key := range renamer.Renamed() {
			if s.Key != "" {
				key = s.Key + "." + key
			}
			r.keys[old] = key
			for section := old; strings.Contains(section, "."); {
				section = section[:strings.LastIndexByte(section, '.')]
				r.sections[section] = true
			}
		}
	}
	return r
}

// present returns today's key of a key, which may be that of the release before.
func (r renames) present(key string) string {
	if now, old := r.keys[key]; old {
		return now
	}
	return key
}

// note remembers that an old key was used.
func (r renames) note(old string, origin Origin) {
	*r.used = append(*r.used, Rename{Old: old, New: r.keys[old], Origin: origin})
}

// inFile puts today's keys in the place of those that had another name, and
// reports settings that stand in the file under both.
func (r renames) inFile(found []given) (kept []given, problems []Problem) {
	lines := make(map[string]int, len(found))
	for _, g := range found {
		if _, old := r.keys[g.key]; !old {
			lines[g.key] = g.origin.Line
		}
	}
	for _, g := range found {
		key, old := r.keys[g.key]
		if !old {
			kept = append(kept, g)
			continue
		}
		if line, twice := lines[key]; twice {
			problems = append(problems, Problem{Key: g.key, Origin: g.origin, Message: fmt.Sprintf("is called %s now, which is set on line %d: delete this line", key, line)})
			continue
		}
		r.note(g.key, g.origin)
		g.key = key
		kept = append(kept, g)
	}
	return kept, problems
}
