package rollout

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"sync"
	"time"

	"banyan/web/ui"
)

// history keeps the calls per second that the page has shown, for the little
// curve beside them. It grows only while somebody looks: a Prometheus has the
// whole history. At most historyModules × historyLength points.
type history struct {
	now func() time.Time // nil = time.Now

	mu      sync.Mutex
	modules map[string][]point
}

const (
	historyLength  = 90 // points, a second or more apart
	historyModules = 64
	historyWindow  = 90 * time.Second
)

type point struct {
	at                    time.Time
	here, there           float64 // calls per second
	hereCalls, thereCalls uint64  // since the start of the process; 0: not reported
}

// add notes the present figures of a module, at most once a second. From what
// was noted before it computes the calls of the last seconds, where the route
// reports only those of the last half minute: after a step people want to see at once
// that it has happened. It draws the chart, too.
func (t *history) add(v *moduleView) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now
	if t.now != nil {
		now = t.now
	}
	at := now()
	points, known := t.modules[v.Name]
	for _, p := range points { // the oldest that is young enough
		if age := at.Sub(p.at); age >= rateFrom && age <= rateWithin {
			v.Here.since(p.hereCalls, age)
			v.There.since(p.thereCalls, age)
			break
		}
	}
	last := point{at, v.Here.PerSecond, v.There.PerSecond, v.Here.Calls, v.There.Calls}
	if t.modules == nil {
		t.modules = map[string][]point{}
	}
	if !known && len(t.modules) >= historyModules {
		v.History = drawCalls([]point{last}, at)
		return
	}
	if len(points) == 0 || at.Sub(points[len(points)-1].at) >= rateFrom {
		points = append(points, last)
	}
	if len(points) > historyLength {
		points = append(points[:0:0], points[len(points)-historyLength:]...)
	}
	t.modules[v.Name] = points
	v.History = drawCalls(points, at)
}

const (
	rateFrom   = 900 * time.Millisecond
	rateWithin = 4 * time.Second
)

// since takes the rate from what was counted earlier. Counts that cannot be
// (another replica answered, or the process was started again) leave the half minute's.
func (s *sideView) since(calls uint64, ago time.Duration) {
	if calls == 0 || s.Calls < calls || float64(s.Calls-calls) > s.Window*1.05+10 {
		return
	}
	s.PerSecond = float64(s.Calls-calls) / ago.Seconds()
}

// drawCalls stacks what the remote answered on what this process did. The last
// point is of now.
func drawCalls(points []point, now time.Time) template.HTML {
	const width, height = 340.0, 64.0
	most := 1.0
	var recent []point
	for _, p := range points {
		if now.Sub(p.at) <= historyWindow {
			recent = append(recent, p)
			most = math.Max(most, p.here+p.there)
		}
	}
	// The curve fills the width as soon as there is a quarter of a minute of it.
	window := max(historyWindow/6, min(historyWindow, now.Sub(recent[0].at)))
	area := func(bottom, top func(point) float64) string {
		var path strings.Builder
		x := func(p point) float64 { return width * (1 - now.Sub(p.at).Seconds()/window.Seconds()) }
		y := func(v float64) float64 { return height - 4 - (height-10)*v/most }
		for i, p := range recent {
			letter := "L"
			if i == 0 {
				letter = "M"
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", letter, x(p), y(top(p)))
		}
		for i := len(recent) - 1; i >= 0; i-- {
			fmt.Fprintf(&path, "L%.1f %.1f", x(recent[i]), y(bottom(recent[i])))
		}
		return path.String() + "Z"
	}
	zero, here := func(point) float64 { return 0 }, func(p point) float64 { return p.here }
	both := func(p point) float64 { return p.here + p.there }
	shapes := ""
	if len(recent) > 1 {
		shapes = fmt.Sprintf(`<path class="calls-here" d="%s"/><path class="calls-there" d="%s"/>`, area(zero, here), area(here, both))
	}
	return ui.Markup(`<svg class="calls" viewBox="0 0 340 64" preserveAspectRatio="none" aria-hidden="true" focusable="false"><path class="axis" d="M0 60H340"/>%s</svg>`, shapes)
}

// Latencies draws p50 and p99 of both sides on one logarithmic scale from 1 µs
// to 10 s. The numbers stand beside it.
func (v moduleView) Latencies() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="latency" viewBox="0 0 340 92" aria-hidden="true" focusable="false">`)
	for i, mark := range []string{"1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"} {
		x := 16 + float64(i)*48
		fmt.Fprintf(&b, `<path class="grid-line" d="M%.0f 6V66"/>`, x)
		if i%2 == 1 {
			fmt.Fprintf(&b, `<text x="%.0f" y="86" text-anchor="middle">%s</text>`, x, mark)
		}
	}
	for i, side := range []sideView{v.Here, v.There} {
		y, class := 22+float64(i)*28, [2]string{"here", "there"}[i]
		if side.P99 <= 0 {
			continue
		}
		from, to := latencyX(side.P50), latencyX(side.P99)
		fmt.Fprintf(&b, `<g class="lat-%s"><path d="M%.1f %.0fH%.1f"/><circle cx="%.1f" cy="%.0f" r="6"/><path class="end" d="M%.1f %.0fv16"/></g>`, class, from, y, to, from, y, to, y-8)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and constants only
}

func latencyX(seconds float64) float64 {
	if seconds <= 0 {
		return 16
	}
	return 16 + 48*math.Max(0, math.Min(6.7, math.Log10(seconds/1e-6)))
}

// MatchBar draws how the comparisons went, with the smallest part still to be
// seen.
func (m matchView) Bar() template.HTML {
	if m.Compared == 0 {
		return ui.Markup(`<svg class="match-bar" viewBox="0 0 340 12" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="340" height="12"/></svg>`)
	}
	part := func(n uint64) float64 {
		if n == 0 {
			return 0
		}
		return math.Max(5, 340*float64(n)/float64(m.Compared))
	}
	persistent, transient := part(m.Persistent), part(m.Transient)
	good := math.Max(0, 340-persistent-transient)
	return ui.Markup(`<svg class="match-bar" viewBox="0 0 340 12" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="fill-leaf" width="%.1f" height="12"/><rect class="fill-amber" x="%.1f" width="%.1f" height="12"/><rect class="fill-bad" x="%.1f" width="%.1f" height="12"/></svg>`,
		good, good, transient, good+transient, persistent)
}

// Rate is what a side answers, as a number for people.
func (s sideView) Rate() string { return rate(s.PerSecond) }

// Errors is the share of its calls that failed.
func (s sideView) Errors() string { return ui.Share(s.Failures) }

// Rate of the module.
func (v moduleView) Rate() string {
	if !v.Known {
		return "–"
	}
	return rate(v.Total())
}

// P99 is that of the side that answers most.
func (v moduleView) P99() string {
	if v.Mode != "shadow" && v.There.PerSecond > v.Here.PerSecond {
		return ui.Took(v.There.P99)
	}
	return ui.Took(v.Here.P99)
}

// All, Local and Remote are the calls per second of all modules.
func (b banyan) All() string    { return rate(b.PerSecond) }
func (b banyan) Local() string  { return rate(b.Here) }
func (b banyan) Remote() string { return rate(b.Away) }
