// Package eip712 has the types of what wallets sign (https://eips.ethereum.org/EIPS/eip-712),
// and of what they sign it with, as contracts send them.
package eip712

import (
	"encoding/hex"

	"banyan/platform/fault"
)

// TypedData is an EIP-712 document as eth_signTypedData_v4 takes it.
type TypedData struct {
	Types       map[string][]TypedField `json:"types"`
	PrimaryType string                  `json:"primaryType"`
	Domain      map[string]any          `json:"domain"`
	Message     map[string]any          `json:"message"`
}

// TypedField is a field of an EIP-712 type.
type TypedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

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
	if _, err := hex.Decode(signed, text[2:]); err != nil || text[0] != '0' || text[1] != 'x' {
		return fault.Newf(fault.Invalid, "a signature must be 0x and %d hex digits", 2*len(signed))
	}
	*s = Signature(signed)
	return nil
}
