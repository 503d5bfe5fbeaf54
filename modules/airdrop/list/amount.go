package list

import (
	"bytes"
	"fmt"

	"github.com/holiman/uint256"
)

// powersOfTen holds 10^0 … 10^19: what multiplies a number before the digits
// that follow it are added.
var powersOfTen = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

const overUint256 = "is over 2^256-1, the most a token can count"

// parseAmount reads a decimal number and multiplies it by 10^decimals. Only
// digits, and one point if there are decimals: nothing that a spreadsheet or a
// locale writes is guessed at. problem says what is wrong; "" when nothing is.
func parseAmount(text []byte, decimals int, amount *uint256.Int) (problem string) {
	amount.Clear()
	whole, fraction, point := bytes.Cut(text, []byte{'.'})
	if problem := strangeDigits(text, whole, fraction, point); problem != "" {
		return problem
	}
	if point && decimals == 0 {
		return "has a decimal point: amounts are whole numbers of base units unless the token's decimals are given"
	}
	if over := len(fraction) - decimals; over > 0 {
		if len(bytes.TrimRight(fraction[decimals:], "0")) > 0 {
			return fmt.Sprintf("has %d decimals, and the token has %d: it is too precise", len(fraction), decimals)
		}
		fraction = fraction[:decimals]
	}
	if !addDigits(amount, whole) || !addDigits(amount, fraction) || !shift(amount, decimals-len(fraction)) {
		return overUint256
	}
	if amount.IsZero() {
		return "is zero: leave out wallets that get nothing"
	}
	return ""
}

// strangeDigits says why text is no plain number.
func strangeDigits(text, whole, fraction []byte, point bool) string {
	switch {
	case len(text) == 0:
		return "is missing"
	case text[0] == '-':
		return "is negative"
	case onlyDigits(whole) && onlyDigits(fraction) && (!point || len(whole) > 0 && len(fraction) > 0):
		return ""
	case bytes.HasPrefix(text, []byte("0x")) || bytes.HasPrefix(text, []byte("0X")):
		return "is written in hex: write it in decimal digits"
	case bytes.ContainsAny(text, "eE") && onlyDigits(bytes.Trim(text, "eE+-.0123456789")):
		return "is in scientific notation, which loses digits: write it out"
	case bytes.IndexByte(text, ',') >= 0:
		return "has a comma: write digits only, with a point before decimals"
	}
	return fmt.Sprintf("%q is no number: write digits only", shortened(text))
}

func onlyDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// addDigits appends decimal digits to the number; false over uint256.
func addDigits(amount *uint256.Int, digits []byte) bool {
	for len(digits) > 0 {
		n := min(len(digits), 19)
		var part uint64
		for _, c := range digits[:n] {
			part = part*10 + uint64(c-'0')
		}
		digits = digits[n:]
		if amount.IsUint64() && amount[0] == 0 {
			amount.SetUint64(part)
			continue
		}
		var times, add uint256.Int
		times.SetUint64(powersOfTen[n])
		add.SetUint64(part)
		if _, over := amount.MulOverflow(amount, &times); over {
			return false
		}
		if _, over := amount.AddOverflow(amount, &add); over {
			return false
		}
	}
	return true
}

// shift multiplies by 10^places; false over uint256.
func shift(amount *uint256.Int, places int) bool {
	for places > 0 && !amount.IsZero() {
		n := min(places, 19)
		var times uint256.Int
		times.SetUint64(powersOfTen[n])
		if _, over := amount.MulOverflow(amount, &times); over {
			return false
		}
		places -= n
	}
	return true
}

// shortened keeps a message short whatever the file holds.
func shortened(text []byte) string {
	if len(text) > 48 {
		return string(text[:45]) + "..."
	}
	return string(text)
}
