package rules

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/holiman/uint256"
)

// maxUint256 is the largest amount that there is.
var maxUint256 = new(uint256.Int).SetAllOne()

var (
	errNotNumber = errors.New("is not a number: write digits, and a point before decimals")
	errTooLarge  = errors.New("is larger than 2^256-1 of its smallest unit")
)

// units reads a number in units of 10^-decimals. A number that has more decimals is
// cut, or refused.
func units(text string, decimals int, cut bool) (u uint256.Int, err error) {
	mantissa, exponent, err := exponentOf(text)
	if err != nil {
		return u, err
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return u, errNotNumber
	}
	shift := decimals + exponent - len(fraction) // digits × 10^shift
	digits = strings.TrimLeft(digits, "0")
	for shift < 0 && strings.HasSuffix(digits, "0") {
		digits, shift = digits[:len(digits)-1], shift+1
	}
	switch {
	case digits == "":
		return u, nil
	case shift < 0 && !cut:
		if decimals == 0 {
			return u, errors.New("is not whole, and there are no decimals here")
		}
		return u, fmt.Errorf("has more than %d decimals", decimals)
	case shift < 0:
		digits = digits[:max(0, len(digits)+shift)]
	case len(digits)+shift > 78:
		return u, errTooLarge
	default:
		digits += strings.Repeat("0", shift)
	}
	if digits == "" {
		return u, nil
	}
	if len(digits) > 78 || u.SetFromDecimal(digits) != nil {
		return u, errTooLarge
	}
	return u, nil
}

// exponentOf takes a number like 1.5e-7 apart. Spreadsheets and scripts write such;
// one that is far out of any range is refused as too large, not computed.
func exponentOf(text string) (mantissa string, exponent int, err error) {
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, nil
	}
	digits, negative := strings.TrimPrefix(text[at+1:], "+"), false
	if strings.HasPrefix(digits, "-") {
		digits, negative = digits[1:], true
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", 0, errNotNumber
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > 3 {
		if negative {
			return "", 0, errNotNumber
		}
		return "", 0, errTooLarge
	}
	for _, d := range digits {
		exponent = 10*exponent + int(d-'0')
	}
	if negative {
		exponent = -exponent
	}
	return text[:at], exponent, nil
}

// written is the text of a number in units of 10^-decimals.
func written(u *big.Int, decimals int) string {
	text := u.String()
	if decimals == 0 {
		return text
	}
	if len(text) <= decimals {
		text = strings.Repeat("0", decimals+1-len(text)) + text
	}
	whole, fraction := text[:len(text)-decimals], strings.TrimRight(text[len(text)-decimals:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

// tenTo returns 10^n.
func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
