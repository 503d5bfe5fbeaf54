package ui

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holiman/uint256"
	xlanguage "golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"banyan/web/language"
)

// functions are what all templates call; a folder of templates adds its own, see
// Site.Add.
func (s *Site) functions(l language.Language) template.FuncMap {
	return template.FuncMap{
		"asset":    func(name string) (string, error) { return s.assetLink(l, name) },
		"at":       s.link,
		"root":     func(parts ...any) string { return s.fromRoot(joined(parts)) },
		"path":     s.path,
		"num":      Number[int],
		"num64":    Number[int64],
		"count":    Number[uint64],
		"share":    Share,
		"percent":  percent,
		"fixed":    func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) },
		"units":    Units,
		"when":     func(ms int64) template.HTML { return when(l, ms) },
		"day":      func(ms int64) template.HTML { return day(l, ms) },
		"host":     websiteHost,
		"country":  func(code string) string { return country(l, code) },
		"title":    slugName,
		"took":     Took,
		"size":     size,
		"plural":   func(n int, one, many string) string { return pluralIn(l, n, one, many) },
		"t":        func(text any) any { return translated(l, text) },
		"foreign":  func(text string) bool { return isForeign(l, text) },
		"add":      func(a, b int) int { return a + b },
		"float":    func(n int) float64 { return float64(n) },
		"share5":   func(mean float64) float64 { return mean / 5 },
		"ratio":    Ratio,
		"sentence": Sentence,
		"words":    Sentence, // of what people wrote
		"points":   signedPoints,
		"agent":    func(agent string) string { return agentIn(l, agent) },

		"stars":     stars,
		"identicon": identicon,
		"meter":     meter,
	}
}

// Number writes 1234567 as 1,234,567.
func Number[N int | int64 | uint64](n N) string { return grouped(fmt.Sprint(n)) }

func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Share writes a part of a whole with three digits that count: 12.3 %.
func Share(x float64) string {
	p := x * 100
	switch {
	case x <= 0:
		return "0 %"
	case p < 0.00001:
		return "< 0.00001 %"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(p))))
	return strconv.FormatFloat(p, 'f', digits, 64) + " %"
}

// percent writes a share for which rounding up to 100 would be wrong.
func percent(x float64) string {
	p := math.Floor(x*1000) / 10
	return strconv.FormatFloat(p, 'f', -1, 64) + " %"
}

// Units writes an amount of base units in units of its token, exactly.
func Units(amount uint256.Int, decimals int) string {
	digits := amount.Dec()
	if decimals <= 0 {
		return grouped(digits)
	}
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, rest := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if rest != "" {
		rest = "." + rest
	}
	return grouped(whole) + rest
}

func when(l language.Language, ms int64) template.HTML {
	return timeElement(l, ms, "2 Jan 2006, 15:04 UTC")
}

func day(l language.Language, ms int64) template.HTML { return timeElement(l, ms, "2 Jan 2006") }

func timeElement(l language.Language, ms int64, layout string) template.HTML {
	t := time.UnixMilli(ms).UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + l.Date(t, layout) + `</time>`) //nolint:gosec // digits and names of months only
}

// websiteHost is what people read of a website's address.
func websiteHost(website string) string {
	u, err := url.Parse(website)
	if err != nil || u.Host == "" {
		return website
	}
	return strings.TrimPrefix(u.Host, "www.")
}

func country(l language.Language, code string) string {
	region, err := xlanguage.ParseRegion(code)
	if err != nil {
		return code
	}
	if name := display.Regions(xlanguage.Make(string(l))).Name(region); name != "" {
		return name
	}
	return code
}

// slugName writes bnb-chain as Bnb Chain, for chains and for exchanges of which
// only the slug is at hand; of up to three letters it makes an abbreviation.
func slugName(slug string) string {
	if len(slug) <= 3 {
		return strings.ToUpper(slug)
	}
	words := strings.Split(slug, "-")
	for i, word := range words {
		words[i] = Sentence(word)
	}
	return strings.Join(words, " ")
}

// Sentence begins with a capital letter: messages of faults do not, because
// they also stand behind others.
func Sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// Took writes seconds as people say them.
func Took(seconds float64) string {
	switch {
	case seconds <= 0:
		return "–"
	case seconds < 1e-6:
		return fmt.Sprintf("%.0f ns", seconds*1e9)
	case seconds < 1e-3:
		return fmt.Sprintf("%.3g µs", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	case seconds < 600:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds < 36_000:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return grouped(fmt.Sprintf("%.0f", seconds/3600)) + " h"
}

// size writes bytes as people say them, in powers of 1024.
func size(bytes int64) string {
	const kib = 1 << 10
	switch {
	case bytes < kib:
		return Number(bytes) + " B"
	case bytes < kib*kib:
		return fmt.Sprintf("%.3g KiB", float64(bytes)/kib)
	case bytes < kib*kib*kib:
		return fmt.Sprintf("%.4g MiB", float64(bytes)/(kib*kib))
	}
	return fmt.Sprintf("%.4g GiB", float64(bytes)/(kib*kib*kib))
}

func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// signedPoints writes a part of a score, 1 being 1000 points, with its sign.
func signedPoints(part float64) string {
	text := strconv.FormatFloat(math.Abs(part)*1000, 'f', 1, 64)
	switch {
	case text == "0.0":
		return "0"
	case part < 0:
		return "−" + text
	}
	return "+" + text
}

// Ratio is a part of a whole, 0 when there is no whole.
func Ratio(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}

// agentName makes "Firefox on Linux" of a User-Agent header, for people who
// look through their sessions. The order matters: browsers name each other.
func agentName(agent string) string {
	first := func(names ...string) string {
		for i := 0; i < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := first("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Chromium/", "Chromium", "Safari/", "Safari", "curl/", "curl")
	system := first("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS X", "macOS", "Linux", "Linux")
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	}
	return "An unknown browser"
}
