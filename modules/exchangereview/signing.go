package exchangereview

import (
	"encoding/hex"
	"fmt"

	"banyan/platform/fault"
)

// Hash is 32 bytes; text is 0x and 64 hex digits.
type Hash [32]byte

// IsZero tells whether it is the zero hash: no previous version.
func (h Hash) IsZero() bool { return h == Hash{} }

// String gives the text form.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText gives the text form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the text form. Fails with fault.Invalid.
func (h *Hash) UnmarshalText(text []byte) error { return decodeHex(h[:], text, "a hash") }

// Signature is r‖s‖v, 65 bytes; text is 0x and 130 hex digits.
type Signature [65]byte

// MarshalText gives the text form.
func (s Signature) MarshalText() ([]byte, error) {
	return []byte("0x" + hex.EncodeToString(s[:])), nil
}

// UnmarshalText reads the text form. Fails with fault.Invalid.
func (s *Signature) UnmarshalText(text []byte) error { return decodeHex(s[:], text, "a signature") }

func decodeHex(into, text []byte, what string) error {
	wrong := fault.New(fault.Invalid, fmt.Sprintf("%s is 0x and %d hex digits", what, 2*len(into)))
	if len(text) != 2+2*len(into) || text[0] != '0' || text[1] != 'x' {
		return wrong
	}
	if _, err := hex.Decode(into, text[2:]); err != nil {
		return wrong
	}
	return nil
}
