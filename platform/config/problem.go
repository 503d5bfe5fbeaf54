package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with the settings.
type Problem struct {
	Key     string // the setting, "" if the problem is of none
	Origin  Origin
	Message string
}

// String returns "banyan.yaml:12: http.body_limit: …".
func (p Problem) String() string {
	text := p.Origin.String() + ": "
	if p.Key != "" {
		text += p.Key + ": "
	}
	return text + p.Message
}

// Error is everything that is wrong with the settings, in the order of the sources
// and their lines, so that all of it can be fixed at once.
type Error struct{ Problems []Problem }

// Error returns one line per problem.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, "the settings cannot be used:")
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// asError returns the problems as an *Error, sorted; nil without any.
func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Origin.Kind != b.Origin.Kind {
			return int(a.Origin.Kind) - int(b.Origin.Kind)
		}
		return a.Origin.Line - b.Origin.Line
	})
	return &Error{Problems: problems}
}

// Kind is a kind of source. A later kind overrides an earlier one.
type Kind uint8

// The kinds of sources, in the order in which they override each other.
const (
	FromDefault Kind = iota
	FromFile
	FromEnvironment
	FromFlag
)

// Origin is the place where a value was given.
type Origin struct {
	Kind Kind
	Name string // of the file, the variable, or the setting that a flag set
	Line int    // 1-based, in a file
}

// String returns "banyan.yaml:12", "BANYAN_LISTEN" or "flag for listen".
func (o Origin) String() string {
	switch {
	case o.Kind == FromFlag:
		return "flag for " + o.Name
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
	return o.Name
}

// nearest returns the candidate that a mistyped name most likely means, or "". It
// has the least edit distance (https://en.wikipedia.org/wiki/Levenshtein_distance);
// a name of which more than half is wrong is not a typo.
func nearest(name string, candidates []string) string {
	best, distance := "", len(name)/2+1
	for _, c := range candidates {
		if d := editDistance(name, c); d < distance {
			best, distance = c, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
