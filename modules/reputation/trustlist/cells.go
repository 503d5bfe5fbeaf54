package trustlist

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/platform/table"
)

// latestSecond is the year 5138: a larger number is milliseconds.
const latestSecond = 1e11

// parseWeight reads a decimal number; trust's bounds hold.
func parseWeight(cell []byte) (float64, error) {
	if w, ok := shortDecimal(cell); ok && trust.CheckWeight(w) {
		return w, nil
	}
	if !looksLikeNumber(cell) {
		return 0, fmt.Errorf("%q is not a finite decimal number", table.Short(cell))
	}
	w, err := strconv.ParseFloat(string(cell), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%q is not a finite decimal number", table.Short(cell))
	}
	// A number too small for a float64 comes as zero without an error, and
	// would silently say nothing.
	lost := w == 0 && bytes.ContainsAny(mantissa(cell), "123456789")
	if err != nil || lost || !trust.CheckWeight(w) {
		return 0, fmt.Errorf("%q is out of range: a weight is 0, or from %g to %g in size; divide all by one number, as amounts in wei by 1e18, because only their ratios count",
			table.Short(cell), trust.MinWeight, trust.MaxWeight)
	}
	return w, nil
}

// shortDecimal reads digits, with a sign before and a point among them, whose
// number float64 holds exactly over a power of ten that it holds, too: then one
// division rounds as strconv.ParseFloat does, at a quarter of its time. Not ok
// says only that ParseFloat has to look.
func shortDecimal(cell []byte) (number float64, ok bool) {
	const most = 15 // digits of a whole number below 2^53
	negative := len(cell) > 0 && cell[0] == '-'
	if negative {
		cell = cell[1:]
	}
	if len(cell) == 0 || len(cell) > most+1 {
		return 0, false
	}
	digits, point := uint64(0), -1
	for i, c := range cell {
		switch {
		case c >= '0' && c <= '9':
			digits = digits*10 + uint64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, false
		}
	}
	number = float64(digits)
	switch {
	case point >= 0:
		number /= powersOfTen[len(cell)-1-point]
	case len(cell) > most:
		return 0, false
	}
	if negative {
		number = -number
	}
	return number, true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// mantissa is the number without its exponent.
func mantissa(cell []byte) []byte {
	if i := bytes.IndexAny(cell, "eE"); i >= 0 {
		return cell[:i]
	}
	return cell
}

// looksLikeNumber leaves out what ParseFloat takes beyond decimals: NaN, Inf,
// hexadecimal and underscores.
func looksLikeNumber(cell []byte) bool {
	digit := false
	for _, c := range cell {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E':
			return false
		}
	}
	return digit
}

// ParseTime reads seconds since 1970, with or without a fraction, RFC 3339, or
// a day such as 2023-11-14, which is its first moment in UTC, and returns UTC
// milliseconds.
func ParseTime(text string) (int64, error) { return parseTime([]byte(text)) }

func parseTime(cell []byte) (int64, error) {
	if seconds, ok := shortDecimal(cell); ok && seconds >= 0 && seconds <= latestSecond {
		return int64(seconds*1000 + 0.5), nil
	}
	text := string(cell)
	if day, err := time.Parse(time.DateOnly, text); err == nil && day.UnixMilli() >= 0 {
		return day.UnixMilli(), nil
	}
	if looksLikeNumber(cell) {
		seconds, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return 0, fmt.Errorf("%q is neither seconds since 1970 nor RFC 3339 nor a day", table.Short([]byte(text)))
		case seconds < 0:
			return 0, fmt.Errorf("%q is before 1970", table.Short([]byte(text)))
		case seconds > latestSecond:
			return 0, fmt.Errorf("%q is too late: times are seconds since 1970, not milliseconds", table.Short([]byte(text)))
		}
		return int64(seconds*1000 + 0.5), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither seconds since 1970 nor RFC 3339 nor a day, for example 1700000000, 2023-11-14T22:13:20Z or 2023-11-14", table.Short([]byte(text)))
	}
	if at.UnixMilli() < 0 {
		return 0, fmt.Errorf("%q is before 1970", table.Short([]byte(text)))
	}
	return at.UnixMilli(), nil
}

// ParseHalfLife reads days (180d) or Go's duration (720h), over zero.
func ParseHalfLife(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a half-life: give days or hours over zero, for example 180d or 720h", table.Short([]byte(text)))
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if !looksLikeNumber([]byte(number)) {
			return 0, wrong
		}
		days, err := strconv.ParseFloat(number, 64)
		// 292 years of nanoseconds fit.
		if err != nil || days > 100_000 || days*float64(24*time.Hour) < 1 {
			return 0, wrong
		}
		return time.Duration(days * float64(24*time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, wrong
	}
	return d, nil
}
