// Package evaluation measures how well scores tell the trustworthy from the
// fraudulent, by labels that people gave and by what was rated later. It is
// pure.
//
// Labels mostly repeat what the best known users rated, so a method that only
// reads those ratings looks perfect. The protocols take them out first.
package evaluation

import (
	"slices"

	"banyan/modules/reputation/trust"
)

// Protocol is one way to measure: what a method may see, and what its scores
// are held against.
type Protocol struct {
	Name  string
	Rule  string // in one sentence
	Seen  []trust.Edge
	Cases []Case
}

// Labels say of nodes whether they are trustworthy.
type Labels map[uint32]bool

// Protocols returns those that a list admits: by labels, where there are any,
// and by time, where the edges have times.
func Protocols(edges []trust.Edge, seeds []uint32, labels Labels) []Protocol {
	var all []Protocol
	timed := !slices.ContainsFunc(edges, func(e trust.Edge) bool { return e.Time == trust.NoTime })
	if len(labels) > 0 {
		known := trustworthy(edges, seeds, labels)
		all = append(all, inSample(edges, labels), withoutKnown(edges, known, labels))
		if timed {
			all = append(all, beforeKnown(edges, known, labels))
		}
	}
	if timed && len(edges) > 0 {
		all = append(all, ByTime(edges, 0.8, 1))
	}
	return all
}

// trustworthy returns the nodes whose ratings may have made the labels: those
// labelled so, the seeds, and whom a seed rated with half of the largest weight
// or more.
func trustworthy(edges []trust.Edge, seeds []uint32, labels Labels) map[uint32]bool {
	known := map[uint32]bool{}
	for node, good := range labels {
		known[node] = good
	}
	full := 0.0
	for _, e := range edges {
		full = max(full, e.Weight)
	}
	for _, s := range seeds {
		known[s] = true
	}
	for _, e := range edges {
		if slices.Contains(seeds, e.Source) && e.Weight >= full/2 {
			known[e.Target] = true
		}
	}
	return known
}

func inSample(edges []trust.Edge, labels Labels) Protocol {
	return Protocol{
		Name: "in sample", Rule: "all ratings, those that made the labels included: flatters", Seen: edges, Cases: labelled(edges, labels),
	}
}

func withoutKnown(edges []trust.Edge, known map[uint32]bool, labels Labels) Protocol {
	p := Protocol{Name: "B+", Rule: "without ratings of labelled users by trustworthy ones"}
	for _, e := range edges {
		if _, is := labels[e.Target]; !is || !known[e.Source] {
			p.Seen = append(p.Seen, e)
		}
	}
	p.Cases = labelled(p.Seen, labels)
	return p
}

func beforeKnown(edges []trust.Edge, known map[uint32]bool, labels Labels) Protocol {
	p := Protocol{Name: "C", Rule: "of labelled users only ratings before the first by a trustworthy one"}
	first := map[uint32]int64{}
	for _, e := range edges {
		if at, rated := first[e.Target]; known[e.Source] && (!rated || e.Time < at) {
			first[e.Target] = e.Time
		}
	}
	for _, e := range edges {
		_, is := labels[e.Target]
		if at, rated := first[e.Target]; !is || !rated || e.Time < at {
			p.Seen = append(p.Seen, e)
		}
	}
	p.Cases = labelled(p.Seen, labels)
	return p
}

// labelled returns the labelled nodes that somebody rates.
func labelled(edges []trust.Edge, labels Labels) []Case {
	var cases []Case
	done := map[uint32]bool{}
	for _, e := range edges {
		if good, is := labels[e.Target]; is && !done[e.Target] {
			done[e.Target] = true
			cases = append(cases, Case{e.Target, good})
		}
	}
	slices.SortFunc(cases, func(a, b Case) int { return int(a.Subject) - int(b.Subject) })
	return cases
}

// ByTime is the split by time: the ratings up to the share seen, and the signs
// of those after it up to until, of whom somebody had rated before.
func ByTime(edges []trust.Edge, seen, until float64) Protocol {
	p := Protocol{Name: "time", Rule: "the oldest 80 % of the ratings, against the signs of the rest"}
	sorted := slices.Clone(edges)
	slices.SortStableFunc(sorted, func(a, b trust.Edge) int { return int(min(1, max(-1, a.Time-b.Time))) })
	cut, end := int(seen*float64(len(sorted))), int(until*float64(len(sorted)))
	p.Seen = sorted[:cut]
	rated := map[uint32]bool{}
	for _, e := range p.Seen {
		rated[e.Target] = true
	}
	for _, e := range sorted[cut:end] {
		if e.Weight != 0 && rated[e.Target] {
			p.Cases = append(p.Cases, Case{e.Target, e.Weight > 0})
		}
	}
	return p
}
