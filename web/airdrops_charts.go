package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"banyan/web/ui"
)

// The charts of claims are this large, with a frame of two units.
const chartWidth, chartHeight = 600, 160

// ClaimsChart draws how much was claimed until each day; "" while nothing was.
func (p *payment) ClaimsChart() template.HTML {
	if len(p.Days) == 0 || p.Promised.IsZero() {
		return ""
	}
	first, last := p.Days[0].DayMS, max(p.Days[len(p.Days)-1].DayMS+dayMS, p.ReadToMS)
	var line strings.Builder
	var sum uint256.Int
	of, total := uint256.Int{}, p.Promised.Float64()
	for _, d := range p.Days { // what was claimed before the first of the days that are kept
		of.Add(&of, &d.Amount)
	}
	if of.Lt(&p.Claimed) {
		sum.Sub(&p.Claimed, &of)
	}
	point := func(ms int64) {
		share := min(1, sum.Float64()/total)
		fmt.Fprintf(&line, "%.1f,%.1f ", float64(ms-first)*chartWidth/float64(last-first), chartHeight-share*chartHeight)
	}
	point(first)
	for _, d := range p.Days {
		x := d.DayMS
		point(x)
		sum.Add(&sum, &d.Amount)
		point(min(x+dayMS, last))
	}
	point(last)
	return ui.Markup(`<svg class="chart course" viewBox="-2 -2 %d %d" role="img" aria-label="Claimed over time: from %s to %s, %.1f %% of the total, by %d claims."><g aria-hidden="true"><rect class="track" width="%d" height="%d"/><polyline class="curve" points="%s"/></g></svg>`,
		chartWidth+4, chartHeight+4, dayOf(first), dayOf(last), 100*p.Share, p.ClaimedRows, chartWidth, chartHeight, strings.TrimSpace(line.String()))
}

const dayMS = 24 * 3600 * 1000

func dayOf(ms int64) string { return time.UnixMilli(ms).UTC().Format("2 January 2006") }

// VestingChart draws what part of an amount is there when, and where it is now.
func (p *payment) VestingChart() template.HTML {
	v := p.Vesting
	if v == nil || v.DurationMS == 0 {
		return ""
	}
	whole := *uint256.NewInt(1_000_000)
	at := func(ms int64) float64 { part := v.Vested(whole, ms); return part.Float64() / 1e6 }
	x := func(ms int64) float64 {
		return max(0, min(1, float64(ms-v.StartMS)/float64(v.DurationMS))) * chartWidth
	}
	cliff, end := v.StartMS+v.CliffMS, v.StartMS+v.DurationMS
	now := at(p.ReadToMS)
	return ui.Markup(`<svg class="chart course" viewBox="-2 -2 %d %d" role="img" aria-label="Vesting: nothing until %s, %.0f %% then, all on %s; %.1f %% now."><g aria-hidden="true"><rect class="track" width="%d" height="%d"/><polyline class="even" points="%.1f,0 %.1f,%d"/><polyline class="curve" points="0,%d %.1f,%d %.1f,%.1f %d,0"/></g></svg>`,
		chartWidth+4, chartHeight+4, dayOf(cliff), 100*at(cliff), dayOf(end), 100*now, chartWidth, chartHeight, x(p.ReadToMS), x(p.ReadToMS), chartHeight,
		chartHeight, x(cliff), chartHeight, x(cliff), chartHeight-at(cliff)*chartHeight, chartWidth)
}

// span writes a time in days, or in what else is whole.
func span(ms int64) string {
	switch d := time.Duration(ms) * time.Millisecond; {
	case d%(24*time.Hour) == 0:
		return ui.Plural(int(d/(24*time.Hour)), "day", "days")
	case d%time.Hour == 0:
		return ui.Plural(int(d/time.Hour), "hour", "hours")
	default:
		return ui.Plural(int(d/time.Second), "second", "seconds")
	}
}
