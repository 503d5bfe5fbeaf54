// Package wallet holds the 20-byte address that every module speaks of:
// 20 bytes in the database, EIP-55 text outside.
package wallet

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/sha3"

	"banyan/platform/fault"
)

// Address is an Ethereum address. Its text form is EIP-55
// (https://eips.ethereum.org/EIPS/eip-55); the zero value is the zero address.
type Address [20]byte

// Parse reads "0x" and 40 hex digits. All lower or all upper case is taken as
// it is; mixed case must carry the right EIP-55 checksum, because a wrong one
// means a mistyped address. Fails with fault.Invalid.
func Parse(text string) (Address, error) {
	var a Address
	if len(text) != 42 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X') {
		return a, fault.Newf(fault.Invalid, "a wallet address is 0x and 40 hex digits, this has %d characters", len(text))
	}
	if _, err := hex.Decode(a[:], []byte(text[2:])); err != nil {
		return Address{}, fault.New(fault.Invalid, "a wallet address has only hex digits (0-9, a-f) after 0x")
	}
	lower, upper := false, false
	for _, c := range []byte(text[2:]) {
		lower = lower || (c >= 'a' && c <= 'f')
		upper = upper || (c >= 'A' && c <= 'F')
	}
	if lower && upper && a.String()[2:] != text[2:] {
		return Address{}, fault.New(fault.Invalid,
			"the upper and lower case letters of this address do not match its EIP-55 checksum: a digit may be wrong; copy it again")
	}
	return a, nil
}

// MustParse is Parse for constants in tests and demo data; it panics.
func MustParse(text string) Address {
	a, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return a
}

// String gives the EIP-55 form.
func (a Address) String() string {
	var buf [42]byte
	buf[0], buf[1] = '0', 'x'
	hex.Encode(buf[2:], a[:])
	h := sha3.NewLegacyKeccak256()
	h.Write(buf[2:])
	var sum [32]byte
	h.Sum(sum[:0])
	for i := range 40 {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 15
		}
		if c := buf[2+i]; nibble >= 8 && c >= 'a' {
			buf[2+i] = c - 'a' + 'A'
		}
	}
	return string(buf[:])
}

// Short is for people: 0x1234…cdef.
func (a Address) Short() string {
	s := a.String()
	return s[:6] + "…" + s[38:]
}

// IsZero tells whether it is the zero address.
func (a Address) IsZero() bool { return a == Address{} }

// MarshalText gives the EIP-55 form (also in JSON and in URLs).
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is Parse.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Value stores the 20 bytes.
func (a Address) Value() (driver.Value, error) { return a[:], nil }

// Scan reads the 20 bytes.
func (a *Address) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != 20 {
		return fmt.Errorf("scan a wallet: got %T, want 20 bytes", src)
	}
	copy(a[:], b)
	return nil
}
