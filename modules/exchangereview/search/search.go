// Package search finds names in spite of typing errors: letters missing,
// doubled or swapped, spaces, case and accents.
//
// A directory has a thousand or two names, so every query examines each of
// them. That is fast because one comparison of letter masks (see mask) excludes
// most of them, and never a match.
package search

import (
	"cmp"
	"slices"
)

// Name is what can be found: an identifier of the caller's and its texts, of
// which the best match counts.
type Name struct {
	ID    int64
	Texts []string
}

// Match is a name that was found. Higher scores are better.
type Match struct {
	ID    int64
	Score int
}

// The scores, before the length of the unmatched text is subtracted. They are
// far enough apart that a better kind of match always comes first.
const (
	exactScore  = 10_000 // the whole name
	prefixScore = 9_000  // its beginning
	wordScore   = 8_000  // the beginning of one of its words
	insideScore = 7_000  // elsewhere
	typoScore   = 6_000  // with edits, each of which costs typoCost
	typoCost    = 1_000
	spreadCost  = 100 // the words of the query were found apart from each other
	maxLeftover = 99  // less than spreadCost and any step between the kinds
)

// maxQuery bounds the work of one search, in letters.
const maxQuery = 60

// Index is an immutable set of names; it is safe for concurrent use.
type Index struct {
	texts []text // in the order of the names
	ids   []int64
}

// text is one text of one name, normalised.
type text struct {
	name    int // place in ids
	letters []rune
	words   []int // where in letters each word begins; the first is 0
	mask    uint64
}

// New indexes names. Names with equal scores are returned in their order.
func New(names []Name) *Index {
	x := &Index{ids: make([]int64, len(names))}
	for i, n := range names {
		x.ids[i] = n.ID
		for _, t := range n.Texts {
			if letters, words := normalise(t); len(letters) > 0 {
				x.texts = append(x.texts, text{name: i, letters: letters, words: words, mask: mask(letters)})
			}
		}
	}
	return x
}

// Find returns the matches of a query, best first. A query without letters or
// digits matches nothing.
func (x *Index) Find(query string) []Match {
	letters, words := normalise(query)
	if len(letters) == 0 {
		return nil
	}
	if len(letters) > maxQuery {
		letters = letters[:maxQuery]
		words = slices.DeleteFunc(words, func(at int) bool { return at >= maxQuery })
	}
	whole := newPattern(letters)
	var parts []pattern
	if len(words) > 1 {
		for i, from := range words {
			to := len(letters)
			if i+1 < len(words) {
				to = words[i+1]
			}
			parts = append(parts, newPattern(letters[from:to]))
		}
	}
	best := make([]int, len(x.ids))
	for i := range x.texts {
		t := &x.texts[i]
		score := whole.score(t)
		if score < insideScore-maxLeftover && len(parts) > 0 {
			score = max(score, spread(parts, t))
		}
		best[t.name] = max(best[t.name], score)
	}
	var found []Match
	for i, score := range best {
		if score > 0 {
			found = append(found, Match{ID: x.ids[i], Score: score})
		}
	}
	slices.SortStableFunc(found, func(a, b Match) int { return cmp.Compare(b.Score, a.Score) })
	return found
}

// spread returns the score of a text in which every word of the query is found
// somewhere; 0 when the query has no words or one is not found.
func spread(parts []pattern, t *text) int {
	lowest := exactScore
	for i := range parts {
		s := parts[i].score(t)
		if s == 0 {
			return 0
		}
		lowest = min(lowest, s)
	}
	return max(lowest-spreadCost, 1)
}
