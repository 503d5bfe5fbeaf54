package trustlist

import (
	"cmp"
	"slices"

	"banyan/modules/reputation"
)

// Place is where a node stands.
type Place struct {
	Node       uint32
	Rank       int     // 1 = best; equal values share a rank, and the ranks after them are passed over; 0 = no rank
	Percentile float64 // share of ranked nodes that stand at or below this one, over 0 up to 1; 0 without a rank
}

// Order ranks nodes by value, the highest first; equal values in the order of
// their numbers. Only values over 0 have a rank: others have no standing, or
// are distrusted, and come last.
func Order(values []float64) []Place {
	places := make([]Place, len(values))
	n := 0
	for i := range places {
		places[i].Node = uint32(i)
		if values[i] > 0 {
			n++
		}
	}
	slices.SortFunc(places, func(a, b Place) int {
		if c := cmp.Compare(values[b.Node], values[a.Node]); c != 0 {
			return c
		}
		return cmp.Compare(a.Node, b.Node)
	})
	for i := range places[:n] {
		places[i].Rank = i + 1
		if i > 0 && values[places[i].Node] == values[places[i-1].Node] {
			places[i].Rank = places[i-1].Rank
		}
		places[i].Percentile = float64(n-places[i].Rank+1) / float64(n)
	}
	return places
}

// Points returns a weight as a score and in millionths. Who has any standing is
// never shown with 0.
func Points(weight float64) (score, ppm int) {
	if weight <= 0 {
		return 0, 0
	}
	return max(1, int(float64(weight*reputation.MaxScore)+0.5)), max(1, int(weight*reputation.MaxWeight))
}
