package airdrop

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/platform/wallet/hexdigits"
)

// uint256.Int has its JSON form on the pointer only, so encoding/json would
// write a Campaign or a Claim that is passed by value with four numbers where
// the decimal string belongs. Both say themselves how they are written.

// MarshalJSON writes the total as a decimal string.
func (c Campaign) MarshalJSON() ([]byte, error) {
	type plain Campaign
	return json.Marshal((*plain)(&c))
}

// MarshalJSON gives what encoding/json would for the fields.
func (c Claim) MarshalJSON() ([]byte, error) { return c.AppendJSON(nil) }

// AppendJSON is MarshalJSON for a buffer that is there already, in a third of
// the time that encoding/json takes: claims are what a busy day asks for.
func (c *Claim) AppendJSON(to []byte) ([]byte, error) {
	const fixed, perHash = 400, 70
	to = slices.Grow(to, fixed+perHash*len(c.Proof))
	to = append(to, `{"campaign":`...)
	to = appendText(to, c.Campaign)
	to = append(to, `,"wallet":"`...)
	to, _ = c.Wallet.AppendText(to) // bytes: cannot fail
	to = append(to, `","index":`...)
	to = strconv.AppendUint(to, c.Index, 10)
	to = append(to, `,"amount":"`...)
	to = appendDecimal(to, c.Amount)
	to = append(to, `","leaf":"`...)
	to = appendHex(to, c.Leaf[:])
	to = append(to, `","proof":`...)
	to = c.appendProof(to)
	to = append(to, `,"root":"`...)
	to = appendHex(to, c.Root[:])
	return append(to, `"}`...), nil
}

func (c *Claim) appendProof(to []byte) []byte {
	if c.Proof == nil {
		return append(to, "null"...)
	}
	to = append(to, '[')
	for i := range c.Proof {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, '"')
		to = appendHex(to, c.Proof[i][:])
		to = append(to, '"')
	}
	return append(to, ']')
}

// appendHex appends 0x and the digits of bytes.
func appendHex(to, bytes []byte) []byte {
	return hexdigits.Append(append(to, '0', 'x'), bytes)
}

// appendText appends a JSON string.
func appendText(to []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // a string: cannot fail
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}

// appendDecimal appends v in decimal, without the allocations of v.Dec.
func appendDecimal(to []byte, v uint256.Int) []byte {
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
