package rollout

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"banyan/web/ui"
)

// banyan is the picture of all modules: one trunk, and a root per module that
// hangs from its branch (local), is dotted to the ground (shadow), reaches it
// thinly (canary) or has become a trunk of its own (remote). The fruit is drawn
// where writes are owned. What the picture shows stands as text below it, too.
type banyan struct {
	Words     []string // what the picture shows
	Wide      template.HTML
	Narrow    template.HTML
	PerSecond float64 // all modules
	Here      float64 // of these, answered in this process
	Away      float64
}

func banyanOf(modules []moduleView) banyan {
	var b banyan
	b.Words = []string{"A drawing of a banyan tree with one trunk and " + ui.Plural(len(modules), "root", "roots") + ", one for each module."}
	for _, m := range modules {
		b.PerSecond += m.Total()
		b.Here += m.Here.PerSecond
		b.Away += m.Total() - m.Here.PerSecond
		b.Words = append(b.Words, rootWords(m))
	}
	b.Wide = drawing{width: 1120, height: 412, ground: 364, crown: 132}.of(modules, "wide")
	b.Narrow = drawing{width: 360, height: 304, ground: 262, crown: 90}.of(modules, "narrow")
	return b
}

func rootWords(m moduleView) string {
	does := map[string]string{
		"local":  "this process answers",
		"shadow": "this process answers, and the remote's answers are compared with its own",
		"canary": "the remote answers some callers",
		"remote": "the remote answers",
	}[m.Mode]
	calls := "calls not known"
	if m.Known {
		calls = rateWords(m.Total())
	}
	return m.Title + ", " + m.Place() + ": " + does + "; " + calls + "; the owner of the writes is " + m.Owner.Name + "."
}

// rateWords reads "812 calls a second".
func rateWords(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "no calls"
	case perSecond < 10:
		return fmt.Sprintf("%.1f calls a second", perSecond)
	}
	return ui.Number(int64(math.Round(perSecond))) + " calls a second"
}

// rate is the bare number of it.
func rate(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "0"
	case perSecond < 10:
		return fmt.Sprintf("%.1f", perSecond)
	}
	return ui.Number(int64(math.Round(perSecond)))
}

// drawing is the tree on a canvas. The trunk has the first column, each module
// one of the same width, so that words in a grid stand below their roots.
type drawing struct {
	width, height, ground, crown float64
}

func (d drawing) of(modules []moduleView, class string) template.HTML {
	var back, wood, live strings.Builder
	column := d.width / float64(len(modules)+1)
	trunk := column / 2
	scale := math.Min(1, column/200)
	d.soil(&back)
	d.leaves(&back, column)
	d.trunk(&wood, trunk, d.width-column*0.22, scale)
	for i, m := range modules {
		x := column * (float64(i) + 1.5)
		fmt.Fprintf(&live, `<g class="root %s" data-live="root-%s-%d">`, m.Mode, class, i)
		root{d, x, d.branch(x), scale}.draw(&live, m)
		d.calls(&live, m, x, trunk, float64(i)-float64(len(modules)-1)/2, scale)
		live.WriteString(`</g>`)
	}
	return ui.Markup(`<svg class="banyan %s" viewBox="0 0 %.0f %.0f" aria-hidden="true" focusable="false">%s%s%s</svg>`,
		class, d.width, d.height, back.String(), wood.String(), live.String())
}

// branch is the height of the branch at x.
func (d drawing) branch(x float64) float64 {
	return d.crown + 20 + 9*math.Sin(x/d.width*7.5) - 12*x/d.width
}

func (d drawing) soil(b *strings.Builder) {
	fmt.Fprintf(b, `<path class="earth" d="M0 %.0f`, d.ground+3)
	step := d.width / 16
	for i := range 16 {
		x, y := float64(i+1)*step, d.ground+3+3*math.Sin(float64(i)*1.7)
		fmt.Fprintf(b, "Q%.0f %.1f %.0f %.1f", x-step/2, y-3+6*math.Mod(float64(i), 2), x, y)
	}
	fmt.Fprintf(b, `V%.0fH0Z"/>`, d.height)
}

