package list

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/holiman/uint256"

	"banyan/platform/table"
)

// powersOfTen holds 10^0 … 10^19: what multiplies a number before the digits
// that follow it are added.
var powersOfTen = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

const overUint256 = "is over 2^256-1, the most a token can count"

// isZero is the problem of an amount of nothing.
const isZero = "is zero: leave out wallets that get nothing, or choose to skip them"

// parseAmount reads a number of tokens or base units that is not zero.
func (r *cellReader) parseAmount(text []byte, amount *uint256.Int) (problem string) {
	if problem := r.parseNumber(text, r.decimals, amount); problem != "" {
		return problem
	}
	if amount.IsZero() {
		return isZero
	}
	return ""
}

// parseNumber reads a decimal number, in the list's spelling, and multiplies it
// by 10^decimals: nothing that the list does not make certain is guessed at.
// problem says what is wrong; "" when nothing is.
func (r *cellReader) parseNumber(text []byte, decimals int, number *uint256.Int) (problem string) {
	number.Clear()
	if r.spelling != plainSpelling {
		plain, ok := r.spelling.plain(text)
		if !ok {
			return strangeDigits(text)
		}
		text = plain
	}
	if len(text) > 1 && text[0] == '+' {
		text = text[1:]
	}
	end := 0
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	whole, fraction, point := text[:end], text[end:], end < len(text)
	if point {
		fraction = fraction[1:]
		if text[end] != '.' || !onlyDigits(fraction) {
			return strangeDigits(text)
		}
	}
	if len(whole)+len(fraction) == 0 {
		return strangeDigits(text)
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
	if !addDigits(number, whole) || !addDigits(number, fraction) || !shift(number, decimals-len(fraction)) {
		return overUint256
	}
	return ""
}

// parseHex reads 0x and the digits of a whole number of base units, as programs
// write amounts in JSON.
func parseHex(text []byte, decimals int, number *uint256.Int) (problem string) {
	digits := bytes.TrimLeft(text[len("0x"):], "0")
	switch {
	case len(text) == addressLength:
		return "has the length of an address: choose the column of amounts"
	case len(text) == len("0x") || !onlyHex(digits):
		return fmt.Sprintf("%q is no number", table.Short(text))
	case decimals != 0:
		return "is written in hex, which is in base units, and amounts are read in tokens: leave the decimals out"
	case len(digits) > 64:
		return overUint256
	}
	number.Clear()
	for _, c := range digits {
		value := c & 0x0f
		if c > '9' {
			value += 9
		}
		number.Lsh(number, 4)
		number.AddUint64(number, uint64(value))
	}
	return ""
}

// strangeDigits says why text is no number.
func strangeDigits(text []byte) string {
	switch {
	case len(text) == 0:
		return "is missing"
	case text[0] == '-':
		return "is negative"
	case bytes.HasPrefix(text, []byte("0x")) || bytes.HasPrefix(text, []byte("0X")):
		return "is written in hex: write it in decimal digits"
	case bytes.ContainsAny(text, "eE") && onlyDigits(bytes.Trim(text, "eE+-.,0123456789")) && isDigit(text[0]):
		return "is in scientific notation, which loses digits: write it out"
	case !madeOfNumbers(text) && bytes.ContainsAny(text, "0123456789"):
		return fmt.Sprintf("%q is no number: write digits only, without signs, units and the token's name", table.Short(text))
	}
	return doubt(text)
}

func onlyDigits(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// addDigits appends decimal digits to the number; false over uint256.
func addDigits(amount *uint256.Int, digits []byte) bool {
	for len(digits) > 0 {
		n := min(len(digits), 19)
		part := number(digits[:n])
		digits = digits[n:]
		if !timesPlus(amount, powersOfTen[n], part) {
			return false
		}
	}
	return true
}

// timesPlus makes the number times as large and adds to it; false over uint256.
func timesPlus(amount *uint256.Int, times, add uint64) bool {
	for i, word := range amount { // the lowest one first
		high, low := bits.Mul64(word, times)
		low, carry := bits.Add64(low, add, 0)
		amount[i], add = low, high+carry
	}
	return add == 0
}

// number reads up to 19 decimal digits, eight at a time: pairs are added up to
// numbers of two digits, these to four, these to eight.
func number(digits []byte) (n uint64) {
	for ; len(digits) >= 8; digits = digits[8:] {
		eight := binary.LittleEndian.Uint64(digits) & 0x0f0f0f0f0f0f0f0f
		eight = eight * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
		eight = eight * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
		eight = eight * (10_000<<32 + 1) >> 32
		n = n*1e8 + eight
	}
	for _, c := range digits {
		n = n*10 + uint64(c-'0')
	}
	return n
}

// shift multiplies by 10^places; false over uint256.
func shift(amount *uint256.Int, places int) bool {
	for places > 0 && !amount.IsZero() {
		n := min(places, 19)
		if !timesPlus(amount, powersOfTen[n], 0) {
			return false
		}
		places -= n
	}
	return true
}
