package sybil

import (
	"fmt"
	"math"
	"strings"
)

// reason says for people what ties a member to its cluster, without commas.
func (c *cluster) reason(g *graph, o *origins, place int, s spread) string {
	m := c.members[place]
	piece := c.pieces[c.piece[place]]
	parts := []string{fmt.Sprintf("transfers tie %d candidates together", len(c.members))}
	if others := len(piece) - 1; others > 0 {
		parts = append(parts, fmt.Sprintf("%d of them exchange transfers directly with this one or through each other", others))
	}
	parts = append(parts, c.dealings(g, m)...)
	if o != nil {
		if f := o.funder[m]; f != none && o.funded[f] > 1 {
			parts = append(parts, fmt.Sprintf("first funded by %s as %d other candidates", g.wallets[f], o.funded[f]-1))
		}
		if r := o.receiver[m]; r != none && o.swept[r] > 1 {
			parts = append(parts, fmt.Sprintf("sent last to %s as %d other candidates", g.wallets[r], o.swept[r]-1))
		}
	}
	if s.known {
		parts = append(parts, fmt.Sprintf("half of them began within %s of the middle date and have a volume within %s %% of the middle one",
			days(s.days), number(100*math.Expm1(s.volume))))
	}
	return strings.Join(parts, "; ")
}

// dealings names candidates that a member dealt with directly, and the one that is no
// candidate and ties it to the most others of the cluster.
func (c *cluster) dealings(g *graph, m uint32) (parts []string) {
	const named = 2
	var direct []string
	count := 0
	best, most := uint32(none), 0
	for _, other := range g.of(m) {
		if _, inside := c.place[other]; inside {
			if count++; count <= named {
				direct = append(direct, g.wallets[other].String())
			}
			continue
		}
		if shared := c.deals[other] - 1; !g.candidates[other] && shared > most {
			best, most = other, shared
		}
	}
	if count > 0 {
		text := "direct transfers with " + strings.Join(direct, " and ")
		if count > named {
			text += fmt.Sprintf(" and %d more", count-named)
		}
		parts = append(parts, text)
	}
	if best != none {
		parts = append(parts, fmt.Sprintf("shares %s with %d other candidates of the cluster", g.wallets[best], most))
	}
	return parts
}

// days writes a number of days in a unit that people use.
func days(d float64) string {
	switch minutes := d * 24 * 60; {
	case minutes < 120:
		return number(minutes) + " minutes"
	case d < 2:
		return number(minutes/60) + " hours"
	}
	return number(d) + " days"
}

// number writes at most two digits behind the point, without zeros at the end.
func number(x float64) string {
	text := fmt.Sprintf("%.2f", x)
	if x >= 10 {
		text = fmt.Sprintf("%.0f", x)
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
