package search

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalise returns the letters and digits of a text in lower case, without
// accents and in compatibility form (Ⓢ is s), and where its words begin. A word
// ends at anything else. The decomposition is Unicode's NFKD
// (https://unicode.org/reports/tr15/).
func normalise(s string) (letters []rune, words []int) {
	between := true
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r): // the accent of the letter before
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if between {
				words = append(words, len(letters))
				between = false
			}
			letters = append(letters, unicode.ToLower(r))
		default:
			between = true
		}
	}
	return letters, words
}

// mask has a bit for each letter that occurs; letters may share one. A letter
// of the query that a name lacks costs at least one edit, so a query with more
// bits of its own than edits allowed cannot match.
func mask(letters []rune) uint64 {
	var m uint64
	for _, r := range letters {
		m |= 1 << (uint32(r) % 64)
	}
	return m
}
