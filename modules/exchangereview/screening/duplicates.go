package screening

import (
	"hash/fnv"
	"math"
	"strings"
	"unicode"
)

// Duplicate is the kind of a Finding about two texts that are nearly the same.
const Duplicate = "near-duplicate"

const (
	// Alike is how much of two texts must be the same, of all that is in either
	// (Jaccard), that somebody should look.
	Alike = 0.7

	shingle = 6  // letters that are compared at a time
	shortly = 40 // letters of a text below which many people say the same
	longest = 4000
	bands   = 8 // two minima each: of texts that are alike by .7, 99.5 % share one
)

// letters returns a text without what copies change: case, signs, spaces.
func letters(text string) []rune {
	all := make([]rune, 0, min(len(text), longest))
	for _, c := range strings.ToLower(text) {
		if (unicode.IsLetter(c) || unicode.IsDigit(c)) && len(all) < longest {
			all = append(all, c)
		}
	}
	return all
}

// shingles returns the hashes of all parts of a text; nil when it is too short.
func shingles(text string) map[uint64]struct{} {
	all := letters(text)
	if len(all) < shortly {
		return nil
	}
	set := make(map[uint64]struct{}, len(all))
	for i := range len(all) - shingle + 1 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(string(all[i : i+shingle]))) // a hash never fails
		set[h.Sum64()] = struct{}{}
	}
	return set
}

// Prints returns numbers of which two texts that are nearly the same share one with
// near certainty, and others hardly ever (MinHash, Broder 1997); none of a short text.
func Prints(text string) []int64 {
	set := shingles(text)
	if set == nil {
		return nil
	}
	prints := make([]int64, bands)
	for b := range prints {
		first, second := uint64(math.MaxUint64), uint64(math.MaxUint64)
		for h := range set {
			first, second = min(first, mixed(h, uint64(2*b))), min(second, mixed(h, uint64(2*b+1)))
		}
		prints[b] = int64(mixed(first^second<<1, uint64(b)+100))
	}
	return prints
}

// mixed is the n-th of a family of hashes (the finaliser of SplitMix64).
func mixed(x, n uint64) uint64 {
	x += (n + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Similarity returns how much of two texts is the same, 0 to 1; 0 for short ones.
func Similarity(a, b string) float64 {
	x, y := shingles(a), shingles(b)
	both := 0
	for h := range x {
		if _, is := y[h]; is {
			both++
		}
	}
	if both == 0 {
		return 0
	}
	return float64(both) / float64(len(x)+len(y)-both)
}
