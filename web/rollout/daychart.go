package rollout

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"banyan/platform/rollout"
	"banyan/web/ui"
)

// dayView is the last 24 hours of a module, for people.
type dayView struct {
	Chart   template.HTML
	SinceMS int64 // the first that is known of
	Whole   bool  // all 24 hours are
	Hours   []hourLine
	Steps   []auditLine // in these hours, newest first
}

// hourLine is an hour in the table that says what the drawing shows, newest first.
type hourLine struct {
	AtMS                  int64
	Calls                 uint64
	Remote, Errors, P99   string
	begin                 time.Time
	here, there, failures uint64
	p99                   float64
}

// dayOf draws the spans, with the steps that were made in them as marks.
func dayOf(title string, spans []span, steps []auditLine, now time.Time) dayView {
	if len(spans) == 0 {
		return dayView{}
	}
	v := dayView{SinceMS: spans[0].begin.UnixMilli(), Whole: now.Sub(spans[0].begin) > dayLength-2*spanLength, Hours: hoursOf(spans)}
	for _, s := range steps {
		if now.Sub(time.UnixMilli(s.AtMS)) <= dayLength {
			v.Steps = append(v.Steps, s)
		}
	}
	v.Chart = drawDay(title, spans, v.Steps, now)
	return v
}

func hoursOf(spans []span) []hourLine {
	var list []hourLine
	for i := len(spans) - 1; i >= 0; i-- {
		s := spans[i]
		hour := s.begin.UTC().Truncate(time.Hour)
		if len(list) == 0 || list[len(list)-1].begin != hour {
			list = append(list, hourLine{begin: hour, AtMS: hour.UnixMilli()})
		}
		h := &list[len(list)-1]
		h.here += s.here
		h.there += s.there
		h.failures += s.failures
		h.p99 = max(h.p99, s.p99)
	}
	for i := range list {
		h := &list[i]
		h.Calls = h.here + h.there
		h.Remote = ui.Share(ui.Ratio(float64(h.there), float64(h.Calls)))
		h.Errors = ui.Share(ui.Ratio(float64(h.failures), float64(h.Calls)))
		h.P99 = ui.Took(h.p99)
	}
	return list
}

const (
	dayWidth = 720.0
	dayLeft  = 92.0 // of the drawing begin the curves, right of what they are
)

// dayBand is one of the three curves, from top to bottom.
type dayBand struct {
	label, most string
	top         float64
}

const bandHeight = 40.0

// drawDay draws calls, p99 and errors over the last 24 hours, one below the other.
func drawDay(title string, spans []span, steps []auditLine, now time.Time) template.HTML {
	var most struct{ rate, p99, errors float64 }
	var calls, failures uint64
	for _, s := range spans {
		most.rate = math.Max(most.rate, s.rate())
		most.p99 = math.Max(most.p99, s.p99)
		most.errors = math.Max(most.errors, s.errors())
		calls += s.here + s.there
		failures += s.failures
	}
	x := func(at time.Time) float64 {
		return dayLeft + (dayWidth-dayLeft)*math.Max(0, 1-now.Sub(at).Seconds()/dayLength.Seconds())
	}
	var b strings.Builder
	words := fmt.Sprintf("%s in the last 24 hours: %s calls, at most %s; p99 at most %s; %s of the calls failed, at most %s in ten minutes; %s. The table below has the hours.",
		title, ui.Number(calls), rateWords(most.rate), ui.Took(most.p99), ui.Share(ui.Ratio(float64(failures), float64(calls))), ui.Share(most.errors), ui.Plural(len(steps), "step", "steps"))
	fmt.Fprintf(&b, `<svg class="day" viewBox="0 0 720 186" role="img" aria-label="%s">`, template.HTMLEscapeString(words))
	bands := []dayBand{{"Calls/s", rate(most.rate), 8}, {"p99", ui.Took(most.p99), 60}, {"Errors", ui.Share(most.errors), 112}}
	for _, d := range bands {
		fmt.Fprintf(&b, `<text x="0" y="%.0f" class="what">%s</text><text x="0" y="%.0f">to %s</text><path class="axis" d="M%.0f %.0fH720"/>`,
			d.top+14, d.label, d.top+31, d.most, dayLeft, d.top+bandHeight)
	}
	for i, s := range spans {
		from, to := x(s.begin), x(now)
		if i+1 < len(spans) {
			to = x(spans[i+1].begin)
		}
		to = math.Min(to, x(s.begin.Add(spanLength))) // what nobody looked at stays empty
		bar(&b, "calls-here", from, to, bands[0].top+bandHeight, bandHeight*ui.Ratio(float64(s.here)/s.length(), most.rate))
		bar(&b, "calls-there", from, to, bands[0].top+bandHeight*(1-ui.Ratio(float64(s.here)/s.length(), most.rate)), bandHeight*ui.Ratio(float64(s.there)/s.length(), most.rate))
		bar(&b, "took", from, to, bands[1].top+bandHeight, bandHeight*ui.Ratio(s.p99, most.p99))
		bar(&b, "failed", from, to, bands[2].top+bandHeight, bandHeight*ui.Ratio(s.errors(), most.errors))
	}
	for _, s := range steps {
		class := "step"
		if s.Automatic {
			class = "step automatic"
		}
		fmt.Fprintf(&b, `<path class="%s" d="M%.1f 6V156"/>`, class, x(time.UnixMilli(s.AtMS)))
	}
	for hours := 24; hours >= 0; hours -= 6 {
		at := now.Add(-time.Duration(hours) * time.Hour).UTC()
		anchor := "middle"
		switch hours {
		case 24:
			anchor = "start"
		case 0:
			anchor = "end"
		}
		fmt.Fprintf(&b, `<text x="%.0f" y="178" text-anchor="%s">%s</text>`, x(at), anchor, at.Format("15:04"))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and constants; the words are escaped
}

// bar is a part of a curve, with at least a pixel of what is not zero.
func bar(b *strings.Builder, class string, from, to, bottom, height float64) {
	if height <= 0 || to <= from {
		return
	}
	height = math.Max(1.5, height)
	fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, from, bottom-height, math.Max(1, to-from), height)
}

func (s span) length() float64 { return math.Max(1, s.seconds) }
func (s span) rate() float64   { return float64(s.here+s.there) / s.length() }
func (s span) errors() float64 {
	return ui.Ratio(float64(s.failures), float64(s.here+s.there))
}

// stepsOf are the audit's lines of one module.
func stepsOf(view moduleView, entries []rollout.Entry) []auditLine {
	list := make([]auditLine, len(entries))
	for i, e := range entries {
		list[i] = auditOf(view, e)
	}
	return list
}
