package page

import (
	"strconv"

	"banyan/platform/fault"
)

// Limits bound the number of entries of a page.
type Limits struct {
	Default int // if the query has no limit
	Max     int
}

// Standard returns the limits of the lists in the API: 1–200, 0 = 50.
func Standard() Limits { return Limits{Default: 50, Max: 200} }

// Check fails with fault.Invalid for a limit out of range; 0 means the default.
func (l Limits) Check(limit int) error {
	if wrong := l.Wrong(limit); len(wrong) > 0 {
		return fault.New(fault.Invalid, "a page cannot have this many entries: choose another limit, or leave it out").With(wrong...)
	}
	return nil
}

// Wrong is Check for a query that collects all its errors: it returns the field of
// the limit, or nothing.
func (l Limits) Wrong(limit int) []fault.Field {
	if limit >= 0 && limit <= l.Max {
		return nil
	}
	return []fault.Field{{Name: "limit", Message: "must be from 1 to " + strconv.Itoa(l.Max)}}
}

// Size returns how many entries a page has: at least 1 and at most Max, even
// for a limit that was not checked.
func (l Limits) Size(limit int) int {
	if limit <= 0 {
		return l.Default
	}
	return min(limit, l.Max)
}
