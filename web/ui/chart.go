package ui

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"banyan/platform/wallet"
)

// Charts are SVG made here from numbers alone, so no text of anybody's reaches
// the markup. Colours are classes, because the Content-Security-Policy admits
// no style attributes and because they follow the theme.

const starPath = "M9 1.300l2.350 4.900 5.350.720-3.900 3.720.960 5.330L9 13.400l-4.760 2.570.960-5.330L1.300 6.920l5.350-.720z"

// stars draws a mean from 0 to 5. The inner svg clips the lit stars at the
// mean. The number always stands beside it, so it is hidden from readers.
func stars(mean float64) template.HTML {
	mean = math.Max(0, math.Min(5, mean))
	var row strings.Builder
	for i := range 5 {
		fmt.Fprintf(&row, `<path transform="translate(%d 0)" d="%s"/>`, i*18, starPath)
	}
	return Markup(`<svg class="stars" viewBox="0 0 90 18" aria-hidden="true" focusable="false"><g class="off">%s</g><svg width="%.1f" height="18" overflow="hidden"><g class="on">%s</g></svg></svg>`,
		row.String(), mean*18, row.String())
}

// meter draws a share from 0 to 1, or the size of one below 0, as a bar; the number stands beside it.
func meter(x float64, tone string) template.HTML {
	x = math.Max(0, math.Min(1, math.Abs(x)))
	fill := "fill-leaf"
	switch tone {
	case "amber":
		fill = "fill-amber"
	case "bark":
		fill = "fill-bark"
	}
	return Markup(`<svg class="meter" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="200" height="10"/><rect class="%s" width="%.1f" height="10"/></svg>`,
		fill, x*200)
}

// identicon draws three arcs for a wallet, whose tones, lengths and
// turns come from its bytes, so that people distinguish wallets at a glance. It
// does not prove anything: the address stands beside it.
func identicon(a wallet.Address, size string) template.HTML {
	class := "identicon"
	if size == "large" {
		class = "identicon large"
	}
	var arcs strings.Builder
	for i, radius := range []float64{4.5, 8.5, 12.5} {
		seed := a[i*6 : i*6+6]
		around := 2 * math.Pi * radius
		first := around * (0.18 + 0.3*float64(seed[1])/255)
		gap := around * (0.1 + 0.1*float64(seed[2])/255)
		second := around * (0.1 + 0.14*float64(seed[3])/255)
		fmt.Fprintf(&arcs, `<circle class="ring tone-%d" cx="16" cy="16" r="%.1f" stroke-dasharray="%.1f %.1f %.1f %.1f" transform="rotate(%d 16 16)"/>`,
			seed[0]%6, radius, first, gap, second, around-first-gap-second, int(seed[4])*360/256)
	}
	return Markup(`<svg class="%s" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><circle class="bed" cx="16" cy="16" r="16"/>%s</svg>`, class, arcs.String())
}

// Markup formats SVG of ours; its arguments are numbers and constants.
func Markup(format string, args ...any) template.HTML {
	return template.HTML(fmt.Sprintf(format, args...)) //nolint:gosec // see above
}
