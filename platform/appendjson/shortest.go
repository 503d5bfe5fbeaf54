package appendjson

import (
	"math"
	"strconv"
)

// Shortest is a float64 in the digits of its shortest decimal form. To find them takes
// most of the time of writing it: who writes the same values again and again keeps them
// in this form.
type Shortest struct {
	Digits   int64 // with the sign, at most 17 of them
	Exponent int16 // of ten: the value is Digits · 10^Exponent
}

// negativeZero is the exponent of the value that no sign of Digits can tell.
const negativeZero = math.MinInt16

// ShortestOf returns the digits of v, which is finite.
func ShortestOf(v float64) Shortest {
	if v == 0 {
		if math.Signbit(v) {
			return Shortest{Exponent: negativeZero}
		}
		return Shortest{}
	}
	var room [32]byte
	text := strconv.AppendFloat(room[:0], math.Abs(v), 'e', -1, 64) // 1.25e-09
	var s Shortest
	n := 0
	for ; text[n] != 'e'; n++ {
		if text[n] != '.' {
			s.Digits = 10*s.Digits + int64(text[n]-'0')
			s.Exponent--
		}
	}
	exponent, _ := strconv.ParseInt(string(text[n+1:]), 10, 16) // strconv wrote it
	s.Exponent += 1 + int16(exponent)
	if v < 0 {
		s.Digits = -s.Digits
	}
	return s
}

// Append appends the value as encoding/json writes a float64: with an exponent below
// 1e-6 and from 1e21 on.
func (s Shortest) Append(to []byte) []byte {
	digits := uint64(s.Digits)
	if s.Digits < 0 || s.Exponent == negativeZero {
		to, digits = append(to, '-'), -digits
	}
	if digits == 0 {
		return append(to, '0')
	}
	var room [20]byte
	text := strconv.AppendUint(room[:0], digits, 10)
	const smallest, largest = -6, 21 // powers of ten that are written without an exponent
	switch power := int(s.Exponent) + len(text) - 1; {
	case power < smallest || power >= largest:
		to = append(to, text[0])
		if len(text) > 1 {
			to = append(append(to, '.'), text[1:]...)
		}
		to = append(to, 'e')
		if power > 0 {
			to = append(to, '+')
		}
		return strconv.AppendInt(to, int64(power), 10)
	case power < 0:
		to = append(to, "0.00000"[:1-power]...)
		return append(to, text...)
	case s.Exponent >= 0:
		to = append(to, text...)
		return append(to, "00000000000000000000"[:s.Exponent]...)
	default:
		to = append(append(to, text[:power+1]...), '.')
		return append(to, text[power+1:]...)
	}
}
