// Package appendjson appends values in their JSON form to a buffer, without the
// allocations of encoding/json, for the most frequent answers.
package appendjson

import (
	"encoding/json"
	"math/bits"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/platform/wallet/hexdigits"
)

// Hex appends 0x and the digits of bytes.
func Hex(to, bytes []byte) []byte {
	return hexdigits.Append(append(to, '0', 'x'), bytes)
}

// Text appends a JSON string.
func Text(to []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // a string: cannot fail
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}

// Decimal appends v in decimal, without the allocations of v.Dec.
func Decimal(to []byte, v uint256.Int) []byte {
	const (
		digits = 19 // of the greatest power of ten in 64 bits
		power  = 10_000_000_000_000_000_000
	)
	var parts [5]uint64 // 5 · 19 digits hold 2^256
	n := 0
	for !v.IsUint64() {
		var rest uint64
		for i := len(v) - 1; i >= 0; i-- {
			v[i], rest = bits.Div64(rest, v[i], power)
		}
		parts[n] = rest
		n++
	}
	to = strconv.AppendUint(to, v[0], 10)
	for n--; n >= 0; n-- {
		var room [20]byte
		part := strconv.AppendUint(room[:0], parts[n], 10)
		to = append(to, "0000000000000000000"[:digits-len(part)]...)
		to = append(to, part...)
	}
	return to
}
