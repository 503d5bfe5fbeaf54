package rank

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"banyan/modules/reputation/trust"
)

// latestSecond is the year 5138: a larger number is milliseconds.
const latestSecond = 1e11

// parseWeight reads a decimal number; trust's bounds hold.
func parseWeight(cell []byte) (float64, error) {
	if !looksLikeNumber(cell) {
		return 0, fmt.Errorf("%q is not a finite decimal number", brief(cell))
	}
	w, err := strconv.ParseFloat(string(cell), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%q is not a finite decimal number", brief(cell))
	}
	// A number too small for a float64 comes as zero without an error, and
	// would silently say nothing.
	lost := w == 0 && bytes.ContainsAny(mantissa(cell), "123456789")
	if err != nil || lost || !trust.CheckWeight(w) {
		return 0, fmt.Errorf("%q is out of range: a weight is 0, or from %g to %g in size", brief(cell), trust.MinWeight, trust.MaxWeight)
	}
	return w, nil
}

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

// ParseTime reads seconds since 1970, with or without a fraction, or RFC 3339,
// and gives UTC milliseconds.
func ParseTime(text string) (int64, error) {
	if looksLikeNumber([]byte(text)) {
		seconds, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return 0, fmt.Errorf("%q is neither seconds since 1970 nor RFC 3339", brief([]byte(text)))
		case seconds < 0:
			return 0, fmt.Errorf("%q is before 1970", brief([]byte(text)))
		case seconds > latestSecond:
			return 0, fmt.Errorf("%q is too late: times are seconds since 1970, not milliseconds", brief([]byte(text)))
		}
		return int64(seconds*1000 + 0.5), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither seconds since 1970 nor RFC 3339, for example 1700000000 or 2023-11-14T22:13:20Z", brief([]byte(text)))
	}
	if at.UnixMilli() < 0 {
		return 0, fmt.Errorf("%q is before 1970", brief([]byte(text)))
	}
	return at.UnixMilli(), nil
}

// ParseHalfLife reads days (180d) or Go's duration (720h), over zero.
func ParseHalfLife(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a half-life: give days or hours over zero, for example 180d or 720h", brief([]byte(text)))
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

// brief keeps a message short whatever the cell holds.
func brief(cell []byte) string {
	const most = 40
	if len(cell) <= most {
		return string(cell)
	}
	return strings.ToValidUTF8(string(cell[:most]), "") + "…"
}