// leaves are the crown: three layers of tufts, the lighter the nearer. The
// golden ratio strews them, so that they are the same every time.
func (d drawing) leaves(b *strings.Builder, column float64) {
	const golden = 0.6180339887
	for layer, l := range []struct{ every, wide, tall, low, spread float64 }{
		{0.2, 0.34, 0.3, 0.6, 0.62}, {0.27, 0.2, 0.17, 0.5, 0.66}, {0.43, 0.11, 0.085, 0.46, 0.6},
	} {
		fmt.Fprintf(b, `<g class="crown-%d">`, layer+1)
		for i := range int(d.width/(column*l.every)) + 2 {
			_, first := math.Modf(float64(i+1) * golden)
			_, second := math.Modf(float64(i+4) * golden * golden * 3.7)
			x := (float64(i) - 0.3 + first*0.6) * column * l.every
			edge := 1 - math.Pow(math.Abs(2*x/d.width-1), 2.5)*0.22 // the crown is highest in its middle
			y := d.crown * (l.low + (second-0.5)*l.spread + (1-edge)*0.9)
			fmt.Fprintf(b, `<ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/>`, x, y, column*l.wide*(0.8+first*0.45), d.crown*l.tall*(0.85+second*0.5))
		}
		b.WriteString(`</g>`)
	}
}

// limb is a bough from the wood into the crown, with a tuft at its end.
func (d drawing) limb(b *strings.Builder, x, y, dx, dy, wide float64) {
	fmt.Fprintf(b, `<path class="bough" d="M%.0f %.0fQ%.0f %.0f %.0f %.0f" stroke-width="%.1f"/>`, x, y, x+dx*0.35, y-dy*0.55, x+dx, y-dy, wide)
	fmt.Fprintf(b, `<path class="bough" d="M%.0f %.0fq%.0f %.0f %.0f %.0f" stroke-width="%.1f"/>`, x+dx*0.62, y-dy*0.68, dx*0.05, -dy*0.25, -dx*0.2, -dy*0.42, wide*0.55)
}

func (d drawing) tuft(b *strings.Builder, x, y, wide float64) {
	fmt.Fprintf(b, `<g class="crown-2"><ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/><ellipse cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/></g><ellipse class="crown-3" cx="%.0f" cy="%.0f" rx="%.0f" ry="%.0f"/>`,
		x-wide*0.3, y, wide, wide*0.44, x+wide*0.5, y-wide*0.2, wide*0.8, wide*0.38, x+wide*0.1, y-wide*0.22, wide*0.5, wide*0.2)
}

// trunk stands in the first column and lets its branch out over the others.
func (d drawing) trunk(b *strings.Builder, x, end, scale float64) {
	top, g, s := d.branch(x), d.ground, scale
	fmt.Fprintf(b, `<path class="wood" d="%s"/>`, d.tapered(x, end, 10*math.Max(s, 0.6), 2))
	for i, at := range []float64{0.2, 0.42, 0.58, 0.78, 0.93} { // boughs into the crown
		from := x + (end-x)*at
		lean := []float64{42, 36, -38, 44, -30}[i] * s
		d.limb(b, from, d.branch(from), lean, d.crown*0.5, (8-5*at)*math.Max(s, 0.6))
		d.tuft(b, from+lean, d.branch(from)-d.crown*0.52, (34-12*at)*s)
	}
	d.limb(b, x-8*s, top+14, -52*s, d.crown*0.52, 13*s)
	d.limb(b, x, top+8, 6*s, d.crown*0.68, 15*s)
	d.limb(b, x+10*s, top+10, 52*s, d.crown*0.56, 11*s)
	fmt.Fprintf(b, `<path class="wood" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fQ%.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fQ%.0f %.0f %.0f %.0fZ"/>`,
		x-60*s, g+6, x-27*s, g-26, x-19*s, top+110, x-21*s, top+6,
		x+1*s, top-20*s, x+26*s, top-4,
		x+19*s, top+110, x+28*s, g-26, x+64*s, g+6,
		x, g-10, x-60*s, g+6)
	for _, off := range []float64{-11, -2, 9} {
		fmt.Fprintf(b, `<path class="grain" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f"/>`, x+off*s, top+26, x+off*0.7*s, top+90, x+off*1.1*s, g-60, x+off*2.3*s, g-8)
	}
	d.tuft(b, x-50*s, top-d.crown*0.44, 40*s)
	d.tuft(b, x+48*s, top-d.crown*0.52, 36*s)
	d.tuft(b, x+4*s, top-d.crown*0.66, 46*s)
}

