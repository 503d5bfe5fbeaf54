package identity

import (
	"regexp"
	"slices"
	"strings"

	"banyan/platform/fault"
)

// Scope says what a token is for: names of modules, separated by spaces (RFC 6749,
// 3.3), each with ":read" after it for its reads alone. The empty one is for
// everything. It is comparable; ParseScope returns one text for one meaning.
//
// A token for an API client has the scope that it was made with. A call between
// processes has the one of the operation that is called, so that the token of a read
// is worth nothing for a write.
type Scope string

const (
	readOnly  = ":read"
	maxScopes = 32
)

var scopeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,62}(:read)?$`)

// ParseScope returns the scope of these names. Fails with fault.Invalid.
func ParseScope(names ...string) (Scope, error) {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxScopes {
		return "", fault.Newf(fault.Invalid, "a scope has at most %d names: leave it out for the whole API", maxScopes)
	}
	for _, name := range names {
		if !scopeForm.MatchString(name) {
			return "", fault.Newf(fault.Invalid, "%q is not a scope: write the name of a module, or NAME:read for its reads alone", name)
		}
	}
	return Scope(strings.Join(names, " ")), nil
}

// scopeOf reads the text of a claim.
func scopeOf(text string) (Scope, error) {
	if text == "" {
		return "", nil
	}
	scope, err := ParseScope(strings.Split(text, " ")...)
	if err != nil {
		return "", fault.Wrap(err, fault.Unauthenticated, "the scope of this token cannot be read: make a new one with `banyan token create`")
	}
	return scope, nil
}

// ForCall returns the scope of one call between processes.
func ForCall(module string, write bool) Scope {
	if write {
		return Scope(module)
	}
	return Scope(module + readOnly)
}

// Admit fails with fault.Forbidden if the scope does not cover the module's reads, or
// writes.
func (s Scope) Admit(module string, write bool) error {
	if s == "" {
		return nil
	}
	for name := range strings.SplitSeq(string(s), " ") {
		if name == module || !write && name == module+readOnly {
			return nil
		}
	}
	what := "reads"
	if write {
		what = "writes"
	}
	return fault.Newf(fault.Forbidden, "this token is for %s, and not for %s of %s: use one that was made for them", s, what, module)
}

// Names returns the scope's names; none = everything.
func (s Scope) Names() []string { return strings.Fields(string(s)) }
