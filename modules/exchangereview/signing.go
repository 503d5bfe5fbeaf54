package exchangereview

import (
	"encoding/hex"
	"fmt"

	"banyan/platform/fault"
)

// Hash is 32 bytes; its text form is 0x and 64 hex digits.
type Hash [32]byte

// IsZero reports whether h is the zero hash: no previous version.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the text form.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText returns the text form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the text form. It fails with fault.Invalid.
func (h *Hash) UnmarshalText(text []byte) error { return decodeHex(h[:], text, "a hash") }

func decodeHex(into, text []byte, what string) error {
	wrong := fault.New(fault.Invalid, fmt.Sprintf("%s must be 0x and %d hex digits", what, 2*len(into)))
	if len(text) != 2+2*len(into) || text[0] != '0' || text[1] != 'x' {
		return wrong
	}
	if _, err := hex.Decode(into, text[2:]); err != nil {
		return wrong
	}
	return nil
}