// along follows the branch from one x to another.
func (d drawing) along(from, to, off float64) string {
	var path strings.Builder
	steps := max(2, int(math.Abs(to-from)/40))
	for i := range steps + 1 {
		x := from + (to-from)*float64(i)/float64(steps)
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%.0f %.1f", letter, x, d.branch(x)+off)
	}
	return path.String()
}

// tapered is the outline of the branch, from half its width at one end to that
// at the other.
func (d drawing) tapered(from, to, half, halfEnd float64) string {
	var over, under strings.Builder
	const steps = 28
	for i := range steps + 1 {
		part := float64(i) / steps
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		x := from + (to-from)*part
		fmt.Fprintf(&over, "%s%.0f %.1f", letter, x, d.branch(x)-half-(halfEnd-half)*part)
		back := to - (to-from)*part
		fmt.Fprintf(&under, "L%.0f %.1f", back, d.branch(back)+halfEnd+(half-halfEnd)*part)
	}
	return over.String() + under.String() + "Z"
}

// calls move along the wood: to the trunk what this process answers, down the
// root what the remote does. More calls move faster.
func (d drawing) calls(b *strings.Builder, m moduleView, x, trunk, lane, scale float64) {
	if quick := pace(m.Here.PerSecond); quick > 0 {
		fmt.Fprintf(b, `<path class="flow pace-%d" d="%sL%.0f %.0f"/>`, quick, d.along(x, trunk+lane*9*scale, lane*3.5*scale), trunk+lane*9*scale, d.ground-14)
	}
	quick := pace(m.There.PerSecond)
	if quick == 0 || m.Mode == "local" {
		return
	}
	class := "flow"
	if m.Mode == "shadow" {
		class = "flow mirrored"
	}
	fmt.Fprintf(b, `<path class="%s pace-%d" d="M%.0f %.0fV%.0f"/>`, class, quick, x, d.branch(x)+6, d.ground+6)
}

// pace is 0 without calls, and 1 to 5 by powers of ten.
func pace(perSecond float64) int {
	if perSecond <= 0 {
		return 0
	}
	return max(1, min(5, 1+int(math.Floor(math.Log10(perSecond)+1))))
}

// root is one module's.
type root struct {
	drawing
	x, top, scale float64
}

func (r root) draw(b *strings.Builder, m moduleView) {
	long := r.ground - r.top
	strand := func(off, part, width float64, tip bool) {
		x, end := r.x+off*r.scale, r.top+long*part
		fmt.Fprintf(b, `<path class="aerial" d="M%.0f %.0fQ%.0f %.0f %.0f %.0f" stroke-width="%.1f"/>`, x, r.branch(x), x+5*r.scale, r.top+long*part/2, x, end, width)
		if tip {
			fmt.Fprintf(b, `<circle class="tip" cx="%.0f" cy="%.0f" r="%.1f"/>`, x, end+3, 2.2+width*0.5)
		}
	}
	strand(-38, 0.3, 1.6, false)
	strand(-20, 0.5, 1.8, true)
	strand(22, 0.42, 1.8, true)
	strand(40, 0.26, 1.6, false)
	switch m.Mode {
	case "remote":
		r.pillar(b)
	case "canary":
		r.touching(b, m.Percent)
	case "shadow":
		strand(0, 0.6, 5*math.Max(r.scale, 0.7), true)
		fmt.Fprintf(b, `<path class="ghost" d="M%.0f %.0fV%.0f"/><ellipse class="ghost-foot" cx="%.0f" cy="%.0f" rx="%.0f" ry="5"/>`,
			r.x, r.top+long*0.6+14, r.ground-4, r.x, r.ground+3, 24*r.scale)
	default:
		strand(0, 0.66, 5*math.Max(r.scale, 0.7), true)
		strand(-8, 0.48, 2, false)
		strand(9, 0.56, 2, false)
	}
	if m.Mode != "local" {
		r.nodules(b, m.Endpoints)
	}
	r.fig(b, m.Owner.Away)
}

