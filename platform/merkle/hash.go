package merkle

import (
	"encoding/hex"
	"unsafe"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet/hexdigits"
)

// HashSize is the length of a node in bytes.
const HashSize = keccak.DigestSize

// Hash is a node of a tree: a leaf, an inner node or the root. Its text form
// is 0x and 64 lower-case hex digits.
type Hash [HashSize]byte

// ParseHash reads 0x and 64 hex digits. It fails with fault.Invalid.
func ParseHash(text string) (Hash, error) {
	var h Hash
	if len(text) != 2+2*HashSize || text[0] != '0' || (text[1] != 'x' && text[1] != 'X') {
		return h, fault.Newf(fault.Invalid, "a hash is 0x and 64 hex digits, this has %d characters", len(text))
	}
	if _, err := hex.Decode(h[:], []byte(text[2:])); err != nil {
		return Hash{}, fault.New(fault.Invalid, "a hash has only hex digits (0-9, a-f) after 0x")
	}
	return h, nil
}

// String returns 0x and 64 lower-case hex digits.
func (h Hash) String() string { return string(h.appendText(nil)) }

// MarshalText returns the text form (also in JSON).
func (h Hash) MarshalText() ([]byte, error) {
	return h.appendText(make([]byte, 0, 2+2*HashSize)), nil
}

// AppendText appends the text form, for long outputs.
func (h Hash) AppendText(text []byte) ([]byte, error) { return h.appendText(text), nil }

func (h Hash) appendText(text []byte) []byte {
	return hexdigits.Append(append(text, '0', 'x'), h[:])
}

// UnmarshalText reads the text form as ParseHash does.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// hashesOf returns bytes as hashes, in place. Copying one is then a few
// instructions, so that a processor fetches several at a time from wherever
// they are.
func hashesOf(nodes []byte) []Hash {
	return unsafe.Slice((*Hash)(unsafe.Pointer(unsafe.SliceData(nodes))), len(nodes)/HashSize) //nolint:gosec // a Hash is bytes, of no alignment
}

// bytesOf is the reverse of hashesOf.
func bytesOf(hashes []Hash) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(hashes))), len(hashes)*HashSize) //nolint:gosec // likewise
}

// wordsOf returns bytes as words, in place; their address must be a multiple of
// 8.
func wordsOf(bytes []byte) []uint64 {
	first := unsafe.Pointer(unsafe.SliceData(bytes)) //nolint:gosec // checked in the next line
	if uintptr(first)%8 != 0 {
		panic("merkle: the address of words is not a multiple of 8")
	}
	return unsafe.Slice((*uint64)(first), len(bytes)/8) //nolint:gosec // inside of bytes
}
