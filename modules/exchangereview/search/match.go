package search

import (
	"math/bits"
	"slices"
)

// pattern is a query prepared for matching many texts.
type pattern struct {
	letters []rune
	mask    uint64
	edits   int // the most edits of a match
}

func newPattern(letters []rune) pattern {
	return pattern{letters: letters, mask: mask(letters), edits: allowedEdits(len(letters))}
}

// allowedEdits grows with the length: in a short word every letter counts.
func allowedEdits(length int) int {
	switch {
	case length <= 3:
		return 0
	case length <= 5:
		return 1
	case length <= 9:
		return 2
	}
	return 3
}

// score returns 0 when the pattern does not match the text.
func (p *pattern) score(t *text) int {
	if len(t.letters) < len(p.letters)-p.edits || bits.OnesCount64(p.mask&^t.mask) > p.edits {
		return 0
	}
	leftover := min(max(len(t.letters)-len(p.letters), 0), maxLeftover)
	switch at := indexRunes(t.letters, p.letters); {
	case at == 0 && len(t.letters) == len(p.letters):
		return exactScore
	case at == 0:
		return prefixScore - leftover
	case at > 0:
		return p.inside(t) - leftover
	}
	fewest := p.edits + 1
	for _, from := range t.words {
		fewest = min(fewest, prefixDistance(p.letters, t.letters[from:], fewest-1))
	}
	if fewest > p.edits {
		return 0
	}
	return typoScore - fewest*typoCost - leftover
}

// inside returns the score of a match at a place: higher at the beginning of a
// word.
func (p *pattern) inside(t *text) int {
	for _, from := range t.words {
		if rest := t.letters[from:]; len(rest) >= len(p.letters) && slices.Equal(rest[:len(p.letters)], p.letters) {
			return wordScore
		}
	}
	return insideScore
}

func indexRunes(in, what []rune) int {
	for i := 0; i+len(what) <= len(in); i++ {
		if in[i] == what[0] && slices.Equal(in[i:i+len(what)], what) {
			return i
		}
	}
	return -1
}

// maxRow is enough columns for the longest query with its edits.
const maxRow = maxQuery + 8

// prefixDistance is the smallest number of edits (a letter missing, added,
// changed, or two neighbours swapped) that turns the query into a prefix of the
// text; most+1 when that is more than most. It is the optimal string alignment
// distance, row by row; a row that is over most everywhere ends it.
func prefixDistance(query, text []rune, most int) int {
	width := min(len(text), len(query)+most)
	if most < 0 || width < len(query)-most {
		return most + 1
	}
	var rows [3][maxRow]int
	before, last, now := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= width; j++ {
		last[j] = j
	}
	for i := 1; i <= len(query); i++ {
		now[0] = i
		lowest := i
		for j := 1; j <= width; j++ {
			d := last[j-1]
			if query[i-1] != text[j-1] {
				d = 1 + min(d, last[j], now[j-1])
				if i > 1 && j > 1 && query[i-1] == text[j-2] && query[i-2] == text[j-1] {
					d = min(d, before[j-2]+1)
				}
			}
			now[j] = d
			lowest = min(lowest, d)
		}
		if lowest > most {
			return most + 1
		}
		before, last, now = last, now, before
	}
	fewest := most + 1
	for j := 0; j <= width; j++ {
		fewest = min(fewest, last[j])
	}
	return fewest
}
