// Package wallet has the address type of all modules: 20 bytes in the database,
// EIP-55 text outside.
package wallet

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"banyan/platform/wallet/hexdigits"
)

// Address is an Ethereum address. Its text form is EIP-55
// (https://eips.ethereum.org/EIPS/eip-55); the zero value is the zero address.
type Address [20]byte

// Parse reads "0x" and 40 hex digits. All lower or all upper case is accepted
// without a check; mixed case must have the right EIP-55 checksum, because a
// wrong one means a mistyped address. It fails with fault.Invalid. Read knows
// more forms.
func Parse(text string) (Address, error) { return parse([]byte(text)) }

func parse(text []byte) (Address, error) {
	a, problem := readDigits(text, 0)
	if problem != "" {
		return Address{}, refuse(problem)
	}
	return a, nil
}

// decode decodes 0x and 40 hex digits; false if they are none.
func decode(text []byte) (a Address, ok bool) {
	_, err := hex.Decode(a[:], text[2:])
	return a, err == nil
}

// isMixed reports whether hex digits have letters of both cases.
func isMixed(digits []byte) bool {
	var small, large uint64
	for i := 0; i < len(digits); i += 8 { // of hex digits, only letters have bit 6, and lower-case ones bit 5
		eight := binary.BigEndian.Uint64(digits[i:])
		small |= eight >> 6 & (eight >> 5)
		large |= eight >> 6 &^ (eight >> 5)
	}
	return small&hexdigits.Ones != 0 && large&hexdigits.Ones != 0
}

// isChecksummed reports whether the 40 digits are those of the EIP-55 form.
func (a Address) isChecksummed(digits []byte) bool {
	s := takeSpelling(a)
	defer spellings.Put(s)
	return bytes.Equal(s.text[2:], digits)
}

// MustParse is Parse for constants in tests and demo data; it panics.
func MustParse(text string) Address {
	a, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// String returns the EIP-55 form.
func (a Address) String() string {
	s := takeSpelling(a)
	defer spellings.Put(s)
	return string(s.text[:])
}

// AppendText appends the EIP-55 form, for long outputs.
func (a Address) AppendText(text []byte) ([]byte, error) {
	s := takeSpelling(a)
	defer spellings.Put(s)
	return append(text, s.text[:]...), nil
}

// Short returns a short form for people: 0x1234…cdef.
func (a Address) Short() string {
	s := a.String()
	return s[:6] + "…" + s[38:]
}

// IsZero reports whether a is the zero address.
func (a Address) IsZero() bool { return a == Address{} }

// MarshalText returns the EIP-55 form (also in JSON and in URLs).
func (a Address) MarshalText() ([]byte, error) { return a.AppendText(nil) }

// UnmarshalText is Read for any chain.
func (a *Address) UnmarshalText(text []byte) error {
	w, problem := ReadText(text, 0)
	if problem != "" {
		return refuse(problem)
	}
	*a = w.Address
	return nil
}

// Value implements driver.Valuer with the 20 bytes.
func (a Address) Value() (driver.Value, error) { return a[:], nil }

// Scan implements sql.Scanner for 20 bytes.
func (a *Address) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != 20 {
		return fmt.Errorf("scan a wallet: got %T, want 20 bytes", src)
	}
	copy(a[:], b)
	return nil
}
