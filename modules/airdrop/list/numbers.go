package list

import (
	"bytes"
	"fmt"
	"slices"

	"banyan/platform/table"
)

// spelling is how a list writes its amounts: what stands between thousands, if
// anything, and what before decimals.
type spelling struct{ group, point byte }

// plainSpelling is 1304.53.
var plainSpelling = spelling{0, '.'}

// spellings are those that a list may have, plain ones first.
var spellings = []spelling{
	plainSpelling, {0, ','}, {',', '.'}, {'.', ','}, {' ', '.'}, {' ', ','}, {'\'', '.'}, {'\'', ','}, {'_', '.'},
}

// spellingMarks are the characters of numbers that are not plain, the first
// bytes of longer ones included.
const spellingMarks = ".'_ \xc2\xe2"

// lookedAt is how many rows at the beginning of a list say how it writes amounts.
const lookedAt = 1024

// spellingOf finds the one spelling that all amounts have, if they have one and
// it leaves no doubt: "1,304" alone may be 1304 or 1.304, beside "2,500,000" it is
// 1304. Otherwise it is plain, and each line that is not is refused.
func spellingOf(amounts func(yield func(cell []byte) bool)) spelling {
	var strange [][]byte
	plain := true
	amounts(func(cell []byte) bool {
		if len(cell) > 0 && !onlyDigits(cell) && madeOfNumbers(cell) {
			_, ok := plainSpelling.plain(cell)
			strange, plain = append(strange, cell), plain && ok
		}
		return true
	})
	if plain {
		return plainSpelling
	}
	var possible []spelling
	for _, s := range spellings[1:] {
		if !slices.ContainsFunc(strange, func(cell []byte) bool { _, ok := s.plain(cell); return !ok }) {
			possible = append(possible, s)
		}
	}
	if len(possible) == 0 {
		return plainSpelling
	}
	for _, cell := range strange {
		one, _ := possible[0].plain(cell)
		for _, s := range possible[1:] {
			if other, _ := s.plain(cell); !bytes.Equal(one, other) {
				return plainSpelling
			}
		}
	}
	return possible[0]
}

// madeOfNumbers reports whether a cell has digits, and nothing but these and
// what may stand between them.
func madeOfNumbers(cell []byte) bool {
	return len(bytes.TrimFunc(cell, func(r rune) bool {
		return r >= '0' && r <= '9' || r == '.' || r == ',' || r == '\'' || r == '_' || r == '+' || r == '’' || isSpace(r)
	})) == 0 && bytes.ContainsAny(cell, "0123456789")
}

// isSpace reports whether a character is a space that stands between thousands.
func isSpace(r rune) bool { return r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\u2009' }

// plain returns a number in its plain spelling; false if it is not in this one.
func (s spelling) plain(cell []byte) (digits []byte, ok bool) {
	if s == plainSpelling {
		whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(cell, []byte{'+'}), []byte{'.'})
		return cell, onlyDigits(whole) && onlyDigits(fraction) && len(whole)+len(fraction) > 0
	}
	cell = bytes.Map(func(r rune) rune {
		switch {
		case isSpace(r):
			return ' '
		case r == '’':
			return '\''
		}
		return r
	}, bytes.TrimPrefix(cell, []byte{'+'}))
	whole, fraction, pointed := bytes.Cut(cell, []byte{s.point})
	if !onlyDigits(fraction) || len(whole)+len(fraction) == 0 {
		return nil, false
	}
	digits = whole
	if groups := bytes.Split(whole, []byte{s.group}); s.group != 0 && len(groups) > 1 {
		if n := len(groups[0]); n == 0 || n > 3 || groups[0][0] == '0' {
			return nil, false
		}
		for _, g := range groups[1:] {
			if len(g) != 3 {
				return nil, false
			}
		}
		digits = bytes.Join(groups, nil)
	}
	if !onlyDigits(digits) {
		return nil, false
	}
	if pointed {
		digits = append(append(bytes.Clone(digits), '.'), fraction...)
	}
	return digits, true
}

// look finds the spelling of a list's amounts in its first part.
func (r *cellReader) look(part *table.Part) {
	c := r.columnsOf(part.Layout())
	r.lookAt(part, func() ([]byte, bool) {
		values, _, problem := c.cut(part)
		return values.amount, problem == ""
	})
}

// lookAt finds the spelling of amounts, of which amount returns that of the
// present row.
func (r *cellReader) lookAt(part *table.Part, amount func() ([]byte, bool)) {
	marks := spellingMarks
	if l := part.Layout(); l.Separator != ',' || part.ContainsAny(`"`) {
		marks += ","
	}
	r.spelling = plainSpelling
	if !part.ContainsAny(marks) {
		return
	}
	r.spelling = spellingOf(func(yield func([]byte) bool) {
		for n := 0; n < lookedAt && part.Next(); n++ {
			if cell, ok := amount(); ok && !yield(cell) {
				return
			}
		}
	})
}

// doubt says why a number that is not plain is refused.
func doubt(text []byte) string {
	comma, point := bytes.IndexByte(text, ','), bytes.IndexByte(text, '.')
	switch {
	case comma >= 0 && point < 0:
		return "has a comma, and nothing in the list says whether that is for thousands or for decimals: write digits only, with a point before decimals"
	case comma >= 0:
		return "has a comma: write digits only, with a point before decimals"
	}
	return fmt.Sprintf("%q is no number: write digits only, with a point before decimals", table.Short(text))
}
