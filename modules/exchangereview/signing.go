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

// MaxSignature is the longest signature, in bytes: a smart wallet's may have several
// in it, and the wallet's deployment.
const MaxSignature = 8 << 10

// Signature is the bytes of a signature: r‖s‖v of a key, 65 bytes, or what a smart
// wallet makes, up to MaxSignature. It is a string of bytes so that values can be
// compared. Its text form is 0x and hex digits.
type Signature string

// MarshalText returns the text form.
func (s Signature) MarshalText() ([]byte, error) {
	return []byte("0x" + hex.EncodeToString([]byte(s))), nil
}

// UnmarshalText reads the text form. It fails with fault.Invalid.
func (s *Signature) UnmarshalText(text []byte) error {
	switch {
	case len(text) == 2+2*64:
		return fault.New(fault.Invalid, "a signature must be 0x and 130 hex digits, r‖s‖v: this one has 64 bytes, "+
			"the compact form of EIP-2098 or one without v; ask the wallet for the ordinary one")
	case len(text) > 2+2*MaxSignature:
		return fault.Newf(fault.Invalid, "the signature has at most %d bytes: send the signature that the wallet returned", MaxSignature)
	case len(text) < 2 || len(text)%2 != 0:
		return fault.New(fault.Invalid, "a signature must be 0x and hex digits, 130 of them if a key has made it: send the signature that the wallet returned")
	}
	signed := make([]byte, len(text)/2-1)
	if err := decodeHex(signed, text, "a signature"); err != nil {
		return err
	}
	*s = Signature(signed)
	return nil
}

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
