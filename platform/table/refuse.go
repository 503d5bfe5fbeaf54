package table

import (
	"fmt"
	"slices"
	"strings"

	"banyan/platform/fault"
)

// entryPrefix begins the names of fields that are of an entry of a document.
const entryPrefix = "entry "

// EntryName is the name of a field of an entry of a document, whose line alone
// does not say which entry it is; name may be "".
func EntryName(entry int, name string) string {
	if name == "" {
		return fmt.Sprintf(entryPrefix+"%d", entry)
	}
	return fmt.Sprintf(entryPrefix+"%d, %s", entry, name)
}

// Refuse is the one fault that names all wrong lines: at most MaxProblems of
// them, in the order of their lines.
func Refuse(problems []fault.Field) error {
	slices.SortStableFunc(problems, func(a, b fault.Field) int { return a.Line - b.Line })
	problems = problems[:min(len(problems), MaxProblems)]
	type row struct {
		line  int
		entry string
	}
	rows := map[row]bool{}
	one, many := "line", "lines"
	for _, p := range problems {
		r := row{line: p.Line}
		if strings.HasPrefix(p.Name, entryPrefix) {
			r.entry, _, _ = strings.Cut(p.Name, ",")
			one, many = "entry", "entries"
		}
		rows[r] = true
	}
	const advice = "; nothing was kept: correct the list and send it again"
	f := fault.Newf(fault.Invalid, "%d %s of the list are wrong"+advice, len(rows), many)
	switch {
	case len(problems) == MaxProblems:
		f = fault.Newf(fault.Invalid, "%d wrong %s of the list are named here, and there may be more"+advice, len(rows), many)
	case len(rows) == 1:
		f = fault.Newf(fault.Invalid, "1 %s of the list is wrong"+advice, one)
	}
	return f.With(problems...)
}
