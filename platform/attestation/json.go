package attestation

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// Hash is 32 bytes; its text form is 0x and 64 hex digits.
type Hash [32]byte

// IsZero reports whether all bytes are zero, which stands for none.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the text form.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText returns the text form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the text form. It fails with fault.Invalid.
func (h *Hash) UnmarshalText(text []byte) error {
	digits, ok := hexDigits(text)
	if !ok || len(digits) != 2*len(h) {
		return fault.New(fault.Invalid, "must be 0x and 64 hex digits")
	}
	if _, err := hex.Decode(h[:], digits); err != nil {
		return fault.New(fault.Invalid, "must be 0x and 64 hex digits")
	}
	return nil
}

func hexDigits(text []byte) (digits []byte, ok bool) {
	if len(text) < 2 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X') {
		return nil, false
	}
	return text[2:], true
}

// SchemaID is a schema's UID as it was written: the UID of an attestation is
// made of its very letters.
type SchemaID string

func (s SchemaID) valid() bool {
	var h Hash
	return strings.HasPrefix(string(s), "0x") && h.UnmarshalText([]byte(s)) == nil
}

// Hash returns the 32 bytes; zero when the text is not valid.
func (s SchemaID) Hash() (h Hash) {
	_ = h.UnmarshalText([]byte(s)) // Check names it
	return h
}

// Bytes are any bytes; their text form is 0x and hex digits.
type Bytes []byte

// MarshalText returns the text form.
func (b Bytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

// UnmarshalText reads the text form. It fails with fault.Invalid.
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, ok := hexDigits(text)
	if !ok {
		return fault.New(fault.Invalid, "must be 0x and an even number of hex digits")
	}
	decoded := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(decoded, digits); err != nil {
		return fault.New(fault.Invalid, "must be 0x and an even number of hex digits")
	}
	*b = decoded
	return nil
}

// Uint is a whole number that JSON writes as text, as the SDK does with a BigInt;
// it is read from a number, too.
type Uint uint64

// MarshalJSON returns the decimal digits as text.
func (u Uint) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatUint(uint64(u), 10) + `"`), nil
}

// UnmarshalJSON reads decimal digits, or hex digits after 0x in a text.
func (u *Uint) UnmarshalJSON(text []byte) error {
	digits := string(bytes.Trim(text, `"`))
	if digits == "" || strings.ContainsAny(digits, "_+-.") || strings.HasPrefix(digits, "0b") || strings.HasPrefix(digits, "0o") {
		return fault.New(fault.Invalid, "must be a whole number from 0 to 2^64-1")
	}
	base := 10
	if rest, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, base = rest, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return fault.New(fault.Invalid, "must be a whole number from 0 to 2^64-1")
	}
	*u = Uint(n)
	return nil
}

// JSONSchema implements seam.Schemer.
func (Uint) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "description": "whole number up to 2^64-1, decimal; read from a number, too", "pattern": "^[0-9]{1,20}$"}
}

// Signature is the bytes of a signature: r‖s‖v of a key, or what a smart wallet
// makes. In JSON it is {r, s, v} as the SDK has it, or 0x and hex digits as
// wallets return it.
type Signature []byte

type signatureParts struct {
	R Bytes `json:"r"`
	S Bytes `json:"s"`
	V *Uint `json:"v"`
}

// MarshalJSON returns {r, s, v} for the 65 bytes of a key, and otherwise text.
func (s Signature) MarshalJSON() ([]byte, error) {
	if len(s) != 65 {
		return json.Marshal(Bytes(s))
	}
	return json.Marshal(struct {
		R Bytes `json:"r"`
		S Bytes `json:"s"`
		V int   `json:"v"`
	}{Bytes(s[:32]), Bytes(s[32:64]), int(s[64])})
}

// UnmarshalJSON reads both forms.
func (s *Signature) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var b Bytes
		if err := json.Unmarshal(text, &b); err != nil {
			return named(err, "the signature")
		}
		if len(b) > MaxSignature {
			return fault.Newf(fault.Invalid, "the signature has %d bytes, at most %d are taken", len(b), MaxSignature)
		}
		*s = Signature(b)
		return nil
	}
	if string(text) == "null" {
		return nil
	}
	var parts signatureParts
	if err := json.Unmarshal(text, &parts); err != nil {
		return named(err, "the signature")
	}
	if len(parts.R) != 32 || len(parts.S) != 32 || parts.V == nil || *parts.V > 255 {
		return fault.New(fault.Invalid, "the signature must have r and s of 32 bytes each and v of one, or be 0x and its hex digits")
	}
	*s = append(append(append(Signature{}, parts.R...), parts.S...), byte(*parts.V))
	return nil
}

// JSONSchema implements seam.Schemer.
func (Signature) JSONSchema() map[string]any {
	return map[string]any{"description": "{r, s, v} as the EAS SDK writes it, or 0x and hex digits as a wallet returns it"}
}

// UnmarshalJSON reads {sig, signer} as the SDK shares it, and also what stands in
// sig alone, beside which signer may be absent. Fields that are not known are
// left aside: explorers add some.
func (p *Package) UnmarshalJSON(text []byte) error {
	if len(text) > MaxPackage {
		return fault.Newf(fault.TooLarge, "an attestation has at most %d bytes of JSON, this has %d", MaxPackage, len(text))
	}
	var shape struct {
		Sig    json.RawMessage `json:"sig"`
		Signer json.RawMessage `json:"signer"`
	}
	if err := json.Unmarshal(text, &shape); err != nil {
		return notRead(err)
	}
	inner := shape.Sig
	if len(inner) == 0 {
		inner = text
	}
	if len(shape.Signer) > 0 {
		if err := json.Unmarshal(shape.Signer, &p.Signer); err != nil {
			return named(err, "the signer")
		}
	}
	return p.Sig.read(inner)
}

// read decodes sig; the version may stand in the message alone, and the name of the
// type in the types.
func (s *Signed) read(text []byte) error {
	type plain Signed // without methods
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return notRead(err)
	}
	if s.Version == 0 {
		s.Version = s.Message.Version
	}
	if s.PrimaryType == "" {
		s.PrimaryType = primaryType
	}
	return nil
}

// Parse reads one attestation. It fails with fault.Invalid.
func Parse(text []byte) (Package, error) {
	var p Package
	if err := json.Unmarshal(text, &p); err != nil {
		return Package{}, notRead(err)
	}
	return p, nil
}

func notRead(err error) error {
	if f := fault.From(err); f != nil && f.Code != fault.Internal {
		return f
	}
	return fault.Wrap(err, fault.Invalid, "this is not the JSON of an attestation, {\"sig\": {…}, \"signer\": \"0x…\"}: "+err.Error())
}

func named(err error, what string) error {
	if f := fault.From(err); f != nil && f.Code != fault.Internal {
		return fault.New(f.Code, what+": "+f.Message)
	}
	return fault.Wrap(err, fault.Invalid, fmt.Sprintf("%s cannot be read: %v", what, err))
}
