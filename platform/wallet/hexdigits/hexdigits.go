// Package hexdigits writes the digits of addresses and hashes, many times as
// fast as encoding/hex. Proofs consist of little else.
package hexdigits

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Append appends two lower-case digits for each byte.
func Append(to, bytes []byte) []byte {
	had := len(to)
	to = slices.Grow(to, 2*len(bytes))[:had+2*len(bytes)]
	Write(to[had:], bytes)
	return to
}

// Write writes two lower-case digits for each byte; it panics when to is too
// short.
func Write(to, bytes []byte) {
	to = to[:2*len(bytes)]
	if done := byVectors(to, bytes); done < len(bytes) {
		byWords(to[2*done:], bytes[done:])
	}
}

// byWords writes the digits that byVectors leaves: on some processors all of
// them.
func byWords(to, bytes []byte) {
	for ; len(bytes) >= 4; to, bytes = to[8:], bytes[4:] {
		binary.BigEndian.PutUint64(to, eight(binary.BigEndian.Uint32(bytes)))
	}
	hex.Encode(to, bytes)
}

// Ones is 1 in each of eight bytes.
const Ones = 0x0101010101010101

// Halves returns the halves of four bytes in eight, the first one in the
// highest.
func Halves(bytes uint32) uint64 {
	x := uint64(bytes)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	return (x | x<<4) & (Ones * 0x0f)
}

// eight returns the digits of four bytes, likewise.
func eight(bytes uint32) uint64 {
	x := Halves(bytes)
	letters := (x + Ones*6) >> 4 & Ones // 1 for each digit over 9
	return x + Ones*'0' + letters*('a'-'0'-10)
}
