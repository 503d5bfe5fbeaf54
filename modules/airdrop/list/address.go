package list

import (
	"bytes"
	"fmt"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet"
)

// hexDigits is the length of an address in hex digits.
const hexDigits = 40

// nibbles gives the value of each hex digit, with 0x10 for a lower-case and
// 0x20 for an upper-case letter; 0xff for anything else.
var nibbles = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range byte(10) {
		table['0'+i] = i
	}
	for i := range byte(6) {
		table['a'+i] = 0x10 | (10 + i)
		table['A'+i] = 0x20 | (10 + i)
	}
	return table
}()

// parseAddress reads 0x and 40 hex digits. mixed means that both cases occur,
// so that the EIP-55 checksum has yet to be checked (see checksums).
func parseAddress(text []byte, who *wallet.Address) (mixed bool, problem string) {
	if len(text) != 2+hexDigits || text[0] != '0' || text[1]|0x20 != 'x' {
		return false, strangeAddress(text)
	}
	digits := text[2:]
	var cases, wrong byte
	for i := range who {
		high, low := nibbles[digits[2*i]], nibbles[digits[2*i+1]]
		cases |= high | low
		wrong |= (high | low) & 0xc0
		who[i] = high<<4 | low&0x0f
	}
	if wrong != 0 {
		return false, fmt.Sprintf("%q has something other than hex digits (0-9, a-f) after 0x", shortened(text))
	}
	return cases&0x30 == 0x30, ""
}

func strangeAddress(text []byte) string {
	switch {
	case len(text) == 0:
		return "is missing"
	case len(text) == hexDigits && onlyHex(text):
		return "has no 0x before its 40 hex digits"
	case bytes.HasPrefix(text, []byte("0x")) || bytes.HasPrefix(text, []byte("0X")):
		return fmt.Sprintf("an address has 40 hex digits after 0x, this has %d", len(text)-2)
	case bytes.HasSuffix(text, []byte(".eth")):
		return fmt.Sprintf("%q is a name: write the address it stands for", shortened(text))
	}
	return fmt.Sprintf("%q is no address: write 0x and 40 hex digits", shortened(text))
}

func onlyHex(text []byte) bool {
	for _, c := range text {
		if nibbles[c] == 0xff {
			return false
		}
	}
	return true
}

// checksums gathers addresses in mixed case and checks their EIP-55 checksums
// all at once: it is the one thing on a line that needs a hash.
type checksums struct {
	lower   []byte // 40 lower-case digits each
	written []byte // the same as they were written
	lines   []int
}

func (c *checksums) add(text []byte, line int) {
	digits := text[2:]
	c.written = append(c.written, digits...)
	for _, d := range digits {
		c.lower = append(c.lower, d|0x20) // digits have that bit already
	}
	c.lines = append(c.lines, line)
}

const wrongChecksum = "the upper and lower case letters do not match the address's EIP-55 checksum: a digit may be wrong; copy it again"

// wrong calls yield with the line of each address whose checksum is wrong.
func (c *checksums) wrong(engine keccak.Engine, yield func(line int)) error {
	digests := make([]byte, len(c.lines)*keccak.DigestSize)
	if err := engine.Hash(digests, c.lower, hexDigits); err != nil {
		return fault.From(err)
	}
	for i, line := range c.lines {
		digest := digests[i*keccak.DigestSize : (i+1)*keccak.DigestSize]
		if !checksumHolds(c.written[i*hexDigits:(i+1)*hexDigits], digest) {
			yield(line)
		}
	}
	return nil
}

// checksumHolds compares the case of each letter with the digest's bit for it:
// https://eips.ethereum.org/EIPS/eip-55
func checksumHolds(digits, digest []byte) bool {
	for i, c := range digits {
		if c < 'A' {
			continue // a digit has no case
		}
		bit := digest[i/2] >> (7 - 4*(i%2)) & 1
		if upper := c&0x20 == 0; upper != (bit == 1) {
			return false
		}
	}
	return true
}
