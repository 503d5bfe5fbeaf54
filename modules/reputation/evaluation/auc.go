package evaluation

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Case is a subject of whom is known whether it is good. One subject can have
// several: they stand or fall together.
type Case struct {
	Subject uint32
	Good    bool
}

// resamples is how many the interval is made of.
const resamples = 1000

// Estimate is an AUC, the chance that a good subject scores higher than a bad
// one (half where they score the same), with an interval that holds 95 % of
// resamples. Resampling is by subject. Source: Efron and Tibshirani, "An
// Introduction to the Bootstrap", 1993, chapters 13 and 8.
type Estimate struct {
	AUC  float64 `json:"auc"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Good int     `json:"good"` // cases
	Bad  int     `json:"bad"`
}

// Known reports whether there were cases of both kinds.
func (e Estimate) Known() bool { return e.Good > 0 && e.Bad > 0 }

// Measure estimates the AUC of the scores on the cases. Without cases of both
// kinds there is none, and it is 0. The resamples are the same for the same cases.
func Measure(cases []Case, score func(subject uint32) float64) Estimate {
	var e Estimate
	groups := bySubject(cases, score)
	ones := make([]float64, len(groups))
	for i, g := range groups {
		ones[i] = 1
		e.Good, e.Bad = e.Good+int(g.good), e.Bad+int(g.bad)
	}
	if !e.Known() {
		return e
	}
	e.AUC = auc(groups, ones)
	e.Low, e.High = e.AUC, e.AUC
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a resample is no secret, and must be the same again
	var all []float64
	times := make([]float64, len(groups))
	for range resamples {
		clear(times)
		for range groups {
			times[random.IntN(len(groups))]++
		}
		if a := auc(groups, times); !math.IsNaN(a) { // a resample without one of the kinds has none
			all = append(all, a)
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		e.Low, e.High = all[len(all)*25/1000], all[len(all)*975/1000]
	}
	return e
}

// group is the cases of one subject.
type group struct {
	subject          uint32
	score, good, bad float64
}

// bySubject returns the groups with ascending scores.
func bySubject(cases []Case, score func(uint32) float64) []group {
	at := map[uint32]int{}
	var groups []group
	for _, c := range cases {
		i, known := at[c.Subject]
		if !known {
			i = len(groups)
			at[c.Subject] = i
			groups = append(groups, group{subject: c.Subject, score: score(c.Subject)})
		}
		if c.Good {
			groups[i].good++
		} else {
			groups[i].bad++
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.subject, b.subject))
	})
	return groups
}

// auc counts each group as often as times says; NaN without pairs.
func auc(groups []group, times []float64) float64 {
	var won, good, bad float64 // pairs won by the good, and the cases so far
	for i := 0; i < len(groups); {
		var g, b float64
		same := groups[i].score
		for ; i < len(groups) && groups[i].score == same; i++ {
			g += groups[i].good * times[i]
			b += groups[i].bad * times[i]
		}
		won += g*bad + g*b/2
		good, bad = good+g, bad+b
	}
	return won / (good * bad)
}
