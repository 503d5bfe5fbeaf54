package language

import (
	"regexp"
	"strings"
	"time"
)

var (
	number = regexp.MustCompile(`^(?:[<+−-] ?)?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?: ?(?:%|ns|µs|ms|s|min|h|B|KiB|MiB|GiB|MB|GB|×))?$`)
	date   = regexp.MustCompile(`^([0-9]{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4})(, [0-9:]{5} UTC)?$`)
	swap   = strings.NewReplacer(",", ".", ".", ",")
)

var germanMonths = map[string]string{
	"Jan": "Januar", "Feb": "Februar", "Mar": "März", "Apr": "April", "May": "Mai", "Jun": "Juni",
	"Jul": "Juli", "Aug": "August", "Sep": "September", "Oct": "Oktober", "Nov": "November", "Dec": "Dezember",
}

// number returns a number, a quantity or a date in the notation of the language, and
// whether the text is one: 1,234.5 is 1.234,5, and 30 Nov 2026 is 30. November 2026.
func (l Language) number(text string) (string, bool) {
	if len(text) > 100 {
		return text, false
	}
	if number.MatchString(text) {
		return swap.Replace(text), true
	}
	if found := date.FindStringSubmatch(text); found != nil {
		return found[1] + ". " + germanMonths[found[2]] + " " + found[3] + found[4], true
	}
	return text, false
}

// Number returns a number as Go writes it, with commas between thousands, in the
// notation of the language.
func (l Language) Number(text string) string {
	if l == German {
		text, _ = l.number(text)
	}
	return text
}

// Date returns a time as people read it; its layout is one of English.
func (l Language) Date(t time.Time, layout string) string { return l.Number(t.Format(layout)) }