// pillar is a root that has become a trunk.
func (r root) pillar(b *strings.Builder) {
	x, t, g, s := r.x, r.top, r.ground, r.scale
	r.limb(b, x-3*s, t+10, -34*s, r.crown*0.42, 9*s)
	r.limb(b, x+3*s, t+10, 38*s, r.crown*0.46, 9*s)
	fmt.Fprintf(b, `<path class="wood" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fQ%.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fQ%.0f %.0f %.0f %.0fZ"/>`,
		x-44*s, g+6, x-18*s, g-24, x-12*s, t+90, x-15*s, t+4, x, t-14*s, x+15*s, t+4, x+12*s, t+90, x+18*s, g-24, x+44*s, g+6, x, g-8, x-44*s, g+6)
	r.tuft(b, x-34*s, t-r.crown*0.4, 34*s)
	r.tuft(b, x+36*s, t-r.crown*0.44, 36*s)
	for _, off := range []float64{-5, 6} {
		fmt.Fprintf(b, `<path class="grain" d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f"/>`, x+off*s, t+16, x+off*0.7*s, t+80, x+off*s, g-50, x+off*2.6*s, g-8)
	}
	r.toes(b, 5)
}

// touching is a root that has reached the ground: the more callers it answers,
// the thicker it is.
func (r root) touching(b *strings.Builder, percent float64) {
	half := (3.5 + math.Min(100, math.Max(0, percent))*0.075) * math.Max(r.scale, 0.75)
	x, t, g := r.x, r.top, r.ground
	fmt.Fprintf(b, `<path class="wood" d="M%.1f %.0fC%.1f %.0f %.1f %.0f %.1f %.0fH%.1fC%.1f %.0f %.1f %.0f %.1f %.0fZ"/>`,
		x-half*1.2, t, x-half*0.8, t+80, x-half*0.8, g-60, x-half*1.9, g+5, x+half*1.9, x+half*0.8, g-60, x+half*0.8, t+80, x+half*1.2, t-2)
	r.toes(b, 3)
}

// toes are the fine roots in the ground.
func (r root) toes(b *strings.Builder, n int) {
	for i := range n {
		lean := (float64(i) - float64(n-1)/2) * 17 * r.scale
		fmt.Fprintf(b, `<path class="toe" d="M%.0f %.0fQ%.0f %.0f %.0f %.0f"/>`, r.x+lean*0.5, r.ground+2, r.x+lean*0.8, r.ground+16, r.x+lean*1.7, r.ground+26-math.Abs(lean)*0.12)
	}
}

// nodules are the endpoints of the remote: a ring with a bar where the breaker
// keeps calls away.
func (r root) nodules(b *strings.Builder, endpoints []endpointFigure) {
	shown := endpoints[:min(len(endpoints), 6)]
	for i, e := range shown {
		x, y := r.x+(float64(i)-float64(len(shown)-1)/2)*22*math.Max(r.scale, 0.75), r.ground+31
		if e.Healthy() {
			fmt.Fprintf(b, `<circle class="nodule" cx="%.0f" cy="%.0f" r="6"/>`, x, y)
			continue
		}
		fmt.Fprintf(b, `<g class="nodule-out"><circle cx="%.0f" cy="%.0f" r="6"/><path d="M%.0f %.0fl8 -8"/></g>`, x, y, x-4, y+4)
	}
}

// fig marks the owner of the writes: in the crown this process, at the foot of
// the root the remote.
func (r root) fig(b *strings.Builder, away bool) {
	s := math.Max(r.scale, 0.72)
	x, y := r.x+58*r.scale, r.branch(r.x+58*r.scale)+26*s
	if away {
		x, y = r.x+62*r.scale, r.ground-13*s
	}
	fmt.Fprintf(b, `<g class="fig" transform="translate(%.0f %.0f) scale(%.2f)"><path class="stem" d="M0 -9C0 -14 1 -19 3 -23"/><path class="fruit" d="M0 -11C6 -9 10 -3 10 3A10 9 0 0 1 -10 3C-10 -3 -6 -9 0 -11Z"/><path class="shine" d="M-5 2C-5 -2 -3 -4 -1 -6"/><path class="leaflet" d="M3 -21C9 -27 16 -26 19 -22C14 -17 8 -17 3 -21Z"/></g>`, x, y, s)
}
