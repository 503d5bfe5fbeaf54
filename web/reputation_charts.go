package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"banyan/modules/reputation"
	"banyan/web/ui"
)

// Charts are made of numbers, and of hex digits of addresses.

// scoreGauge draws a score as a part of a half circle, with a mark at half.
func scoreGauge(score int) template.HTML {
	const arc = `d="M12 66 A54 54 0 0 1 120 66" pathLength="1000"`
	return ui.Markup(`<svg class="gauge" viewBox="0 0 132 84" role="img" aria-label="Score %s of 1,000"><path class="rail" %s/><path class="part" %s stroke-dasharray="%d 1000"/><path class="half" d="M66 4 V20"/><text class="value" x="66" y="64" text-anchor="middle">%s</text><text x="12" y="82" text-anchor="middle">0</text><text x="114" y="82" text-anchor="middle">1000</text></svg>`,
		ui.Number(score), arc, arc, min(reputation.MaxScore, max(0, score)), ui.Number(score))
}

// signedBar draws a part of a score to the right of a middle line, or to the left when
// it lowers the score, against the largest of the parts. The number stands beside it.
func signedBar(share, largest float64) template.HTML {
	length := 0.0
	if largest > 0 {
		length = 100 * min(1, math.Abs(share)/largest)
	}
	from, fill := 100.0, "fill-leaf"
	if share < 0 {
		from, fill = 100-length, "fill-bark"
	}
	return ui.Markup(`<svg class="meter" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="200" height="10"/><rect class="%s" x="%.1f" width="%.1f" height="10"/><rect class="fill-soft" x="99" width="2" height="10"/></svg>`,
		fill, from, length)
}

// largestShare returns the size of the largest part of a score.
func largestShare(components []reputation.Component) (largest float64) {
	for _, c := range components {
		largest = max(largest, math.Abs(c.Share))
	}
	return largest
}

// historyChart draws the scores of a history, the last first, over time; each holds
// until the next. The entries stand beside it in words.
func historyChart(entries []reputation.HistoryEntry) template.HTML {
	if len(entries) == 0 {
		return ""
	}
	const left, right, top, height = 56.0, 590.0, 10.0, 120.0
	first, last := entries[len(entries)-1], entries[0]
	begin, whole := first.TimeMS, max(1, last.TimeMS-first.TimeMS)
	y := func(score int) float64 { return top + height*(1-float64(score)/reputation.MaxScore) }
	var line, dots strings.Builder
	fmt.Fprintf(&line, "%.1f,%.1f", left, y(first.Before))
	before := first.Before
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		x := left + 20 + (right-left-60)*float64(e.TimeMS-begin)/float64(whole)
		fmt.Fprintf(&line, " %.1f,%.1f %.1f,%.1f", x, y(before), x, y(e.Score))
		fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3.5"/>`, x, y(e.Score))
		before = e.Score
	}
	fmt.Fprintf(&line, " %.1f,%.1f", right, y(last.Score))
	var grid strings.Builder
	for _, score := range []int{0, 500, 1000} {
		fmt.Fprintf(&grid, `<path class="grid" d="M%.0f %.1f H%.0f"/><text x="%.0f" y="%.1f" text-anchor="end">%d</text>`, left, y(score), right, left-6, y(score)+4, score)
	}
	return ui.Markup(`<svg class="chart scores" viewBox="0 0 600 142" role="img" aria-label="The score went from %d to %d in %s; the table below has each">%s<polyline class="curve" points="%s"/>%s</svg>`,
		first.Before, last.Score, ui.Plural(len(entries), "change", "changes"), grid.String(), line.String(), dots.String())
}

// neighbourhood is the data of the drawing of who rates a wallet and whom it rates.
type neighbourhood struct {
	In, Out []reputation.Neighbour
	More    bool // than are drawn
}

// drawNeighbourhood draws a wallet in the middle, who says something of it at the left
// and of whom it says something at the right; lines are as thick as the ratings are
// strong, and broken where they are distrust.
func drawNeighbourhood(n neighbourhood) template.HTML {
	rows := max(len(n.In), len(n.Out))
	if rows == 0 {
		return ""
	}
	const row, middle = 30, 300
	height := rows * row
	strongest := 0.0
	for _, list := range [][]reputation.Neighbour{n.In, n.Out} {
		for _, e := range list {
			strongest = max(strongest, math.Abs(e.Weight))
		}
	}
	var b strings.Builder
	side := func(list []reputation.Neighbour, x, text int, anchor string) {
		for i, e := range list {
			y := height * (2*i + 1) / (2 * len(list))
			class := "trusts"
			if e.Weight < 0 {
				class = "distrusts"
			}
			fmt.Fprintf(&b, `<path class="%s" stroke-width="%.1f" d="M%d %d L%d %d"/><circle class="%s" cx="%d" cy="%d" r="6"/><text x="%d" y="%d" text-anchor="%s">%s %s</text>`,
				class, 1+3*math.Abs(e.Weight)/strongest, x, y, middle, height/2, class, x, y, text, y+4, anchor, e.Wallet.Short(), weightText(e.Weight))
		}
	}
	side(n.In, 170, 158, "end")
	side(n.Out, 430, 442, "start")
	return ui.Markup(`<svg class="chart neighbours" viewBox="0 0 600 %d" role="img" aria-label="%s; the lists have all of it in words">%s<circle class="self" cx="%d" cy="%d" r="13"/></svg>`,
		height, n.inWords(), b.String(), middle, height/2)
}

// inWords counts what is drawn.
func (n neighbourhood) inWords() string {
	count := func(list []reputation.Neighbour) (good, bad int) {
		for _, e := range list {
			if e.Weight < 0 {
				bad++
			} else {
				good++
			}
		}
		return good, bad
	}
	inGood, inBad := count(n.In)
	outGood, outBad := count(n.Out)
	return fmt.Sprintf("%s it and %s it; it trusts %d and distrusts %d",
		ui.Plural(inGood, "wallet trusts", "wallets trust"), ui.Plural(inBad, "distrusts", "distrust"), outGood, outBad)
}
